import { expect, test } from 'vitest';
import { TIMELINE_KEEPS } from '../../../shared/contracts/index.ts';
import { recordResults } from '../../../shared/store/index.ts';
import { TestStore } from '../../support/test-store.ts';

const store = new TestStore();
const KEPT = TIMELINE_KEEPS.first + TIMELINE_KEEPS.last;

/** A timeline of so many numbered entries. */
function entries(count: number): { at: Date; status: 'held'; actor: string; reason: string }[] {
  return Array.from({ length: count }, (_, index) => ({
    at: new Date(),
    status: 'held',
    actor: 'test',
    reason: String(index),
  }));
}

/** Claims a record and records a hold, as a consumer does: two more entries. */
async function holdOnce(id: string, reason: string): Promise<void> {
  const [record] = await store.claim([id]);
  if (!record) throw new Error(`${id} could not be claimed`);
  const change = { actor: 'test', attempt: record.attempt, reason };
  const result = { id, fence: record.fence, status: 'held' as const, change, delayMs: 0, set: {} };
  await recordResults(store.notifications, [result], 1);
}

test('keeps the first and the last entries, and counts the others', async () => {
  const id = await store.add({ timeline: entries(KEPT - 1) });
  for (let round = 0; round < 5; round += 1) await holdOnce(id, `round ${round}`);
  const { timeline, timeline_omitted } = await store.get(id);
  expect(timeline).toHaveLength(KEPT);
  expect(timeline_omitted).toBe(9);
  expect(timeline.slice(0, TIMELINE_KEEPS.first).map(({ reason }) => reason)).toEqual(
    entries(TIMELINE_KEEPS.first).map(({ reason }) => reason),
  );
  expect(timeline[TIMELINE_KEEPS.first]?.reason).toBe(String(TIMELINE_KEEPS.first + 9));
  expect(timeline.at(-1)?.reason).toBe('round 4');
});

test('counts nothing while the timeline is not full', async () => {
  const id = await store.add({ timeline: entries(KEPT - 2) });
  await holdOnce(id, 'last');
  const { timeline, timeline_omitted } = await store.get(id);
  expect(timeline).toHaveLength(KEPT);
  expect(timeline_omitted).toBeUndefined();
});

test('shortens a timeline that was longer before', async () => {
  const id = await store.add({ timeline: entries(KEPT + 50) });
  await holdOnce(id, 'last');
  const { timeline, timeline_omitted } = await store.get(id);
  expect(timeline).toHaveLength(KEPT);
  expect(timeline_omitted).toBe(52);
});

test('keeps the first thousand characters of a reason', async () => {
  const id = await store.add();
  await holdOnce(id, 'x'.repeat(1_000_000));
  const { timeline } = await store.get(id);
  expect(timeline.at(-1)?.reason).toBe(`${'x'.repeat(1_000)} …`);
});
