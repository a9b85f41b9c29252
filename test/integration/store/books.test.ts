import { randomUUID } from 'node:crypto';
import { Timestamp, type Db } from 'mongodb';
import { beforeEach, expect, test } from 'vitest';
import {
  Books,
  RatesLog,
  cancelNotification,
  countAll,
  deleteRetained,
  expireOverdue,
  insertNotifications,
  recordResults,
  sendAtOnce,
  redriveDeadLetters,
  retryNotification,
  wakeDue,
} from '../../../shared/store/index.ts';
import { aRecord } from '../../support/records.ts';
import { until } from '../../support/until.ts';
import { TestStore } from '../../support/test-store.ts';

const store = new TestStore();
let books: Books;
const change = { actor: 'test' };

beforeEach(async () => {
  books = new Books(store.db);
  for (const name of ['books', 'rates']) await store.db.collection(name).deleteMany({});
  await books.keep();
});

/** The books, as if all records had last been counted so many hours ago. */
async function countedHoursAgo(hours: number): Promise<void> {
  const counted_at = new Date(Date.now() - hours * 3_600_000);
  await store.db.collection<{ _id: string }>('books').updateOne({ _id: 'balance' }, { $set: { counted_at } });
}
/** Keepers that count one small slice in each step. */
const aSlowKeeper = (db: Db = store.db, now = Date.now) => new Books(db, { slice: 10, stepMs: 0, now });

/** What the books say is what a count of all records says. */
async function expectTrue(): Promise<void> {
  const [{ counts, ambiguous }, kept] = await Promise.all([countAll(store.notifications), books.read()]);
  expect(kept).toMatchObject({ ambiguous });
  expect(kept?.counts).toEqual(counts);
}

async function insert(count: number, more: Parameters<typeof aRecord>[0] = {}): Promise<string[]> {
  const records = Array.from({ length: count }, () => aRecord(more));
  await insertNotifications(store.notifications, records);
  return records.map(({ _id }) => _id);
}

const claimant = (leaseMs = 60_000) => ({ token: randomUUID(), actor: 'test', leaseMs });

async function live(): Promise<void> {
  const dead = await store.claim(await insert(7));
  const end = (status: 'sent' | 'failed_permanently' | 'failed', records: typeof dead, delayMs?: number) =>
    recordResults(
      store.notifications,
      records.map(({ _id: id, fence, attempt }) => ({
        id,
        fence,
        status,
        change: { actor: 'test', attempt, ...(status === 'failed' && { ambiguous: true as const }) },
        ...(delayMs !== undefined && { delayMs }),
      })),
      0,
    );
  await end('failed_permanently', dead);
  const redriven = { ids: dead.slice(0, 2).map(({ _id }) => _id) };
  await redriveDeadLetters(store.notifications, redriven, { change, act: 'act-1' }).next();
  await retryNotification(store.notifications, dead[3]?._id ?? '', change);
  await end('sent', await store.claim(await insert(5, { type: 'sms' })));
  await end('failed', await store.claim(await insert(4)), 0);
  await wakeDue(store.notifications);
  const atOnce = { ...claimant(), provider: 'inbox', retentionDays: 0 };
  await sendAtOnce(store.notifications, await insert(6, { type: 'in_app' }), atOnce);
  const [canceled = ''] = await insert(3);
  await cancelNotification(store.notifications, canceled, change, 0);
  await insert(2, { expires_at: new Date(Date.now() - 1_000) });
  await expireOverdue(store.notifications, 0);
  // Interrupted and taken over.
  const ids = await insert(2);
  await store.claim(ids, -1_000);
  await store.claim(ids);
}

test('every change is in the books, each once, whoever makes it', async () => {
  await Promise.all([live(), live(), live()]);
  await books.keep();
  await expectTrue();
  expect((await books.read())?.counts).toMatchObject({
    email: { canceled: 3, expired: 6 },
    in_app: { sent: 18 },
  });
});

test('they are kept while changes go on, by two at once, and are true in the end', async () => {
  const keepers = [books, new Books(store.db)];
  let isLiving = true;
  const keeping = keepers.map(async (one) => {
    while (isLiving) await one.keep();
  });
  for (let round = 0; round < 5; round += 1) await Promise.all([live(), live()]);
  isLiving = false;
  await Promise.all(keeping);
  await books.keep();
  await expectTrue();
});

test('changes that never pause do not keep them from their time', async () => {
  const life = new AbortController();
  const living = (async () => {
    while (!life.signal.aborted) await live();
  })();
  await books.keep();
  const before = (await books.read())?.asOf ?? new Date();
  await until(() => Date.now() > before.getTime());
  const startedAt = Date.now();
  await books.keep();
  expect(Date.now() - startedAt).toBeLessThan(5_000);
  expect((await books.read())?.asOf.getTime()).toBeGreaterThan(before.getTime());
  life.abort();
  await living;
  await books.keep();
  await expectTrue();
});

