import { describe, expect, test } from 'vitest';
import { untilDone } from '../../../shared/runtime/backoff.ts';
import { Batcher } from '../../../shared/runtime/batcher.ts';

/** Far longer than anything here takes, so that whoever waits for it is seen. */
const APART_MS = 300;

/** A batcher that notes when its bulks begin, in milliseconds, and how large they are. */
function noted(maxItems = 100): { batcher: Batcher<number, number>; bulks: { at: number; size: number }[] } {
  const bulks: { at: number; size: number }[] = [];
  const batcher = new Batcher<number, number>({
    maxItems,
    apartMs: APART_MS,
    run: (items) => {
      bulks.push({ at: performance.now(), size: items.length });
      return Promise.resolve(items);
    },
  });
  return { batcher, bulks };
}

const all = (batcher: Batcher<number, number>, count: number): Promise<number[]> =>
  Promise.all(Array.from({ length: count }, (_, item) => batcher.add(item)));

describe('bulks that are spaced out', () => {
  test('one alone never waits, nor the next one alone', async () => {
    const { batcher, bulks } = noted();
    const startedAt = performance.now();
    for (let item = 0; item < 5; item += 1) await batcher.add(item);
    expect(bulks).toHaveLength(5);
    expect(performance.now() - startedAt).toBeLessThan(APART_MS);
  });
  test('what comes behind a bulk shares the next one', async () => {
    const { batcher, bulks } = noted();
    await all(batcher, 2);
    const later = [batcher.add(1)];
    await new Promise((resolve) => setTimeout(resolve, 20));
    later.push(batcher.add(2), batcher.add(3));
    await Promise.all(later);
    expect(bulks.map(({ size }) => size)).toEqual([2, 3]);
    expect((bulks[1]?.at ?? 0) - (bulks[0]?.at ?? 0)).toBeGreaterThan(APART_MS - 20);
  });
  test('a full bulk does not wait', async () => {
    const { batcher, bulks } = noted(2);
    const startedAt = performance.now();
    await all(batcher, 6);
    expect(bulks.map(({ size }) => size)).toEqual([2, 2, 2]);
    expect(performance.now() - startedAt).toBeLessThan(APART_MS);
  });
  test('idle waits for a bulk whose turn has not come', async () => {
    const { batcher, bulks } = noted();
    await all(batcher, 2);
    void batcher.add(1);
    await batcher.idle();
    expect(bulks.map(({ size }) => size)).toEqual([2, 1]);
  });
});

describe('patience', () => {
  test('repeats until it works, and tells of each failure', async () => {
    const heard: number[] = [];
    const work = (failures: number): Promise<string> =>
      failures < 2 ? Promise.reject(new Error('not yet')) : Promise.resolve('done');
    const onFailure = (_thrown: unknown, failures: number): void => {
      heard.push(failures);
    };
    expect(await untilDone(work, { pauseMs: 1, onFailure })).toBe('done');
    expect(heard).toEqual([0, 1]);
  });
  test('ends without a result when it is called off, also in a pause', async () => {
    const calledOff = new AbortController();
    const never = untilDone<string>(() => Promise.reject(new Error('no')), {
      signal: calledOff.signal,
      pauseMs: 60_000,
      onFailure: () => {
        setImmediate(() => {
          calledOff.abort();
        });
      },
    });
    expect(await never).toBeUndefined();
  });
});
