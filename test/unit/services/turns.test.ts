import { describe, expect, test } from 'vitest';
import { takeTurns, type Source, type Step } from '../../../services/scheduler/turns.ts';
import type { Lane } from '../../../shared/contracts/index.ts';

/** A source with a backlog of so many steps; notes its name at each. */
function aSource(
  name: string,
  lane: Lane,
  backlog: number,
  turns: string[],
  last: Step['next'] = 'empty',
): Source {
  let left = backlog;
  return {
    lane,
    step: () => {
      turns.push(name);
      left = Math.max(0, left - 1);
      return Promise.resolve({ done: 1, next: left > 0 ? 'more' : last });
    },
  };
}

describe('takeTurns', () => {
  test('serves the channels of a lane in turn, so that none waits behind the backlog of another', async () => {
    const turns: string[] = [];
    const sources = [aSource('mail', 'transactional', 5, turns), aSource('sms', 'transactional', 2, turns)];
    expect(await takeTurns(sources, 5_000)).toBe(turns.length);
    expect(turns.slice(0, 4)).toEqual(['mail', 'sms', 'mail', 'sms']);
  });

  test('serves bulk only when no transactional source has more, and asks those again after each round', async () => {
    const turns: string[] = [];
    const sources = [
      aSource('bulk mail', 'bulk', 3, turns),
      aSource('bulk sms', 'bulk', 3, turns),
      aSource('mail', 'transactional', 3, turns),
    ];
    await takeTurns(sources, 5_000);
    expect(turns.slice(0, 3)).toEqual(['mail', 'mail', 'mail']);
    expect(turns.slice(3, 6)).toEqual(['bulk mail', 'bulk sms', 'mail']);
  });

  test('lets no source that is stuck or throws hold up another', async () => {
    const turns: string[] = [];
    const broken: Source = { lane: 'transactional', step: () => Promise.reject(new Error('no such queue')) };
    const sources = [
      broken,
      aSource('stuck', 'transactional', 1, turns, 'stuck'),
      aSource('mail', 'transactional', 4, turns),
    ];
    await expect(takeTurns(sources, 5_000)).rejects.toThrow('no such queue');
    expect(turns.filter((one) => one === 'mail').length).toBe(4);
    expect(turns.filter((one) => one === 'stuck').length).toBe(1);
  });

  test('ends when its time is over, whatever is left', async () => {
    const turns: string[] = [];
    const endless: Source = {
      lane: 'bulk',
      step: () =>
        new Promise((resolve) =>
          setImmediate(() => {
            turns.push('x');
            resolve({ done: 1, next: 'more' });
          }),
        ),
    };
    expect(await takeTurns([endless], 50)).toBe(turns.length);
    expect(turns.length).toBeGreaterThan(0);
  });
});
