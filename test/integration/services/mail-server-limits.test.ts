import { afterEach, describe, expect, test } from 'vitest';
import { createEmailChannel } from '../../../services/email/channel.ts';
import type { Notification } from '../../../shared/contracts/index.ts';
import type { DeliveryChannel, Outcome } from '../../../shared/delivery/index.ts';
import { TOO_SLOW } from '../../../shared/delivery/hanging.ts';
import { readConfig } from '../../../shared/runtime/config.ts';
import { PeculiarMailServer, type Peculiarity } from '../../support/peculiar-mail-server.ts';
import { aRecord } from '../../support/records.ts';
import { until } from '../../support/until.ts';

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function serverWith(peculiarity: Peculiarity): Promise<PeculiarMailServer> {
  const server = await PeculiarMailServer.start(peculiarity);
  stops.push(() => server.stop());
  return server;
}
function channelTo(
  server: PeculiarMailServer,
  more: Record<string, string> = {},
): {
  channel: DeliveryChannel;
  send: (more?: Partial<Notification>, signal?: AbortSignal) => Promise<Outcome>;
} {
  const channel = createEmailChannel(readConfig({ SMTP_URL: server.url, ...more }));
  stops.push(() => channel.stop?.() ?? Promise.resolve());
  return {
    channel,
    send: (given = {}, signal = new AbortController().signal) =>
      channel.deliver(aRecord({ subject: 'Order', ...given }), signal),
  };
}
const ONE_AT_A_TIME = { EMAIL_CONCURRENCY: '1' };
const PIPELINING: [string, string[]][] = [
  ['with PIPELINING', ['PIPELINING']],
  ['without PIPELINING', []],
];

