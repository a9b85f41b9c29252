import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { TaskUpdate } from '../../../shared/contracts/index.ts';
import { PAGE } from '../../../services/producer/realtime/task-feed.ts';
import { relay, type Listener } from '../../../services/producer/realtime/task-relay.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const log: TaskUpdate[] = Array.from({ length: 3 * PAGE }, (_, index) => ({
  _id: index + 1,
  task_id: 't',
  notification_id: `n${index}`,
  at: new Date(),
}));
const feed = {
  turn: new Promise<void>(() => undefined),
  newest: () => Promise.resolve(log.length),
  after: (id: number) => Promise.resolve(log.slice(id, id + PAGE)),
};

/** A client that takes what it is sent only when told to. */
function aListener(): Listener & { written: number; take: () => void } {
  let take = (): void => undefined;
  const listener = {
    written: 0,
    take: () => {
      take();
    },
    standAt: () => undefined,
    missed: () => undefined,
    write: (updates: readonly TaskUpdate[]) => {
      listener.written += updates.length;
    },
    taken: () => new Promise<void>((resolve) => (take = resolve)),
  };
  return listener;
}

test('no more than a page is written ahead of a client that does not read, and after 20 s it is cut off', async () => {
  const listener = aListener();
  const relaying = relay(feed, listener, { from: 0, signal: new AbortController().signal });
  const cut = expect(relaying).rejects.toThrow(expect.objectContaining({ name: 'TooSlow' }) as Error);
  await vi.advanceTimersByTimeAsync(19_000);
  expect(listener.written).toBe(PAGE);
  listener.take();
  await vi.advanceTimersByTimeAsync(19_000);
  expect(listener.written).toBe(2 * PAGE);
  await vi.advanceTimersByTimeAsync(2_000);
  await cut;
  expect(listener.written).toBe(2 * PAGE);
});

test('ends when its stream does, whatever it waits for', async () => {
  for (const from of [0, log.length]) {
    const over = new AbortController();
    const relaying = relay(feed, aListener(), { from, signal: over.signal });
    await vi.advanceTimersByTimeAsync(1_000);
    over.abort();
    await relaying;
  }
});
