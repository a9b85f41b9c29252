import { randomUUID } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import {
  Books,
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
import { pause } from '../../../shared/runtime/backoff.ts';
import { aRecord } from '../../support/records.ts';
import { TestStore } from '../../support/test-store.ts';

const store = new TestStore();
let books: Books;
const change = { actor: 'test' };

beforeEach(async () => {
  books = new Books(store.db);
  await store.db.collection('books').deleteMany({});
  await books.keep();
});

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
  await pause(200);
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