describe.each(PIPELINING)('a mail server %s', (_which, extensions) => {
  test('that refuses MAIL after three mails of a connection gets all twenty, by new connections', async () => {
    const server = await serverWith({ extensions, mailsPerConnection: 3 });
    const { send } = channelTo(server, ONE_AT_A_TIME);
    for (let sent = 0; sent < 20; sent += 1) expect((await send()).kind).toBe('sent');
    expect([server.taken, server.connections]).toEqual([20, 7]);
  }, 20_000);

  test('that refuses MAIL on a new connection as well is at fault, and gets another connection the next time', async () => {
    const answers = { MAIL: '451 4.3.2 not now' };
    const server = await serverWith({ extensions, answers });
    const { send } = channelTo(server, ONE_AT_A_TIME);
    expect(await send()).toMatchObject({ kind: 'transient', code: '451', providerFault: true, seen: false });
    server.peculiarity = { extensions };
    expect((await send()).kind).toBe('sent');
    expect(server.connections).toBe(2);
  });

  test('that refuses the sender of one notification keeps its connection', async () => {
    const server = await serverWith({ extensions, answers: { MAIL: '550 5.7.1 not from you' } });
    const { send } = channelTo(server, { ...ONE_AT_A_TIME, ALLOWED_SENDERS: 'me@example.org' });
    for (let n = 0; n < 2; n += 1)
      expect(await send({ from: 'me@example.org' })).toMatchObject({ kind: 'permanent', code: '550' });
    expect(server.connections).toBe(1);
  });

  test('that refuses one recipient after the other by policy is at fault from the fifth on, until it takes one', async () => {
    const server = await serverWith({
      extensions,
      answers: { RCPT: '550-5.7.1 You are not\r\n550 5.7.1 welcome' },
    });
    const { send } = channelTo(server, ONE_AT_A_TIME);
    const kindOf = async (name: string): Promise<string> => {
      const outcome = await send({ email: `${name}@example.org` });
      return 'providerFault' in outcome ? 'provider fault' : outcome.kind;
    };
    const refused: string[] = [];
    for (const name of ['ada', 'bob', 'cyd', 'dan', 'eve', 'fay']) refused.push(await kindOf(name));
    expect(refused).toEqual([
      ...Array.from({ length: 4 }, () => 'permanent'),
      'provider fault',
      'provider fault',
    ]);
    const { answers } = server.peculiarity;
    server.peculiarity = { extensions };
    expect(await kindOf('gil')).toBe('sent');
    server.peculiarity = { extensions, ...(answers && { answers }) };
    expect(await kindOf('hal')).toBe('permanent');
    // Senders of their own say nothing of us.
    const own = channelTo(server, { ...ONE_AT_A_TIME, ALLOWED_SENDERS: 'me@example.org' }).send;
    for (const name of ['a1', 'b1', 'c1', 'd1', 'e1', 'f1'])
      expect((await own({ email: `${name}@example.org`, from: 'me@example.org' })).kind).toBe('permanent');
  });

  test('that refuses recipients by policy is not at fault while it takes another mail', async () => {
    const policy = { extensions, answers: { RCPT: '550 5.7.1 no' } };
    const server = await serverWith(policy);
    const { send } = channelTo(server);
    const kinds = async (names: string[]): Promise<string[]> =>
      Promise.all(names.map(async (name) => (await send({ email: `${name}@example.org` })).kind));
    await kinds(['ada', 'bob', 'cyd', 'dan']);
    server.peculiarity = { extensions, acceptMs: 1_000 };
    server.commands.length = 0;
    const slow = send({ email: 'eve@example.org' });
    await until(() => server.commands.includes('DATA'));
    server.peculiarity = policy;
    expect(await kinds(['fay', 'gil'])).toEqual(['permanent', 'permanent']);
    await slow;
  });

  test('that offers SIZE is told the octets of each mail', async () => {
    const server = await serverWith({ extensions: [...extensions, 'SIZE 100000'] });
    const { send } = channelTo(server);
    const bodies = [
      { message: 'Hello' },
      { message: '.dots\n..\nend\n' },
      { message: 'grüße' },
      { message: 'Hello', html: '<p>Hello</p>' },
    ];
    for (const body of bodies) await send(body);
    const sizes = server.commands.flatMap((line) => /^MAIL FROM:<[^>]+> SIZE=(\d+)$/.exec(line)?.[1] ?? []);
    expect(sizes.map(Number)).toEqual(server.sizes);
    expect(sizes).toHaveLength(bodies.length);
  });

  test('that takes less gets nothing of a larger mail: a dead letter that says so', async () => {
    const server = await serverWith({ extensions: [...extensions, 'SIZE 1000'] });
    const { send } = channelTo(server, ONE_AT_A_TIME);
    const outcome = await send({ message: `${'x'.repeat(60)}\n`.repeat(20) });
    expect(outcome).toMatchObject({ kind: 'permanent', code: 'mail_too_large' });
    expect(outcome.reason).toMatch(/^the mail has 1\d{3} octets, and the mail server takes 1000 at most/);
    expect(server.commands.filter((line) => line.startsWith('MAIL'))).toEqual([]);
    expect((await send({ message: 'short' })).kind).toBe('sent');
  });

  test('that names no limit takes any size', async () => {
    const server = await serverWith({ extensions: [...extensions, 'SIZE'] });
    expect((await channelTo(server).send({ message: 'x '.repeat(50_000) })).kind).toBe('sent');
  });

  test('that hangs behind RCPT until the time is up is not at fault; before, it is', async () => {
    const server = await serverWith({ extensions, answers: { RCPT: undefined, DATA: undefined } });
    const { send } = channelTo(server, ONE_AT_A_TIME);
    const slow = async (): Promise<Outcome> => {
      const time = new AbortController();
      setTimeout(() => {
        time.abort(TOO_SLOW);
      }, 300);
      return send({}, time.signal);
    };
    const behind = await slow();
    expect(behind).toMatchObject({ kind: 'transient', seen: true });
    expect(behind).not.toHaveProperty('providerFault');
    server.peculiarity = { extensions, answers: { MAIL: undefined, RCPT: undefined, DATA: undefined } };
    expect(await slow()).toMatchObject({ kind: 'transient', seen: false, providerFault: true });
  });
});

test('a mail server that closes a connection after so many mails of the setting gets a new one', async () => {
  const server = await serverWith({});
  const { send } = channelTo(server, { ...ONE_AT_A_TIME, SMTP_MAILS_PER_CONNECTION: '2' });
  for (let sent = 0; sent < 6; sent += 1) expect((await send()).kind).toBe('sent');
  expect([server.taken, server.connections]).toEqual([6, 3]);
});