test('what retention deletes leaves the books first', async () => {
  await live();
  await books.keep();
  const before = await countAll(store.notifications);
  expect(before.counts.in_app?.sent).toBe(6);
  expect(await deleteRetained(store.notifications)).toBe(14);
  await books.keep();
  await expectTrue();
  expect((await books.read())?.counts.in_app).toBeUndefined();
});

test('opened late, or with a place that the journal no longer has, they begin with a count of one moment', async () => {
  const changing = Promise.all([live(), live()]);
  await store.db.collection('books').deleteMany({});
  await books.keep();
  await changing;
  await books.keep();
  await expectTrue();
  const lost = { token: { _data: '82' }, 'counts.sms.sent': 99 };
  await store.db.collection('books').updateOne({}, { $set: lost, $unset: { from: '' } });
  await books.keep();
  await expectTrue();
});

test('records are counted in small slices, by whichever keeper comes, while changes go on and the books are kept', async () => {
  await insert(95);
  await books.keep();
  await countedHoursAgo(2);
  await store.db.command({ profile: 2 });
  const keepers = [aSlowKeeper(), aSlowKeeper()];
  let steps = 0;
  for (let isCounted = false; !isCounted; steps += 1) {
    const keeper = keepers[steps % 2] ?? books;
    await insert(2);
    await keeper.keep();
    await expectTrue();
    isCounted = await keeper.audit();
  }
  await store.db.command({ profile: 0 });
  // The moment of the count is that of its first slice.
  expect(steps).toBe(11);
  const slices = await store.db
    .collection<{ docsExamined: number }>('system.profile')
    .find({ 'command.aggregate': 'notifications', 'command.readConcern.level': 'snapshot' })
    .toArray();
  expect(slices).toHaveLength(11);
  for (const { docsExamined } of slices) expect(docsExamined).toBeLessThanOrEqual(10);
  await books.keep();
  await expectTrue();
  expect(await aSlowKeeper().audit()).toBe(false);
});

test('a count puts the books right, and counts nothing twice in the rates', async () => {
  await insert(30);
  await books.keep();
  const wrong = { 'counts.email.pending': 7, 'counts.sms.sent': 3 };
  await store.db.collection<{ _id: string }>('books').updateOne({ _id: 'balance' }, { $set: wrong });
  await countedHoursAgo(2);
  const slow = aSlowKeeper();
  for (let isCounted = false; !isCounted;) {
    await insert(3);
    await slow.keep();
    isCounted = await slow.audit();
  }
  await insert(5);
  await books.keep();
  await expectTrue();
  const stored = await store.notifications.countDocuments();
  const accepted = async (): Promise<number> => {
    const hours = await new RatesLog(store.db).since('hour', new Date(Date.now() - 2 * 3_600_000));
    return hours.reduce((sum, { channels }) => sum + (channels.email?.accepted ?? 0), 0);
  };
  // The majority has them a moment later than the first member.
  await until(async () => (await accepted()) >= stored);
  expect(await accepted()).toBe(stored);
});

test('where the place in the journal is lost and counting fails, it is tried with growing pauses', async () => {
  let now = Date.now();
  let tries = 0;
  const failing = Object.assign(Object.create(store.db) as Db, {
    command: () => {
      tries += 1;
      return Promise.reject(new Error('the store is too busy'));
    },
    collection: (name: string) => store.db.collection(name),
  });
  await insert(5);
  await store.db
    .collection<{ _id: string }>('books')
    .updateOne({ _id: 'balance' }, { $set: { token: { _data: '82' } }, $unset: { from: '' } });
  const keepers = [aSlowKeeper(failing, () => now), aSlowKeeper(failing, () => now)];
  // An hour, one pass of two schedulers each second.
  for (let second = 0; second < 3_600; second += 1) {
    now += 1_000;
    const keeper = keepers[second % 2] ?? books;
    await keeper.keep().catch(() => undefined);
    if (tries > 30) break;
  }
  expect(tries).toBeGreaterThan(10);
  expect(tries).toBeLessThan(20);
  // Once it works again, it is counted after ten minutes at most.
  const working = new Books(store.db, { now: () => now + 600_000 });
  await working.keep();
  await working.keep();
  await expectTrue();
}, 60_000);

test('a count whose moment MongoDB no longer keeps begins anew', async () => {
  await insert(25);
  await countedHoursAgo(2);
  const at = new Timestamp({ t: Math.floor(Date.now() / 1_000) - 7_200, i: 1 });
  const old = { at, as_of: new Date(0), after: '0', counts: { sms: { sent: 99 } }, ambiguous: 9 };
  await store.db.collection<{ _id: string }>('books').replaceOne({ _id: 'recount' }, old, { upsert: true });
  await expect(books.audit()).rejects.toThrow('minSnapshotHistoryWindowInSeconds');
  await until(() => books.audit());
  await books.keep();
  await expectTrue();
});
