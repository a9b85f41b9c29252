import { expect, test } from 'vitest';
import { magicOf } from '../../../infra/local/sandbox/magic-recipients.ts';
import { ManagedProcess } from '../../../infra/local/supervisor/managed-process.ts';
import { createOutput, showsColour } from '../../../infra/local/supervisor/output.ts';
import { restartDelay } from '../../../infra/local/supervisor/restart.ts';
import { until } from '../../support/until.ts';

test('lines of a process stand whole behind its name, however they come in pieces', () => {
  let text = '';
  const output = createOutput((piece) => (text += piece), ['a', 'longer'], false);
  output.from('a', 'one\ntw');
  output.from('longer', 'x\n');
  output.from('a', 'o\n');
  expect(text).toBe('a      | one\nlonger | x\na      | two\n');
});

test('colour shows on a terminal, unless NO_COLOR is set', () => {
  expect(showsColour({ isTTY: true }, {})).toBe(true);
  expect(showsColour({ isTTY: true }, { NO_COLOR: '1' })).toBe(false);
  expect(showsColour({}, {})).toBe(false);
});

test('a crashed process is started again within a second the first time, and at most every 30 s', () => {
  expect(restartDelay(1)).toBeLessThan(1_000);
  expect(restartDelay(3)).toBe(2_000);
  expect(restartDelay(50)).toBe(30_000);
});

test('what ends by the exit code that says it is hopeless is not started again, and somebody hears of it', async () => {
  let text = '';
  const output = createOutput((piece) => (text += piece), ['service'], false);
  const process_ = (code: number): ManagedProcess =>
    new ManagedProcess(
      {
        ...{ name: 'service', command: process.execPath, args: ['-e', `process.exit(${code})`] },
        ...{ env: process.env, cwd: process.cwd(), stopWithinMs: 1_000, hopelessCode: 78 },
      },
      output,
    );
  const hopeless = process_(78);
  await new Promise<void>((resolve) => {
    hopeless.start(resolve);
  });
  expect(text).toBe('service ended (code 78), and is not started again: its settings keep it from it\n');
  const crashing = process_(1);
  crashing.start(() => (text += 'hopeless'));
  await until(() => text.includes('service ended (code 1); starting it again in'));
  await crashing.stop();
  expect(text).not.toContain('hopeless');
});

test('magic recipients go by the local part, with a tag too', () => {
  expect(magicOf('flaky+7@any.example')?.local).toBe('flaky');
  expect(magicOf('Bounce@example.org')?.local).toBe('bounce');
  expect(magicOf('flakyone@example.org')).toBeUndefined();
});
