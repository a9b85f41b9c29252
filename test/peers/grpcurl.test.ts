import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { API_KEY } from '../support/fleet.ts';
import { MailFleet } from '../support/mail-fleet.ts';
import { peerProgram } from '../support/peers.ts';
import { runProgram } from '../support/program.ts';

const program = peerProgram('grpcurl') ?? '';

describe.skipIf(program === '')('grpcurl, which knows only what reflection says', () => {
  let fleet: MailFleet;
  const SCHEDULE = 'tidings.v1.Scheduler/ScheduleMeet';
  const authorization = ['-H', `authorization: Bearer ${API_KEY}`];

  beforeAll(async () => {
    fleet = await MailFleet.start({ GRPC_PORT: '0' }, { scheduler: true });
  });
  afterAll(() => fleet.stop());

  const grpcurl = (...args: string[]) => runProgram(program, ['-plaintext', '-max-time', '10', ...args]);
  const here = (): string => `127.0.0.1:${fleet.producer.grpcPort}`;
  const meeting = (more: object = {}): string =>
    JSON.stringify({
      empid: 'E1',
      emailID: 'ada@example.org',
      message: 'Hello',
      empName: 'Ada',
      timestamp: Math.floor(Date.now() / 1_000),
      ...more,
    });

  test('lists the services', async () => {
    const { code, stdout } = await grpcurl(here(), 'list');
    const services = stdout.trim().split('\n');
    expect(code).toBe(0);
    expect(services).toEqual(expect.arrayContaining(['grpc.health.v1.Health', 'tidings.v1.Scheduler']));
  });

  test('describes the scheduler', async () => {
    const { code, stdout } = await grpcurl(here(), 'describe', 'tidings.v1.MeetRequest');
    expect([code, stdout]).toEqual([0, expect.stringContaining('string emailID')]);
  });

  test.each([
    ['the server', []],
    ['the scheduler', ['-d', '{"service": "tidings.v1.Scheduler"}']],
  ])('asks for the health of %s', async (_whose, more) => {
    const { code, stdout, stderr } = await grpcurl(...more, here(), 'grpc.health.v1.Health/Check');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({ status: 'SERVING' });
  });

  test('schedules a meeting, and its invitation arrives', async () => {
    const { code, stdout } = await grpcurl(...authorization, '-d', meeting(), here(), SCHEDULE);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ success: true, job_id: expect.any(String) as string });
    await fleet.sandbox.mailbox.waitFor((item) => item.kind === 'mail', 15_000);
  });

  test('shows which field is wrong', async () => {
    const { code, stderr } = await grpcurl(
      ...authorization,
      ...['-d', meeting({ emailID: 'nobody' }), here(), SCHEDULE],
    );
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/Code: InvalidArgument[\s\S]*emailID/);
  });

  test('is refused without a key', async () => {
    const { stderr } = await grpcurl('-d', meeting(), here(), SCHEDULE);
    expect(stderr).toContain('Code: Unauthenticated');
  });
});
