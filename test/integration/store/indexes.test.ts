import { describe, expect, test } from 'vitest';
import {
  ANY_QUEUE,
  INDEXES,
  countUnpublished,
  ensureIndexes,
  findLostHints,
  findLostLeases,
  findOvertaken,
  listDeadLetters,
  listNotifications,
} from '../../../shared/store/index.ts';
import { aRecord } from '../../support/records.ts';
import { TestStore, all } from '../../support/test-store.ts';

const store = new TestStore();

describe('the indexes', () => {
  test('exist as they are declared', async () => {
    const names = (await store.notifications.indexes()).map(({ name }) => name);
    expect(names.sort()).toEqual(['_id_', ...INDEXES.notifications.map(({ name }) => name)].sort());
  });
  test('those of former versions go', async () => {
    await store.notifications.createIndexes([{ name: 'status', key: { status: 1, _id: -1 } }]);
    await ensureIndexes(store.db);
    const names = (await store.notifications.indexes()).map(({ name }) => name);
    expect(names).not.toContain('status');
  });
  const queries: [string, object, object][] = [
    ['the newest', {}, { _id: -1 }],
    ['the newest of a channel', { type: 'sms' }, { _id: -1 }],
    ['the newest that were sent', { status: 'sent' }, { _id: -1 }],
    ['what retention deletes', { delete_at: { $lte: new Date() } }, { delete_at: 1 }],
    ['dead letters', { status: 'failed_permanently', ...ANY_QUEUE }, { _id: -1 }],
    ['a list by status', { status: 'failed', ...ANY_QUEUE }, { _id: -1 }],
    ['one person’s list', { user_id: 'u1' }, { _id: -1 }],
    ['one caller’s list', { caller: 'key:1' }, { _id: -1 }],
    ['one caller’s list of what was sent', { caller: 'key:1', status: 'sent' }, { _id: -1 }],
    ['the unread count', { user_id: 'u1', unread: true }, {}],
    ['the outbox', { unpublished: true, lane: 'bulk', type: 'sms' }, { _id: 1 }],
    ['an idempotency key', { caller: 'api', idempotency_key: 'k' }, {}],
    ['what is sending', { status: 'sending', ...ANY_QUEUE }, { _id: 1 }],
    ['what one queue has lost', { status: 'pending', type: 'sms', lane: 'bulk' }, { _id: 1 }],
    ['dead letters for their queue', { status: 'failed_permanently', updated_at: { $lt: new Date() } }, {}],
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
    // Sorted in memory, a page would cost as much as all that matches.
    expect(text).not.toContain('"SORT"');
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
    await countUnpublished(store.notifications);
    await store.db.command({ profile: 0 });
    const examined = await store.db
      .collection<{ keysExamined: number; docsExamined: number }>('system.profile')
      .find({ op: { $in: ['query', 'command'] }, ns: /notifications$/ })
      .toArray();
    expect(examined).toHaveLength(7);
    for (const { keysExamined, docsExamined } of examined) {
      expect(keysExamined).toBeLessThan(50);
      expect(docsExamined).toBeLessThan(10);
    }
  });
});
