import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SERVICES } from '../../infra/local/fleet.ts';
import { startLocalFleet, type LocalFleet } from '../support/local-fleet.ts';
import { peerProgram } from '../support/peers.ts';
import { runProgram } from '../support/program.ts';
import { until } from '../support/until.ts';

const amqpPublish = peerProgram('amqp-publish') ?? '';
const amqpGo = peerProgram('amqp-go') ?? '';
const HELLO = { user_id: 'u1', type: 'in_app', message: 'Hello' };

/** A message as the management API shows it. */
interface Shown {
  exchange: string;
  payload: string;
  properties: { message_id?: string; headers?: Record<string, string> };
}

describe.skipIf(amqpPublish === '' && amqpGo === '')('the fleet of npm start', () => {
  let fleet: LocalFleet;
  let pids: number[];

  beforeAll(async () => {
    // Text is what a person reads at a terminal, and what was broken by a request without properties.
    fleet = await startLocalFleet({ LOG_FORMAT: 'text' });
    pids = SERVICES.map((name) => fleet.pidOf(name));
  });
  afterAll(() => fleet.stop());

  /** The parked request with this body; its reason is in its headers. */
  const untilParked = (body: string): Promise<Shown> =>
    until(async () =>
      ((await fleet.brokerMessages()) as Shown[]).find(
        ({ payload, properties }) => payload === body && properties.headers?.['x-tidings-reason'],
      ),
    );
  const untilSent = (user: string): Promise<unknown> =>
    until(async () => {
      const { json } = await fleet.call('GET', `/v1/users/${user}/notifications`);
      return (json.notifications as { status: string }[]).some(({ status }) => status === 'sent');
    });

  /** Every process that was started still runs: one that was started again has another id. */
  async function expectAllRunning(): Promise<void> {
    for (const pid of pids) expect(process.kill(pid, 0)).toBe(true);
    expect((await fleet.call('GET', '/readyz')).json).toMatchObject({ checks: { requests: { ok: true } } });
  }

  describe.skipIf(amqpPublish === '')('beside amqp-publish, which cannot set a message_id', () => {
    const publish = (body: string, ...more: string[]) =>
      runProgram(amqpPublish, [
        ...['-u', fleet.rabbitmqUrl, '-e', 'tidings.requests', '-r', 'notification.requested'],
        ...['-b', body, ...more],
      ]);

    test.each<[string, string, string[]]>([
      ['no properties', JSON.stringify(HELLO), []],
      [
        'those that it can set',
        JSON.stringify({ ...HELLO, message: 'Hi' }),
        ['-p', '-C', 'application/json'],
      ],
      [
        'headers of its own',
        JSON.stringify({ ...HELLO, message: 'Hey' }),
        ['-H', 'message_id: order-7', '-t', 'x'],
      ],
    ])('parks a request with %s, and says why', async (_what, body, more) => {
      expect(await publish(body, ...more)).toEqual({ code: 0, stdout: '', stderr: '' });
      const { properties } = await untilParked(body);
      expect(properties.headers).toMatchObject({
        'x-tidings-code': 'validation_failed',
        'x-tidings-reason': expect.stringContaining('properties.message_id') as string,
      });
      await expectAllRunning();
    });

    test.each([
      ['no JSON', 'Hello', 'malformed_json'],
      ['an empty body', '', 'malformed_json'],
      ['JSON that is no request', '[1, null]', 'validation_failed'],
    ])('parks %s, and says why', async (_what, body, code) => {
      expect((await publish(body)).code).toBe(0);
      const { properties } = await untilParked(body);
      expect(properties.headers).toMatchObject({ 'x-tidings-code': code });
      await expectAllRunning();
    });

    test('takes what comes after them', async () => {
      const { status } = await fleet.call('POST', '/v1/notifications', { ...HELLO, user_id: 'after' });
      expect(status).toBe(202);
      await untilSent('after');
    });
  });

  describe.skipIf(amqpGo === '')('beside a client in Go', () => {
    const publish = (...messages: object[]) =>
      runProgram(amqpGo, [], {
        env: { AMQP_URL: fleet.rabbitmqUrl },
        input: messages.map((one) => `${JSON.stringify(one)}\n`).join(''),
      });

    test('accepts a request with its properties, once', async () => {
      const { username } = new URL(fleet.rabbitmqUrl);
      const body = JSON.stringify({ ...HELLO, user_id: 'go' });
      const request = { body, message_id: 'go-1', content_type: 'application/json', user_id: username };
      const { code, stdout, stderr } = await publish(request, request);
      expect({ code, stdout, stderr }).toEqual({
        code: 0,
        stdout: '{"confirmed":"go-1"}\n'.repeat(2),
        stderr: '',
      });
      await untilSent('go');
      const { json } = await fleet.call('GET', '/v1/users/go/notifications');
      expect(json.notifications).toHaveLength(1);
    });

    test('accepts a request with no property but its message_id', async () => {
      await publish({ body: JSON.stringify({ ...HELLO, user_id: 'go-bare' }), message_id: 'go-2' });
      await untilSent('go-bare');
    });

    test('parks a request without any property, and says why', async () => {
      const body = JSON.stringify({ ...HELLO, user_id: 'go-none' });
      expect((await publish({ body })).code).toBe(0);
      const { properties } = await untilParked(body);
      expect(properties.headers?.['x-tidings-reason']).toContain('properties.message_id');
      await expectAllRunning();
    });

    test('parks a request with headers of every kind, and says why', async () => {
      const headers = { list: [1, 'two', null], table: { deep: { deeper: true } }, number: 1.5, none: null };
      const body = JSON.stringify({ ...HELLO, message: 'With headers' });
      expect((await publish({ body, headers })).code).toBe(0);
      await untilParked(body);
      await expectAllRunning();
    });
  });
});
