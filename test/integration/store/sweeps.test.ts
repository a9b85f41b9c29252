import { describe, expect, test } from 'vitest';
import {
  INDEXES,
  Locks,
  findLostHints,
  findLostLeases,
  findOvertaken,
  findUnpublished,
  listNotifications,
  wakeDue,
  listDeadLetters,
  ANY_QUEUE,
} from '../../../shared/store/index.ts';
import { aRecord } from '../../support/records.ts';
import { TestStore } from '../../support/test-store.ts';
import { until } from '../../support/until.ts';

const store = new TestStore();
async function all<T>(batches: AsyncIterable<T[]>): Promise<T[]> {
  const items: T[] = [];
  for await (const batch of batches) items.push(...batch);
  return items;
}

describe('the sweeps', () => {
  test('the relay finds the unpublished of a lane by age; fresh ones are the producer’s', async () => {
    const ids = {
      old: '01800000-0000-7000-8000-000000000001',
      older: '01700000-0000-7000-8000-000000000001',
    };
    await store.add({ _id: ids.old, unpublished: true });
    await store.add({ _id: ids.older, unpublished: true });
    await store.add({ unpublished: true });
    await store.add({ lane: 'bulk', unpublished: true });
    const found = await findUnpublished(store.notifications, {
      type: 'email',
      lane: 'transactional',
      now: new Date(),
    });
    expect(found.map(({ _id }) => _id)).toEqual([ids.older, ids.old]);
  });
  test('what is due wakes once; a retry only when its message must be lost', async () => {
    const past = new Date(Date.now() - 10_000);
    const scheduled = await store.add({ status: 'scheduled', next_retry_time: past });
    const retrying = await store.add({ status: 'failed', next_retry_time: past });
    const forgotten = await store.add({ status: 'failed', next_retry_time: new Date(Date.now() - 180_000) });
    const woken = await wakeDue(store.notifications);
    expect(new Set(woken.map(({ _id }) => _id))).toEqual(new Set([scheduled, forgotten]));
    expect(await store.statusOf(retrying)).toBe('failed');
    expect(await wakeDue(store.notifications)).toEqual([]);
  });
  test('a lost lease is found once a minute, not with every pass', async () => {
    const id = await store.add();
    await store.claim([id], 1);
    expect((await until(async () => (await all(findLostLeases(store.notifications)))[0]))._id).toBe(id);
    expect(await all(findLostLeases(store.notifications))).toEqual([]);
  });
  test('a sweep goes through all that it finds, in batches', async () => {
    const old = new Date(Date.now() - 120_000);
    await store.notifications.insertMany(Array.from({ length: 1_201 }, () => aRecord({ updated_at: old })));
    expect(await all(findLostHints(store.notifications, 'email', 'transactional'))).toHaveLength(1_201);
  });
  test('what later ones have overtaken is lost; what waits behind them is not', async () => {
    const ago = (seconds: number) => new Date(Date.now() - seconds * 1_000);
    const lost = await store.add({ updated_at: ago(600) });
    await store.add({ updated_at: ago(200) });
    const overtaken = () => all(findOvertaken(store.notifications, 'email', 'transactional'));
    expect(await overtaken()).toEqual([]);
    const begun = await store.add({ created_at: ago(250) });
    await store.claim([begun]);
    expect((await overtaken()).map(({ _id }) => _id)).toEqual([lost]);
  });
  test('a lock has one holder at a time', async () => {
    const locks = new Locks(store.db);
    const takes = await Promise.all(['a', 'b', 'c'].map((holder) => locks.take('job', holder, 60_000)));
    expect(takes.filter(Boolean)).toHaveLength(1);
    const winner = ['a', 'b', 'c'][takes.indexOf(true)] ?? '';
    await locks.release('job', winner);
    expect(await locks.take('job', 'd', 60_000)).toBe(true);
  });
});

describe('the indexes', () => {
  test('exist as they are declared', async () => {
    const names = (await store.notifications.indexes()).map(({ name }) => name);
    expect(names.sort()).toEqual(['_id_', ...INDEXES.notifications.map(({ name }) => name)].sort());
  });
  const queries: [string, object, object][] = [
    ['the newest', {}, { _id: -1 }],
    ['the newest of a channel', { type: 'sms' }, { _id: -1 }],
    ['the newest that were sent', { status: 'sent' }, { _id: -1 }],
    ['what retention deletes', { delete_at: { $lte: new Date() } }, { delete_at: 1 }],
    ['dead letters', { status: 'failed_permanently', ...ANY_QUEUE }, { _id: -1 }],
    ['a list by status', { status: 'failed', ...ANY_QUEUE }, { _id: -1 }],
    ['one person’s list', { user_id: 'u1' }, { _id: -1 }],
    ['the unread count', { user_id: 'u1', unread: true }, {}],
    ['the outbox', { unpublished: true, lane: 'bulk', type: 'sms' }, { _id: 1 }],
    ['an idempotency key', { caller: 'api', idempotency_key: 'k' }, {}],
    ['what is sending', { status: 'sending' }, {}],
    [
      'what is due',
      { next_retry_time: { $lte: new Date() }, status: { $in: ['failed', 'held', 'scheduled'] } },
      { next_retry_time: 1 },
    ],
    [
      'what expires',
      { expires_at: { $lte: new Date() }, status: { $in: ['scheduled', 'pending', 'held', 'failed'] } },
      {},
    ],
  ];
  test.each(queries)('%s is read from an index', async (_what, filter, sort) => {
    const plan = await store.notifications
      .find(filter)
      .sort(sort as { _id: 1 })
      .explain('queryPlanner');
    const text = JSON.stringify(
      (plan as { queryPlanner: { winningPlan: unknown } }).queryPlanner.winningPlan,
    );
    expect(text).toContain('IXSCAN');
    expect(text).not.toContain('COLLSCAN');
  });
  test('a backlog of one queue costs the sweeps of the others nothing, nor lists, nor the sweep for what was overtaken', async () => {
    const backlog = Array.from({ length: 2_000 }, () => aRecord());
    await store.notifications.insertMany(backlog);
    await store.claim([backlog[0]?._id ?? '']);
    await store.db.command({ profile: 2 });
    await all(findLostHints(store.notifications, 'sms', 'bulk'));
    await all(findOvertaken(store.notifications, 'email', 'transactional'));
    await all(findLostLeases(store.notifications));
    await listNotifications(store.notifications, { limit: 3, status: 'pending' });
    await listDeadLetters(store.notifications, { limit: 3 });
    await store.db.command({ profile: 0 });
    const examined = await store.db
      .collection<{ keysExamined: number; docsExamined: number }>('system.profile')
      .find({ op: 'query', ns: /notifications$/ })
      .toArray();
    expect(examined).toHaveLength(6);
    for (const { keysExamined, docsExamined } of examined) {
      expect(keysExamined).toBeLessThan(50);
      expect(docsExamined).toBeLessThan(10);
    }
  });
});
