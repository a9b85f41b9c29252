import type { Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connect, type Channel, type ChannelModel } from 'amqplib';
import { passOver, type PassContext } from '../../../services/scheduler/dead-letters/pass.ts';
import {
  Broker,
  DEAD_LETTER_QUEUE,
  EXCHANGES,
  PARKING_QUEUE,
  publishDead,
} from '../../../shared/broker/index.ts';
import { parseMessage, type Notification } from '../../../shared/contracts/index.ts';
import { silentLogger } from '../../../shared/runtime/logger.ts';
import { LockLost, type HeldLock } from '../../../shared/store/index.ts';
import { testConfig } from '../../support/fleet.ts';
import { aRecord } from '../../support/records.ts';
import { BROKERS, createTestServers, type TestServers } from '../../support/servers.ts';
import { TestStore } from '../../support/test-store.ts';
import { until } from '../../support/until.ts';

const MINUTES_AGO = new Date(Date.now() - 600_000);
const HELD: HeldLock = { check: () => undefined };
const COUNTER = 'every-dead-letter-published';

describe.each(BROKERS)('on RabbitMQ %s, a pass over the dead-letter queue', (version) => {
  const store = new TestStore();
  let servers: TestServers;
  let own: ChannelModel;
  let channel: Channel;
  let brokers: Broker[];

  beforeAll(async () => {
    servers = await createTestServers(version);
    const { RETRY_DELAYS: delays } = testConfig(servers);
    brokers = ['one', 'two'].map(
      (service) => new Broker({ url: servers.rabbitmqUrl, service, delays, log: silentLogger }),
    );
    for (const one of brokers) one.start();
    await Promise.all(brokers.map((one) => one.ready(10_000)));
    await until(() => brokers.every((one) => one.consuming.model));
    own = await connect(servers.rabbitmqUrl);
  });
  beforeEach(async () => {
    channel = await own.createChannel();
    await channel.assertQueue(COUNTER, { autoDelete: true });
    await channel.bindQueue(COUNTER, EXCHANGES.dead, '#');
    await Promise.all([DEAD_LETTER_QUEUE, PARKING_QUEUE].map((name) => channel.purgeQueue(name)));
  });
  afterEach(async () => {
    await channel.deleteQueue(COUNTER);
    await channel.close();
  });
  afterAll(async () => {
    await own.close();
    await Promise.all(brokers.map((one) => one.stop()));
    await servers.drop();
  });

  const pass = (more: Partial<PassContext> = {}, broker = brokers[0]) => {
    if (!broker) throw new Error('no broker');
    return passOver({
      broker,
      notifications: store.notifications,
      lock: HELD,
      known: { dead: 0, messages: 0 },
      ...more,
    });
  };

  /** Stores dead records; their messages are published where asked for. */
  async function addDead(
    count: number,
    copies = 1,
    more: Partial<Notification> = {},
  ): Promise<Notification[]> {
    const records = Array.from({ length: count }, () =>
      aRecord({ status: 'failed_permanently', updated_at: MINUTES_AGO, ...more }),
    );
    await store.notifications.insertMany(records);
    for (let copy = 0; copy < copies; copy += 1) await publish(records);
    return records;
  }
  async function publish(records: readonly Notification[]): Promise<void> {
    const [broker] = brokers;
    if (broker) await Promise.all(records.map((record) => publishDead(broker.publisher, record, '550')));
  }

  /** From now on, `published` counts what the passes publish. */
  const countFromHere = () => channel.purgeQueue(COUNTER);
  const published = async () => (await channel.checkQueue(COUNTER)).messageCount;

  /** The ids of so many messages as the queue must hold, in their order; they go back into it. */
  async function idsInQueue(count: number): Promise<string[]> {
    const depth = async () => (await channel.checkQueue(DEAD_LETTER_QUEUE)).messageCount;
    await until(async () => (await depth()) === count);
    const looking = await own.createChannel();
    await looking.prefetch(60_000);
    const ids: string[] = [];
    await looking.consume(DEAD_LETTER_QUEUE, (message) => {
      const parsed = message && parseMessage(message.content);
      ids.push(parsed?.ok ? parsed.message.id : 'unreadable');
    });
    await until(() => ids.length === count);
    await looking.close();
    await until(async () => (await depth()) === count);
    return ids;
  }
  const idsOf = (records: readonly Notification[]) => records.map(({ _id }) => _id);
  const retry = (records: readonly Notification[]) =>
    store.notifications.updateMany({ _id: { $in: idsOf(records) } }, { $set: { status: 'pending' } });

  test('takes one obsolete message out of thousands, publishes nothing, and keeps their order', async () => {
    const dead = await addDead(3_000);
    const [retried, ...rest] = [dead[1_500], ...dead.slice(0, 1_500), ...dead.slice(1_501)];
    if (retried) await retry([retried]);
    await countFromHere();
    expect(await pass()).toMatchObject({ kept: 2_999, dropped: 1, added: 0, moved: 0 });
    expect(await published()).toBe(0);
    expect(await idsInQueue(2_999)).toEqual(idsOf(rest));
  }, 60_000);

  test('adds what is missing, and what has just died it leaves to its consumer', async () => {
    const known = await addDead(1_200);
    const missing = await addDead(700, 0);
    await addDead(5, 0, { updated_at: new Date() });
    await countFromHere();
    expect(await pass({ known: { dead: 1_905, messages: 1_200 } })).toMatchObject({
      kept: 1_200,
      dropped: 0,
      added: 700,
    });
    expect(await published()).toBe(700);
    expect((await idsInQueue(1_900)).sort()).toEqual(idsOf([...known, ...missing]).sort());
  }, 60_000);

  test('parks a message that cannot be read', async () => {
    await addDead(3);
    channel.publish(EXCHANGES.dead, 'x', Buffer.from('not ours'), { messageId: 'm1' });
    await until(async () => (await channel.checkQueue(DEAD_LETTER_QUEUE)).messageCount === 4);
    expect(await pass()).toMatchObject({ kept: 3, parked: 1 });
    const parked = await channel.get(PARKING_QUEUE, { noAck: true });
    expect(parked && [String(parked.content), parked.properties.messageId]).toEqual(['not ours', 'm1']);
  });

  test('loses no dead letter when two go on at once, whatever is obsolete, doubled or missing', async () => {
    const single = await addDead(2_000);
    const doubled = await addDead(500, 2);
    const missing = await addDead(300, 0);
    await retry(await addDead(700));
    const dead = idsOf([...single, ...doubled, ...missing]);
    await countFromHere();
    const known = { dead: 2_800, messages: 3_700 };
    const reports = await Promise.all(
      [brokers[0], brokers[1], brokers[0]].map((broker) => pass({ known }, broker)),
    );
    // Each adds no more than was missing: what the others hold is none of it.
    expect(await published()).toBeLessThanOrEqual(3 * missing.length);
    // What they dropped is out of their hands; all else is back in the queue.
    const left = reports.reduce((sum, { added, dropped }) => sum + added - dropped, 3_700);
    await until(async () => (await channel.checkQueue(DEAD_LETTER_QUEUE)).messageCount >= left);
    // One that is alone sees every dead record, and takes out what those that overlapped have doubled.
    await until(async () => {
      const { kept, dropped } = await pass();
      expect(kept).toBe(dead.length);
      return dropped === 0;
    });
    expect((await idsInQueue(dead.length)).sort()).toEqual(dead.sort());
  }, 60_000);

  test('stops where its lock is lost, and has lost nothing', async () => {
    const dead = await addDead(1_500, 2);
    let checks = 0;
    const lock: HeldLock = {
      check: () => {
        if ((checks += 1) > 700) throw new LockLost('gone');
      },
    };
    await expect(pass({ lock })).rejects.toThrow(LockLost);
    // At least so many: RabbitMQ may forget the last acknowledgements of a channel that closes.
    await until(async () => (await channel.checkQueue(DEAD_LETTER_QUEUE)).messageCount >= 2_300);
    expect((await pass()).kept).toBe(1_500);
    expect((await idsInQueue(1_500)).sort()).toEqual(idsOf(dead).sort());
  }, 60_000);

  test('comes to the end of a queue that is longer than it may hold, in several passes', async () => {
    const dead = await addDead(1_000);
    const obsolete = await addDead(50);
    await retry(obsolete);
    await countFromHere();
    expect(await pass({ window: 600 })).toMatchObject({ dropped: 0, moved: 600 });
    await idsInQueue(1_050);
    expect(await pass({ window: 600 })).toMatchObject({ dropped: 50 });
    expect((await idsInQueue(1_000)).sort()).toEqual(idsOf(dead).sort());
    expect(await published()).toBeLessThanOrEqual(1_200);
  }, 60_000);

  test('comes back to work after its connection was cut in the middle', async () => {
    const dead = await addDead(1_000, 2);
    const lock: HeldLock = {
      check: () => {
        const connection = brokers[1]?.consuming.model?.connection as { stream?: Socket } | undefined;
        connection?.stream?.destroy(new Error('cut'));
      },
    };
    await pass({ lock }, brokers[1]).catch(() => undefined);
    await until(() => brokers[1]?.consuming.model);
    await until(async () => {
      const { kept, dropped } = await pass({}, brokers[1]);
      return kept === 1_000 && dropped === 0;
    });
    expect((await idsInQueue(1_000)).sort()).toEqual(idsOf(dead).sort());
  }, 60_000);
});
