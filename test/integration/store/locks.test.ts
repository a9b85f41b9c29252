import { expect, test } from 'vitest';
import { Locks } from '../../../shared/store/index.ts';
import { TestStore } from '../../support/test-store.ts';

const store = new TestStore();

test('a lock has one holder at a time', async () => {
  const locks = new Locks(store.db);
  const takes = await Promise.all(['a', 'b', 'c'].map((holder) => locks.take('job', holder, 60_000)));
  expect(takes.filter(Boolean)).toHaveLength(1);
  const winner = ['a', 'b', 'c'][takes.indexOf(true)] ?? '';
  await locks.release('job', winner);
  expect(await locks.take('job', 'd', 60_000)).toBe(true);
});
