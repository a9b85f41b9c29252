import { describe, expect, test } from 'vitest';
import { SharedFigure } from '../../../services/producer/stats/shared-figure.ts';

/** A figure on a clock of the test's own; each run takes `tookMs` and ends as told. */
function aFigure(tookMs: number) {
  const state = { now: 0, runs: 0, fails: false };
  const figure = new SharedFigure(
    () => {
      state.runs += 1;
      state.now += tookMs;
      return state.fails ? Promise.reject(new Error('too slow')) : Promise.resolve(state.runs);
    },
    () => state.now,
  );
  return { state, figure };
}

describe('SharedFigure', () => {
  test('is worked out once for all who ask at once', async () => {
    const { state, figure } = aFigure(100);
    expect(await Promise.all(Array.from({ length: 50 }, () => figure.read()))).toEqual(Array(50).fill(1));
    expect(state.runs).toBe(1);
  });

  test('holds for twenty times as long as it took', async () => {
    const { state, figure } = aFigure(100);
    await figure.read();
    state.now = 100 + 1_999;
    expect(await figure.read()).toBe(1);
    state.now += 1;
    expect(await figure.read()).toBe(2);
  });

  test('keeps the last value after a failure, and waits longer each time, ten minutes at most', async () => {
    const { state, figure } = aFigure(100);
    await figure.read();
    state.fails = true;
    const failedAt: number[] = [];
    for (let minute = 0; minute < 60 * 60; minute += 1) {
      state.now += 1_000;
      const before = state.runs;
      expect(await figure.read()).toBe(1);
      if (state.runs > before) failedAt.push(state.now);
    }
    const pauses = failedAt.slice(1).map((at, index) => at - (failedAt[index] ?? 0));
    expect(pauses.every((pause, index) => index === 0 || pause >= (pauses[index - 1] ?? 0) - 1_000)).toBe(
      true,
    );
    expect(Math.max(...pauses)).toBeGreaterThanOrEqual(600_000);
    expect(failedAt.length).toBeLessThan(16);
    state.fails = false;
    state.now += 600_000;
    expect(await figure.read()).toBe(state.runs);
  });

  test('fails for who asks before there is any value, without running again at once', async () => {
    const { state, figure } = aFigure(0);
    state.fails = true;
    await expect(figure.read()).rejects.toThrow('too slow');
    await expect(figure.read()).rejects.toThrow('too slow');
    expect(state.runs).toBe(1);
  });
});
