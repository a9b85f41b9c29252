import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { reconnectDelay } from '../../../shared/runtime/backoff.ts';
import { Batcher } from '../../../shared/runtime/batcher.ts';
import { formatDuration, parseDuration } from '../../../shared/runtime/duration.ts';
import { idFloor, newId } from '../../../shared/runtime/ids.ts';
import { readiness } from '../../../shared/runtime/health.ts';

describe('durations', () => {
  test('come back from their words', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 999_999_999 }), (ms) => parseDuration(formatDuration(ms)) === ms),
    );
  });
  test('have one name each, whichever unit they were given in', () => {
    expect(formatDuration(parseDuration('120s') ?? 0)).toBe('2m');
    expect(parseDuration('2 minutes')).toBeUndefined();
  });
});

test('waiting to reconnect grows, has jitter, and stays within 10 s', () => {
  expect(reconnectDelay(0, () => 1)).toBe(200);
  expect(reconnectDelay(3, () => 1)).toBe(1_600);
  expect(reconnectDelay(99, () => 1)).toBe(10_000);
  expect(reconnectDelay(99, () => 0)).toBe(2_000);
});

test('an id made after an instant sorts behind its floor, one made before it below', () => {
  const id = newId();
  expect(id > idFloor(new Date(Date.now() - 1_000))).toBe(true);
  expect(id < idFloor(new Date(Date.now() + 1_000))).toBe(true);
});

describe('the batcher', () => {
  test('gathers what comes while a bulk is under way, and answers each its own', async () => {
    const bulks: number[][] = [];
    const batcher = new Batcher<number, number>({
      maxItems: 3,
      run: (items) => {
        bulks.push(items);
        return Promise.resolve(items.map((item) => item * 2));
      },
    });
    const results = await Promise.all([1, 2, 3, 4, 5].map((item) => batcher.add(item)));
    expect(results).toEqual([2, 4, 6, 8, 10]);
    expect(bulks).toEqual([
      [1, 2, 3],
      [4, 5],
    ]);
  });
  test('has as many bulks under way as it may, and no more', async () => {
    let running = 0;
    let most = 0;
    const batcher = new Batcher<number, number>({
      maxItems: 2,
      concurrency: 2,
      run: async (items) => {
        most = Math.max(most, (running += 1));
        await new Promise((resolve) => setTimeout(resolve, 10));
        running -= 1;
        return items;
      },
    });
    const items = [1, 2, 3, 4, 5, 6, 7];
    expect(await Promise.all(items.map((item) => batcher.add(item)))).toEqual(items);
    expect(most).toBe(2);
    await batcher.idle();
    expect(running).toBe(0);
  });
  test('who adds as soon as the one before is answered is not forgotten', async () => {
    const batcher = new Batcher<number, number>({ maxItems: 1, run: (items) => Promise.resolve(items) });
    const later = async (item: number): Promise<number> => await batcher.add(item);
    for (let item = 0; item < 20; item += 1) expect(await later(item)).toBe(item);
  });
  test('a bulk that fails rejects its own items, and the next ones go on', async () => {
    let calls = 0;
    const batcher = new Batcher<number, number>({
      maxItems: 1,
      run: (items) => ((calls += 1) === 1 ? Promise.reject(new Error('no')) : Promise.resolve(items)),
    });
    const [first, second] = await Promise.allSettled([batcher.add(1), batcher.add(2)]);
    expect(first.status).toBe('rejected');
    expect(second).toEqual({ status: 'fulfilled', value: 2 });
  });
});

test('readiness: a tolerated failure degrades, any other one is unavailable, a throwing check is a failed one', async () => {
  const ok = (): { ok: true } => ({ ok: true });
  const broken = (): never => {
    throw new Error('gone');
  };
  expect((await readiness({ a: ok })).status).toBe('ok');
  expect(await readiness({ a: ok, b: broken }, ['b'])).toMatchObject({
    status: 'degraded',
    checks: { b: { ok: false, detail: 'gone' } },
  });
  expect((await readiness({ a: broken, b: ok }, ['b'])).status).toBe('unavailable');
});
