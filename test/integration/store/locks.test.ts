import { expect, test } from 'vitest';
import { LockLost, Locks } from '../../../shared/store/index.ts';
import { TestStore } from '../../support/test-store.ts';
import { until } from '../../support/until.ts';

const store = new TestStore();

test('a lock has one holder at a time', async () => {
  const locks = new Locks(store.db);
  const takes = await Promise.all(['a', 'b', 'c'].map((holder) => locks.take('job', holder, 60_000)));
  expect(takes.filter(Boolean)).toHaveLength(1);
  const winner = ['a', 'b', 'c'][takes.indexOf(true)] ?? '';
  await locks.release('job', winner);
  expect(await locks.take('job', 'd', 60_000)).toBe(true);
});

test('a lock stays held for as long as the work takes, longer than its lease', async () => {
  const locks = new Locks(store.db);
  const startedAt = performance.now();
  let taken = 0;
  await locks.hold('long', { leaseMs: 1_500 }, async (lock) => {
    await until(async () => {
      taken += Number(await new Locks(store.db).take('long', 'other', 60_000));
      lock.check();
      return performance.now() - startedAt > 3_500;
    });
  });
  expect(taken).toBe(0);
  expect(await locks.take('long', 'other', 60_000)).toBe(true);
});

test('a holder whose lease somebody else took may take no further step', async () => {
  const locks = new Locks(store.db);
  const work = locks.hold('stolen', { leaseMs: 300 }, async (lock) => {
    await store.db
      .collection<{ _id: string }>('locks')
      .updateOne({ _id: 'stolen' }, { $set: { holder: 'other' } });
    await until(() => {
      lock.check();
      return false;
    });
  });
  await expect(work).rejects.toThrow(LockLost);
  expect(await store.db.collection('locks').countDocuments({ _id: 'stolen' as never, holder: 'other' })).toBe(
    1,
  );
});

test('a holder that cannot renew its lease stops before the lease ends', async () => {
  const locks = new Locks(store.db);
  const startedAt = performance.now();
  const work = locks.hold('cut', { leaseMs: 2_000 }, async (lock) => {
    // Removed, as if the store had lost it: no renewal finds it.
    await store.db.collection<{ _id: string }>('locks').deleteOne({ _id: 'cut' });
    await until(() => {
      lock.check();
      return false;
    });
  });
  await expect(work).rejects.toThrow(LockLost);
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});

test('a lock that rests is closed to everybody, its last holder included', async () => {
  const locks = new Locks(store.db);
  const runs: number[] = [];
  const run = () =>
    locks.hold('resting', { leaseMs: 5_000, restMs: () => 500 }, () => {
      runs.push(performance.now());
      return Promise.resolve(true);
    });
  expect(await run()).toBe(true);
  expect(await run()).toBeUndefined();
  await until(run);
  expect((runs[1] ?? 0) - (runs[0] ?? 0)).toBeGreaterThan(450);
});
