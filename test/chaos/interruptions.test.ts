import { isDeepStrictEqual } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ServiceProcess } from '../../infra/chaos/fleet/service-process.ts';
import { TcpProxy } from '../../infra/chaos/tcp-proxy.ts';
import { callApi } from '../support/fleet.ts';
import { prepareInterruptibleFleet, type InterruptibleFleet } from '../support/interruptible-fleet.ts';
import { until } from '../support/until.ts';

/**
 * Processes that die or freeze at one exact step between two writes. The provider runs in the test, so it can stop its client between
 * taking a message and hearing that it did.
 */
let fleet: InterruptibleFleet;
const mail = { user_id: 'ada', type: 'email', email: 'ada@example.org', subject: 'Code', message: '123456' };

beforeEach(async () => {
  fleet = await prepareInterruptibleFleet();
  await Promise.all([fleet.start('producer'), fleet.start('scheduler')]);
});
afterEach(async () => {
  await fleet.stop();
});

/** Freezes the client of the first message at the provider's yes: it is told, and cannot read it. Then does `next`. */
function freezeAtYes(consumer: ServiceProcess, next: () => void = () => undefined): void {
  fleet.sandbox.beforeAnswer = () => {
    fleet.sandbox.beforeAnswer = undefined;
    consumer.signal('SIGSTOP');
    setTimeout(next, 300);
  };
}

describe('killed after the provider’s yes and before the record', () => {
  test('is delivered exactly twice, with the same Message-ID, and marked', async () => {
    const first = await fleet.start('email');
    freezeAtYes(first, () => void first.kill());
    const id = await fleet.send(mail);
    await until(() => !first.isRunning);
    await fleet.start('email');
    const record = await fleet.untilStatus(id, 'sent');
    expect(fleet.mailsOf(id)).toBe(2);
    expect(record).toMatchObject({ attempt: 2, interrupted: 1, ambiguous_count: 1 });
    expect(record.timeline.filter(({ ambiguous }) => ambiguous)).toMatchObject([
      { status: 'sending', code: 'interrupted' },
    ]);
    const ambiguous = async () => (await fleet.call('GET', '/stats')).json.ambiguous;
    await until(async () => isDeepStrictEqual(await ambiguous(), { attempts: 1, per_sent: 1 }));
  });

  test('with hold it is delivered once, and a person decides', async () => {
    const first = await fleet.start('email');
    freezeAtYes(first, () => void first.kill());
    const id = await fleet.send({ ...mail, on_ambiguous: 'hold' });
    await until(() => !first.isRunning);
    await fleet.start('email');
    const record = await fleet.untilStatus(id, 'outcome_unknown');
    expect(fleet.mailsOf(id)).toBe(1);
    expect(record.ambiguous_count).toBe(1);
    expect((await fleet.call('POST', `/v1/notifications/${id}/resolve`, { outcome: 'sent' })).status).toBe(
      202,
    );
    expect((await fleet.recordOf(id)).status).toBe('sent');
  });
});

test('paused past its lease, a consumer wakes, and the fence refuses its late result', async () => {
  // RabbitMQ may hand the next message to the frozen one, too, until it misses its heartbeats: two of these, in seconds.
  const first = await fleet.start('email', { RABBITMQ_URL: `${fleet.servers.rabbitmqUrl}?heartbeat=2` });
  freezeAtYes(first);
  const id = await fleet.send(mail);
  await until(() => fleet.sandbox.beforeAnswer === undefined);
  await fleet.start('email');
  const taken = await fleet.untilStatus(id, 'sent', 60_000);
  first.signal('SIGCONT');
  const late = await until(async () => {
    const { timeline } = await fleet.recordOf(id);
    return timeline.find(({ code }) => code === 'late_result');
  });
  expect(late).toMatchObject({ attempt: 1, ambiguous: true });
  const after = await fleet.recordOf(id);
  expect(after).toMatchObject({ status: 'sent', fence: taken.fence, ambiguous_count: 1 });
  expect(after.sent_at).toEqual(taken.sent_at);
  expect(fleet.mailsOf(id)).toBe(2);
});

