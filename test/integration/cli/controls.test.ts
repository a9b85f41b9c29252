import { afterAll, beforeAll, expect, test } from 'vitest';
import { jsonLines } from '../../support/cli.ts';
import { startCliFleet, type CliFleet } from '../../support/cli-fleet.ts';
import { until } from '../../support/until.ts';

/** `tidings controls`, `pause`, `resume` and `drain`. */
let fleet: CliFleet;

beforeAll(async () => {
  fleet = await startCliFleet();
});
afterAll(() => fleet.stop());

const control = async (id: string) =>
  jsonLines((await fleet.cli.run(['controls', '--json'])).stdout).find((one) => one.id === id);

test('pause holds a channel up until resume', async () => {
  const paused = await fleet.cli.run(['pause', 'in_app', '--reason', 'we move', '--minutes', '5']);
  expect(paused).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^channel:in_app {2}paus/) as string,
  });
  expect(paused.stdout).toMatch(/until \d{4}-/);
  await until(async () => (await control('channel:in_app'))?.state === 'paused', 20_000);
  const table = await fleet.cli.run(['controls']);
  expect(table.stdout).toMatch(/channel:in_app +paused .* api +we move\n/);
  expect(await fleet.cli.run(['resume', 'channel:in_app'])).toMatchObject({ code: 0 });
  await until(async () => (await control('channel:in_app'))?.state === 'running', 20_000);
});

test('drain stops accepting until resume accepting', async () => {
  expect(await fleet.cli.run(['drain', '--reason', 'we move', '--json'])).toMatchObject({ code: 0 });
  expect(await control('accepting')).toMatchObject({ reason: 'we move' });
  expect(await fleet.cli.run(['resume', 'accepting'])).toMatchObject({
    code: 0,
    stdout: 'accepting  accepting\n',
  });
});

test('ends with 1 where nothing is paused, and with 2 without a reason', async () => {
  expect(await fleet.cli.run(['resume', 'sms'])).toMatchObject({
    code: 1,
    stderr: 'Its state forbids this. channel:sms is not paused: it is no_consumer.\n',
  });
  expect(await fleet.cli.run(['pause', 'fax', '--reason', 'x'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('There is no control fax.') as string,
  });
  expect(await fleet.cli.run(['pause', 'sms'])).toMatchObject({ code: 2 });
});
