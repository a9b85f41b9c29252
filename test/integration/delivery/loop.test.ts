import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  Broker,
  DEAD_LETTER_QUEUE,
  EXCHANGES,
  PARKING_QUEUE,
  publishDue,
} from '../../../shared/broker/index.ts';
import { HEADERS, type Notification } from '../../../shared/contracts/index.ts';
import { createInAppChannel } from '../../../services/in-app/channel.ts';
import type { Capacity, DeliveryChannel, Outcome } from '../../../shared/delivery/index.ts';
import { pause } from '../../../shared/runtime/backoff.ts';
import { silentLogger } from '../../../shared/runtime/logger.ts';
import type { Service } from '../../../shared/runtime/service.ts';
import {
  cancelNotification,
  notificationsOf,
  openStore,
  type Notifications,
  type Store,
} from '../../../shared/store/index.ts';
import { startTestChannel, startTestScheduler, testConfig } from '../../support/fleet.ts';
import { aRecord } from '../../support/records.ts';
import { BROKERS, createTestServers, type TestServers } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

describe.each(BROKERS)('on RabbitMQ %s', (version) => {
  let servers: TestServers;
  let store: Store;
  let broker: Broker;
  let notifications: Notifications;
  const running: Service[] = [];

  beforeAll(async () => {
    servers = await createTestServers(version);
    const config = testConfig(servers);
    store = openStore(servers.mongoUri, 'test');
    notifications = notificationsOf(store.db);
    broker = new Broker({
      url: servers.rabbitmqUrl,
      service: 'test',
      delays: config.RETRY_DELAYS,
      log: silentLogger,
    });
    broker.start();
    await broker.ready(10_000);
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((one) => one.stop()));
  });
  afterAll(async () => {
    await broker.stop();
    await store.stop();
    await servers.drop();
  });

  /** A channel whose provider answers as the test says; everything around it is real. */
  async function start(
    deliver: DeliveryChannel['deliver'],
    more: Record<string, string> = {},
    capacity: Capacity = { concurrency: 10 },
  ): Promise<Service> {
    const service = await startTestChannel(
      testConfig(servers, more),
      { name: 'email', provider: 'test', deliver },
      capacity,
    );
    running.push(service);
    return service;
  }
  async function send(more: Partial<Notification> = {}): Promise<string> {
    const record = aRecord(more);
    await notifications.insertOne(record);
    await publishDue(broker.publisher, record);
    return record._id;
  }
  const recordOf = async (id: string): Promise<Notification> => {
    const record = await notifications.findOne({ _id: id });
    if (!record) throw new Error(`no record ${id}`);
    return record;
  };
  /** A few at a time: on a busy machine, more would wait for a connection longer than they may. */
  const sendMany = async (count: number): Promise<string[]> => {
    const ids: string[] = [];
    while (ids.length < count) ids.push(...(await Promise.all(Array.from({ length: 50 }, () => send()))));
    return ids;
  };
  const untilStatus = (id: string, status: Notification['status']) =>
    until(async () => {
      const record = await recordOf(id);
      return record.status === status && record;
    });
  const sent: Outcome = { kind: 'sent', provider: 'test', provider_message_id: 'p1' };
  const failure = { provider: 'test', code: '451', reason: 'later' };

  test('a delivery is claimed, delivered once, recorded and acknowledged', async () => {
    const seen: string[] = [];
    await start((one) => {
      seen.push(one._id);
      return Promise.resolve(sent);
    });
    const id = await send();
    const record = await untilStatus(id, 'sent');
    expect(record).toMatchObject({ attempt: 1, provider: 'test', provider_message_id: 'p1' });
    expect(record.timeline.map(({ status }) => status)).toEqual(['pending', 'sending', 'sent']);
    expect(seen).toEqual([id]);
    await until(async () => (await broker.depth('tidings.v1.email')) === 0);
  });

  test('ten messages for one notification are one delivery', async () => {
    let deliveries = 0;
    const id = await send();
    const record = await recordOf(id);
    for (let n = 0; n < 9; n += 1) await publishDue(broker.publisher, record);
    await start(() => {
      deliveries += 1;
      return Promise.resolve(sent);
    });
    await untilStatus(id, 'sent');
    await until(async () => (await broker.depth('tidings.v1.email')) === 0);
    expect(deliveries).toBe(1);
  });

  test('a transient failure climbs the ladder in its own lane, then becomes a dead letter with its message', async () => {
    const before = (await broker.depth(DEAD_LETTER_QUEUE)) ?? 0;
    const times: number[] = [];
    await start(() => {
      times.push(Date.now());
      return Promise.resolve({ kind: 'transient', ...failure });
    });
    const id = await send({ lane: 'bulk' });
    const record = await untilStatus(id, 'failed_permanently');
    expect(record).toMatchObject({ attempt: 4, retry_count: 3, error: { code: '451', provider: 'test' } });
    const pauses = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    expect(pauses).toHaveLength(3);
    for (const [index, delay] of [100, 200, 300].entries())
      expect(pauses[index]).toBeGreaterThanOrEqual(delay - 20);
    await until(async () => (await broker.depth(DEAD_LETTER_QUEUE)) === before + 1);
  });

  test('a permanent refusal is a dead letter after one attempt', async () => {
    await start(() => Promise.resolve({ kind: 'permanent', ...failure, code: '550' }));
    const record = await untilStatus(await send(), 'failed_permanently');
    expect(record).toMatchObject({ attempt: 1, retry_count: 0, error: { code: '550' } });
  });

  test('a deferral holds without spending a rung, and says until when', async () => {
    await start(() => Promise.resolve({ kind: 'deferred', ...failure, afterMs: 60_000 }));
    const record = await untilStatus(await send(), 'held');
    expect(record).toMatchObject({ retry_count: 0, held_since: expect.any(Date) as Date });
    expect(record.next_retry_time?.getTime()).toBeGreaterThan(Date.now() + 50_000);
  });

  test('an unknown outcome waits for a person where the caller asked for it', async () => {
    await start(() => Promise.resolve({ kind: 'ambiguous', ...failure }));
    const record = await untilStatus(await send({ on_ambiguous: 'hold' }), 'outcome_unknown');
    expect(record.ambiguous_count).toBe(1);
  });

  test('a channel that throws is retried, and the others go on', async () => {
    await start((one) => (one.user_id === 'bad' ? Promise.reject(new Error('boom')) : Promise.resolve(sent)));
    const [bad, good] = [await send({ user_id: 'bad' }), await send()];
    await untilStatus(good, 'sent');
    expect((await untilStatus(bad, 'failed_permanently')).error).toMatchObject({
      code: 'handler_error',
      reason: 'boom',
    });
  });

  test('a channel that hangs is given up after its time, as ambiguous; the signal told it', async () => {
    let aborted = false;
    await start(
      (_one, signal) => {
        signal.addEventListener('abort', () => (aborted = true));
        return new Promise<Outcome>(() => undefined);
      },
      { DELIVERY_TIMEOUT_SECONDS: '1' },
    );
    const record = await untilStatus(await send({ on_ambiguous: 'hold' }), 'outcome_unknown');
    expect(record.error?.code).toBe('timeout');
    expect(aborted).toBe(true);
  });

  test('a delivery that outlasts its lease keeps it, for it is renewed', async () => {
    let deliveries = 0;
    let finish = (): void => undefined;
    const answered = new Promise<void>((resolve) => (finish = resolve));
    const slow = async (): Promise<Outcome> => {
      deliveries += 1;
      await answered;
      return sent;
    };
    await start(slow, { LEASE_SECONDS: '2' });
    const id = await send();
    await until(() => deliveries === 1);
    const first = await recordOf(id);
    // Until the lease that it began with, and a second one, are over.
    const twoLeasesOn = (first.lease_until?.getTime() ?? 0) + 2_000;
    await until(async () => {
      const { lease_until } = await recordOf(id);
      return Date.now() > twoLeasesOn && (lease_until?.getTime() ?? 0) > twoLeasesOn;
    });
    finish();
    const record = await untilStatus(id, 'sent');
    expect(record).toMatchObject({ attempt: 1, interrupted: 0 });
  });

  test('a delivery whose claim was taken over is told to stop, and its late result changes nothing', async () => {
    let begun = false;
    let aborted = false;
    await start(
      (_one, signal) =>
        new Promise<Outcome>((resolve) => {
          begun = true;
          signal.addEventListener('abort', () => {
            aborted = true;
            resolve(sent);
          });
        }),
      { LEASE_SECONDS: '2' },
    );
    const id = await send();
    // Not the state in the store: the claim is read back only after it is written.
    await until(() => begun);
    await notifications.updateOne({ _id: id }, { $set: { claim: 'somebody else' }, $inc: { fence: 1 } });
    await until(() => aborted);
    await until(async () => (await recordOf(id)).timeline.some(({ code }) => code === 'late_result'));
    expect((await recordOf(id)).status).toBe('sending');
  });

  test('what was interrupted five times ends as a poison without another try', async () => {
    let deliveries = 0;
    await start(() => {
      deliveries += 1;
      return Promise.resolve(sent);
    });
    const id = await send({ status: 'sending', interrupted: 4, lease_until: new Date(Date.now() - 1_000) });
    expect((await untilStatus(id, 'failed_permanently')).error?.code).toBe('poison');
    expect(deliveries).toBe(0);
  });

  test('an interrupted SMS that must not be doubled waits for a person, and is not sent', async () => {
    let deliveries = 0;
    await start(() => {
      deliveries += 1;
      return Promise.resolve(sent);
    });
    const id = await send({
      status: 'sending',
      on_ambiguous: 'hold',
      lease_until: new Date(Date.now() - 1_000),
    });
    await untilStatus(id, 'outcome_unknown');
    expect(deliveries).toBe(0);
    // The claim has counted it; that nobody tried again is no second unknown.
    expect((await recordOf(id)).ambiguous_count).toBe(1);
  });

  test('an interrupted one whose time is over ends, marked, and is not sent again', async () => {
    let deliveries = 0;
    await start(() => {
      deliveries += 1;
      return Promise.resolve(sent);
    });
    const past = new Date(Date.now() - 1_000);
    const id = await send({ status: 'sending', lease_until: past, expires_at: past });
    const record = await untilStatus(id, 'expired');
    expect(record).toMatchObject({ ambiguous_count: 1, delete_at: expect.any(Date) as Date });
    expect(deliveries).toBe(0);
  });

  test('messages that nobody can read are parked with the reason, and the others go on', async () => {
    const before = (await broker.depth(PARKING_QUEUE)) ?? 0;
    await start(() => Promise.resolve(sent));
    const raw = (body: Buffer) =>
      broker.publisher.publish({
        exchange: EXCHANGES.work,
        key: 'email.transactional',
        body,
        messageId: 'x',
      });
    await raw(Buffer.from('not json'));
    await raw(Buffer.alloc(20_000, '['));
    await raw(Buffer.from(JSON.stringify({ id: 'x', channel: 'fax' })));
    await publishDue(broker.publisher, aRecord());
    const good = await send();
    await untilStatus(good, 'sent');
    await until(async () => (await broker.depth(PARKING_QUEUE)) === before + 4);
    const parked = (await servers.management('POST', `queues/${servers.vhost}/${PARKING_QUEUE}/get`, {
      count: 10,
      ackmode: 'ack_requeue_true',
      encoding: 'auto',
    })) as { properties: { headers: Record<string, string> } }[];
    const reasons = parked.map(({ properties }) => properties.headers[HEADERS.reason]);
    expect(reasons).toEqual(
      expect.arrayContaining([
        'body is not JSON',
        'body over 16384 bytes',
        expect.stringContaining('channel'),
        expect.stringContaining('there is no notification'),
      ]),
    );
  });

  test('a provider that is down stops consumption; the backlog spends nothing, and goes out when it is back', async () => {
    // What was in flight when it opened is held, and the due sweep brings it back.
    running.push(await startTestScheduler(testConfig(servers)));
    let isDown = true;
    const tries: number[] = [];
    await start(() => {
      tries.push(Date.now());
      return Promise.resolve(isDown ? { kind: 'transient', ...failure, providerFault: true } : sent);
    });
    const ids = await sendMany(200);
    // Then nothing is tried for three seconds at least: the next try is a probe, once the cool-down is over.
    const triesBefore = await until(() => {
      const rest = tries.findIndex((at, index) => at - (tries[index - 1] ?? at) >= 3_000);
      return rest > 0 && rest;
    });
    // Twenty outcomes to know, and what was in flight then.
    expect(triesBefore).toBeGreaterThanOrEqual(20);
    expect(triesBefore).toBeLessThanOrEqual(30);
    expect(((await broker.depth('tidings.v1.email')) ?? 0) + 30).toBeGreaterThanOrEqual(150);
    isDown = false;
    for (const id of ids) await untilStatus(id, 'sent');
    const records = await Promise.all(ids.map(recordOf));
    expect(records.filter(({ retry_count }) => retry_count > 0)).toEqual([]);
  }, 40_000);

  test('a cancel wins or is too late, never both, wherever the message is', async () => {
    const delivered = new Set<string>();
    await start(
      (one) => {
        delivered.add(one._id);
        return Promise.resolve(
          one.user_id === 'waits' && one.attempt === 1 ? { kind: 'transient', ...failure } : sent,
        );
      },
      { RETRY_DELAYS: '1s' },
    );
    const waiting = await send({ user_id: 'waits' });
    await untilStatus(waiting, 'failed');
    const change = { actor: 'test', reason: 'canceled' };
    const cancel = (id: string) => cancelNotification(notifications, id, change, 30);
    expect((await cancel(waiting)).outcome).toBe('done');
    delivered.delete(waiting);
    const outcomes = await Promise.all(
      Array.from({ length: 150 }, async () => {
        const id = await send();
        return { id, outcome: (await cancel(id)).outcome };
      }),
    );
    const won = outcomes.filter(({ outcome }) => outcome === 'done');
    const late = outcomes.filter(({ outcome }) => outcome === 'conflict');
    expect(won.length + late.length).toBe(150);
    for (const { id } of late) await untilStatus(id, 'sent');
    // The message of the canceled retry is back, and one behind it was handled.
    await until(async () => (await broker.depth('tidings.v1.email.wait.1s')) === 0);
    await untilStatus(await send(), 'sent');
    expect(won.filter(({ id }) => delivered.has(id))).toEqual([]);
    expect(delivered.has(waiting)).toBe(false);
    expect((await recordOf(waiting)).status).toBe('canceled');
  });

  test('an interrupted in-app one has certainly not been handed over: nothing is ambiguous, and hold does not hold it', async () => {
    const service = await startTestChannel(testConfig(servers), createInAppChannel());
    running.push(service);
    const lease_until = new Date(Date.now() - 1_000);
    const id = await send({ type: 'in_app', status: 'sending', on_ambiguous: 'hold', lease_until });
    expect(await untilStatus(id, 'sent')).toMatchObject({ interrupted: 1, ambiguous_count: 0 });
  });

  test('a hop that RabbitMQ does not take is noted, for the sweep to publish at its time', async () => {
    await start(() => Promise.resolve({ kind: 'transient', ...failure }), { RETRY_DELAYS: '1h' });
    const queue = `queues/${servers.vhost}/tidings.v1.email.wait.1h`;
    // The service declares it once more for each lane that it opens.
    const isNoted = async (): Promise<boolean> => {
      await servers.management('DELETE', queue);
      const id = await send();
      expect(await untilStatus(id, 'failed')).toMatchObject({ retry_count: 1 });
      await pause(100);
      return (await recordOf(id)).unpublished === true;
    };
    await until(isNoted);
  });

  test('stopping finishes what is in flight and leaves the rest in the queue', async () => {
    let finish = (): void => undefined;
    const inFlight = new Promise<void>((resolve) => (finish = resolve));
    let deliveries = 0;
    const service = await start(
      async () => {
        deliveries += 1;
        await inFlight;
        return sent;
      },
      {},
      { concurrency: 1 },
    );
    const ids = [await send(), await send(), await send()];
    await until(() => deliveries === 1);
    const stopping = service.stop();
    finish();
    await stopping;
    const statuses = await Promise.all(ids.map(async (id) => (await recordOf(id)).status));
    expect(statuses.sort()).toEqual(['pending', 'pending', 'sent']);
    await until(async () => (await broker.depth('tidings.v1.email')) === 2);
  });

  describe('with more in hand than is handed over at once', () => {
    const HAND_OVER_MS = 40;
    /** A fast provider, until it is told otherwise, so that some are claimed ahead. */
    async function startBusy(
      slowly: () => Promise<Outcome>,
    ): Promise<{ tried: string[]; slow: () => void; stop: () => Promise<void> }> {
      const tried: string[] = [];
      let isSlow = false;
      const service = await start(
        async ({ _id }) => {
          tried.push(_id);
          if (isSlow) return slowly();
          await pause(1);
          return sent;
        },
        { DRAIN_SECONDS: '3' },
        { concurrency: 4, inHand: 40 },
      );
      return { tried, slow: () => (isSlow = true), stop: () => service.stop() };
    }
    const untilSome = (tried: string[]) => until(() => Promise.resolve(tried.length > 100));
    const backlog = (): Promise<string[]> => sendMany(400);

    test('all are delivered once, and no more at once than may be', async () => {
      let going = 0;
      let most = 0;
      const { tried, slow } = await startBusy(async () => {
        most = Math.max(most, (going += 1));
        await pause(2);
        going -= 1;
        return sent;
      });
      slow();
      const ids = await backlog();
      // One question for all of them: a question each, every few milliseconds, would take what the consumer needs.
      const done = { _id: { $in: ids }, status: 'sent' } as const;
      await until(async () => (await notifications.countDocuments(done)) === ids.length);
      expect(new Set(tried).size).toBe(tried.length);
      expect(most).toBe(4);
    });
    test('stopping puts off what has not begun: nothing of it is ambiguous, and nothing is left as sending', async () => {
      const { tried, slow, stop } = await startBusy(async () => {
        await pause(HAND_OVER_MS);
        return sent;
      });
      const ids = await backlog();
      await untilSome(tried);
      slow();
      await until(() => Promise.resolve(tried.length > 120));
      const before = tried.length;
      await stop();
      expect(tried.length).toBe(before);
      const records = await notifications.find({ _id: { $in: ids } }).toArray();
      expect(records.map(({ status }) => status)).not.toContain('sending');
      expect(records.every(({ ambiguous_count }) => ambiguous_count === 0)).toBe(true);
      for (const { _id, status } of records) if (status !== 'sent') expect(tried).not.toContain(_id);
    });
    test('what waits for its turn when the breaker opens is not tried', async () => {
      const down: Outcome = { ...failure, kind: 'transient', providerFault: true };
      const { tried, slow } = await startBusy(async () => {
        await pause(20);
        return down;
      });
      await backlog();
      await untilSome(tried);
      slow();
      const before = tried.length;
      await until(async () => (await notifications.countDocuments({ 'error.code': 'provider_down' })) > 0);
      // Half of the breaker's window of 50, and what was handed over when it opened.
      expect(tried.length - before).toBeLessThanOrEqual(25 + 2 * 4);
    });
  });

  test('two consumers of one channel share the work, and deliver each once', async () => {
    const seen: string[] = [];
    const deliver: DeliveryChannel['deliver'] = (one) => {
      seen.push(one._id);
      return Promise.resolve(sent);
    };
    await Promise.all([start(deliver), start(deliver)]);
    const ids = await Promise.all(Array.from({ length: 60 }, () => send()));
    for (const id of ids) await untilStatus(id, 'sent');
    expect(seen.filter((id) => ids.includes(id)).sort()).toEqual([...ids].sort());
  });
});