describe('with acknowledgements that never reach RabbitMQ', () => {
  let proxy: TcpProxy;
  let consumer: ServiceProcess;

  beforeEach(async () => {
    const url = new URL(fleet.servers.rabbitmqUrl);
    proxy = await TcpProxy.start(Number(url.port));
    url.port = String(proxy.port);
    consumer = await fleet.start('email', { RABBITMQ_URL: url.toString() });
    // So that it has subscribed before anything is lost.
    await fleet.untilStatus(await fleet.send(mail), 'sent');
  });
  afterEach(async () => {
    await proxy.stop();
  });
  const queues = async (): Promise<number> => {
    const { queues } = (await fleet.call('GET', '/stats')).json as { queues: { ready: number }[] };
    return queues.reduce((sum, { ready }) => sum + ready, 0);
  };

  test('killed after the record and before the acknowledgement: the message comes again, and the claim refuses it', async () => {
    proxy.be({ loseUpstream: true, only: / consume/ });
    const id = await fleet.send(mail);
    await fleet.untilStatus(id, 'sent');
    await consumer.kill();
    await fleet.start('email');
    await until(async () => (await queues()) === 0);
    expect(await fleet.recordOf(id)).toMatchObject({ status: 'sent', attempt: 1, ambiguous_count: 0 });
    expect(fleet.mailsOf(id)).toBe(1);
  });

  test('killed between the copy in the wait queue and the acknowledgement: two messages, one delivery', async () => {
    fleet.sandbox.smtpFault = { refuse: { at: 'data', code: 451, message: '4.3.0 later' } };
    proxy.be({ loseUpstream: true, only: / consume/ });
    const id = await fleet.send(mail);
    await fleet.untilStatus(id, 'failed');
    await until(async () => (await queues()) === 1);
    fleet.sandbox.smtpFault = undefined;
    await consumer.kill();
    await fleet.start('email');
    const record = await fleet.untilStatus(id, 'sent');
    await until(async () => (await queues()) === 0);
    expect(record).toMatchObject({ attempt: 2, retry_count: 1, ambiguous_count: 0 });
    expect(fleet.mailsOf(id)).toBe(1);
  });
});

test('killed before the claim, nothing is ambiguous: the next consumer delivers it, once', async () => {
  const first = await fleet.start('email');
  first.signal('SIGSTOP');
  const id = await fleet.send(mail);
  await until(async () => (await fleet.recordOf(id)).unpublished === undefined);
  await first.kill();
  await fleet.start('email');
  expect(await fleet.untilStatus(id, 'sent')).toMatchObject({ attempt: 1, ambiguous_count: 0 });
  expect(fleet.mailsOf(id)).toBe(1);
});

test('a producer killed between the store and its answer leaves a key that simply works on repeat', async () => {
  const proxy = await TcpProxy.start(fleet.producerPort);
  proxy.be({ loseDownstream: true });
  const headers = { 'idempotency-key': 'order-7' };
  const unanswered = callApi(
    `http://127.0.0.1:${proxy.port}`,
    'POST',
    '/v1/notifications',
    mail,
    headers,
  ).catch(() => 'cut');
  const stored = await until(() =>
    fleet.notifications.findOne({ idempotency_key: 'order-7' }).then((one) => one ?? false),
  );
  await fleet.killProducers();
  await proxy.stop();
  expect(await unanswered).toBe('cut');
  await Promise.all([fleet.start('producer'), fleet.start('email')]);
  const repeated = await fleet.call('POST', '/v1/notifications', mail, headers);
  expect([repeated.status, repeated.json.id]).toEqual([202, stored._id]);
  expect(repeated.headers.get('idempotency-replayed')).toBe('true');
  await fleet.untilStatus(stored._id, 'sent');
  expect(await fleet.notifications.countDocuments()).toBe(1);
  expect(fleet.mailsOf(stored._id)).toBe(1);
});

test('a message that kills its consumer each time ends as a poison, and takes no innocents along', async () => {
  let consumer = await fleet.start('email');
  let deaths = 0;
  fleet.sandbox.beforeAnswer = async (item) => {
    if (item.kind !== 'mail' || !item.raw.includes('Subject: poison')) return;
    deaths += 1;
    await consumer.kill();
    // As the supervisor does.
    void fleet.start('email').then((next) => (consumer = next));
  };
  const innocents = await Promise.all(
    Array.from({ length: 30 }, (_, n) => fleet.send({ ...mail, user_id: `u${n}` })),
  );
  const poison = await fleet.send({ ...mail, subject: 'poison' });
  const dead = await fleet.untilStatus(poison, 'failed_permanently', 90_000);
  expect(dead).toMatchObject({ error: { code: 'poison' }, interrupted: 5 });
  expect(deaths).toBe(5);
  for (const id of innocents) {
    // Two deaths may take them along; after those the poison is sent alone.
    expect((await fleet.untilStatus(id, 'sent')).interrupted).toBeLessThanOrEqual(2);
  }
}, 120_000);
