import { describe, expect, test } from 'vitest';
import {
  EarlyFeedbacks,
  SWEEP_LIMIT,
  TaskUpdates,
  deleteRetained,
  expireOverdue,
  findLostHints,
  findLostLeases,
  findOvertaken,
  findUnpublished,
  wakeDue,
} from '../../../shared/store/index.ts';
import { aRecord } from '../../support/records.ts';
import { TestStore, all } from '../../support/test-store.ts';
import { until } from '../../support/until.ts';

const store = new TestStore();

describe('the sweeps', () => {
  test('what is over goes, all of it, also when two delete at once; what is not over stays', async () => {
    const ago = new Date(Date.now() - 1_000);
    const over = Array.from({ length: 1_100 }, () => aRecord({ status: 'sent', delete_at: ago }));
    await store.notifications.insertMany(over);
    const later = await store.add({ status: 'sent', delete_at: new Date(Date.now() + 60_000) });
    const deleted = await Promise.all([
      deleteRetained(store.notifications),
      deleteRetained(store.notifications),
    ]);
    expect(deleted[0] + deleted[1]).toBe(1_100);
    expect(await store.notifications.distinct('_id')).toEqual([later]);
  });
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
  test('what is overdue expires in batches, all of it', async () => {
    const expires_at = new Date(Date.now() - 1_000);
    await store.notifications.insertMany(
      Array.from({ length: 1_201 }, (_, index) =>
        aRecord({ expires_at, status: index % 2 ? 'pending' : 'held' }),
      ),
    );
    const later = await store.add({ expires_at: new Date(Date.now() + 30_000) });
    await store.db.command({ profile: 2 });
    expect(await expireOverdue(store.notifications, 30)).toBe(1_201);
    await store.db.command({ profile: 0 });
    expect(await store.notifications.countDocuments({ status: 'expired' })).toBe(1_201);
    expect(await store.statusOf(later)).toBe('pending');
    const writes = await store.db
      .collection<{ nModified: number }>('system.profile')
      .find({ op: 'update', ns: /notifications$/ })
      .toArray();
    expect(writes.length).toBeGreaterThan(2);
    for (const { nModified } of writes) expect(nModified).toBeLessThanOrEqual(SWEEP_LIMIT);
  });
  test('a walk over kept feedback that ends early goes on where it was', async () => {
    const early = new EarlyFeedbacks(store.db);
    const ids = Array.from({ length: 1_100 }, (_, index) => String(index).padStart(5, '0'));
    const kept = ids.map((_id) => ({ _id, notification_id: _id }));
    await store.db.collection<{ _id: string }>('feedback').insertMany(kept);
    const seen: string[] = [];
    for (let pass = 0; pass < 3; pass += 1)
      for await (const chunk of early.inTurn()) {
        seen.push(...chunk.map(({ _id }) => _id));
        break;
      }
    expect(seen).toEqual(ids);
    expect(await all(early.inTurn())).toEqual([]);
    expect(await all(early.inTurn())).toHaveLength(1_100);
    await store.db.collection('feedback').deleteMany({});
  });
  test('task updates that are over go in steps, all of them but the newest', async () => {
    const at = new Date(0);
    const updates = Array.from({ length: 2_500 }, (_, index) => ({
      _id: index + 1,
      at,
      notification_id: `n${index}`,
    }));
    await store.db.collection<{ _id: number }>('task_updates').insertMany(updates);
    expect(await new TaskUpdates(store.db).removeOver()).toBe(2_499);
    expect(await store.db.collection('task_updates').distinct('_id')).toEqual([2_500]);
  });
});
