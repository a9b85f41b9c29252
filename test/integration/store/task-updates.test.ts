import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { TASK_UPDATES_KEPT_MS, type TaskUpdate } from '../../../shared/contracts/index.ts';
import { TaskUpdates, type NewTaskUpdate } from '../../../shared/store/index.ts';
import { TestStore } from '../../support/test-store.ts';

const store = new TestStore();
const updates = () => new TaskUpdates(store.db);
const collection = () => store.db.collection<TaskUpdate>('task_updates');

beforeEach(async () => {
  await collection().deleteMany({});
});

function anUpdate(more: Partial<NewTaskUpdate> = {}): NewTaskUpdate {
  return { task_id: 't1', notification_id: randomUUID(), at: new Date(), ...more };
}

/** Reads on from where it stands, as a listener does, until it has so many. */
async function follow(count: number): Promise<TaskUpdate[]> {
  const seen: TaskUpdate[] = [];
  while (seen.length < count) seen.push(...(await updates().after(seen.at(-1)?._id ?? 0, 100)));
  return seen;
}

test('who reads while many producers append misses none: what has been read is followed by all the rest', async () => {
  const [producers, each] = [6, 40];
  const following = follow(producers * each);
  await Promise.all(
    Array.from({ length: producers }, async (_, producer) => {
      for (let first = 0; first < each; first += 2)
        await updates().append(
          [first, first + 1].map((number) => anUpdate({ task_id: `${producer}-${number}` })),
        );
    }),
  );
  const seen = await following;
  expect(seen.map(({ _id }) => _id)).toEqual(seen.map((_, index) => index + 1));
  expect(new Set(seen.map(({ task_id }) => task_id)).size).toBe(producers * each);
  // Of one producer in its own order.
  for (let producer = 0; producer < producers; producer += 1)
    expect(
      seen.filter(({ task_id }) => task_id.startsWith(`${producer}-`)).map(({ task_id }) => task_id),
    ).toEqual(Array.from({ length: each }, (_, number) => `${producer}-${number}`));
});

test('one notification is one update, however often it is appended, and those beside it are not lost', async () => {
  const [first, second, third] = [anUpdate(), anUpdate(), anUpdate()];
  await updates().append([second]);
  await updates().append([first, second, third]);
  await updates().append([first, third]);
  const kept = await updates().after(0, 10);
  expect(kept.map(({ _id, notification_id }) => [_id, notification_id])).toEqual([
    [1, second.notification_id],
    [2, first.notification_id],
    [3, third.notification_id],
  ]);
});

test('what is over goes, but the newest stays: the count goes on from it', async () => {
  const old = new Date(Date.now() - TASK_UPDATES_KEPT_MS - 1);
  await updates().append([anUpdate({ at: old }), anUpdate({ at: old })]);
  expect(await updates().removeOver()).toBe(1);
  expect(await updates().newest()).toBe(2);
  await updates().append([anUpdate()]);
  expect(await updates().removeOver()).toBe(1);
  expect((await updates().after(0, 10)).map(({ _id }) => _id)).toEqual([3]);
});

test('of times that do not grow with the numbers, only a beginning goes: a reader meets no hole', async () => {
  const [old, now] = [new Date(Date.now() - TASK_UPDATES_KEPT_MS - 1), new Date()];
  await updates().append([old, old, now, old, now, old].map((at) => anUpdate({ at })));
  expect(await updates().removeOver()).toBe(2);
  expect((await updates().after(0, 10)).map(({ _id }) => _id)).toEqual([3, 4, 5, 6]);
});

describe('uses an index', () => {
  const queries: [string, object, Record<string, 1 | -1>][] = [
    ['for what is behind a number', { _id: { $gt: 5 } }, { _id: 1 }],
    ['for the newest', {}, { _id: -1 }],
    ['for what is over', { _id: { $lt: 5 } }, {}],
  ];
  test.each(queries)('%s', async (_what, filter, sort) => {
    const { queryPlanner } = await collection().find(filter).sort(sort).explain('queryPlanner');
    expect(JSON.stringify(queryPlanner)).toContain('IXSCAN');
    expect(JSON.stringify(queryPlanner)).not.toContain('COLLSCAN');
  });
});
