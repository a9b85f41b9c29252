import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { CountsReader } from '../../../services/producer/stats/current-counts.ts';
import { statsSchema, type Stats } from '../../../services/producer/stats/collect.ts';
import { Books, StoreTimeout, notificationsOf, openStore, type Store } from '../../../shared/store/index.ts';
import { startTestProducer, testConfig, type TestProducer } from '../../support/fleet.ts';
import { aRecord } from '../../support/records.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';
import { Visitor, signedIn } from '../../support/visitor.ts';

let servers: TestServers;
let producer: TestProducer;
let store: Store;
const HOUR_AGO = new Date(Date.now() - 3_600_000);

beforeAll(async () => {
  servers = await createTestServers();
  store = openStore(servers.mongoUri, 'test');
  producer = await startTestProducer(testConfig(servers));
  await notificationsOf(store.db).insertMany(Array.from({ length: 2_000 }, () => aRecord()));
});
beforeEach(async () => {
  // As a scheduler left them that ended an hour ago.
  const kept = { counts: { sms: { sent: 5 } }, ambiguous: 0, as_of: HOUR_AGO, counted_at: HOUR_AGO, page: 1 };
  await store.db.collection<{ _id: string }>('books').replaceOne({ _id: 'balance' }, kept, { upsert: true });
});
afterAll(async () => {
  await producer.stop();
  await store.stop();
  await servers.drop();
});

const stats = async (): Promise<Stats> => statsSchema.parse((await producer.call('GET', '/stats')).json);

test('the counts are counted anew, and say since when no scheduler keeps them', async () => {
  const { as_of, stale_since, by_type } = await stats();
  expect(by_type.email).toEqual({ pending: 2_000 });
  expect(Date.parse(as_of)).toBeGreaterThan(Date.now() - 60_000);
  expect(stale_since).toBe(HOUR_AGO.toISOString());
  const operator = new Visitor(producer.address, await signedIn(servers.mongoUri));
  expect((await operator.open('/stats')).text).toContain('No scheduler has kept these counts since');
  expect((await producer.call('GET', '/metrics')).text).toMatch(/^tidings_counts_age_seconds \d/m);
});

test('records are counted once for many who ask, and only for a bounded time', async () => {
  await store.db.command({ profile: 2 });
  const asked = Array.from({ length: 40 }, (_, index) =>
    producer.call('GET', index % 2 === 0 ? '/stats' : '/metrics'),
  );
  expect(new Set((await Promise.all(asked)).map(({ status }) => status))).toEqual(new Set([200]));
  await store.db.command({ profile: 0 });
  const counts = await store.db
    .collection<{ command: { maxTimeMS?: number } }>('system.profile')
    .find({ 'command.aggregate': 'notifications', planSummary: 'COLLSCAN' })
    .toArray();
  expect(counts.length).toBeLessThanOrEqual(3);
  for (const { command } of counts) expect(command.maxTimeMS).toBe(2_000);
});

test('where counting takes too long, the counts that the scheduler left are answered', async () => {
  const books = new Books(store.db);
  const notifications = {
    aggregate: () => ({ toArray: () => Promise.reject(new Error('operation exceeded time limit')) }),
  } as never;
  const left = await new CountsReader({ books, notifications }).read();
  expect(left).toMatchObject({ counts: { sms: { sent: 5 } }, asOf: HOUR_AGO, staleSince: HOUR_AGO });
  await store.db.collection('books').deleteMany({});
  await expect(new CountsReader({ books, notifications }).read()).rejects.toThrow(StoreTimeout);
});
