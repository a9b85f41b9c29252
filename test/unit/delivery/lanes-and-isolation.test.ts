import { describe, expect, test } from 'vitest';
import { Isolation, LaneSlots, laneLimit } from '../../../shared/delivery/index.ts';

describe('the slots of a channel', () => {
  test('bulk never holds the last quarter, so that a transactional one starts at once', async () => {
    const slots = new LaneSlots(8);
    expect(await slots.take('bulk', 100)).toBe(6);
    expect(await slots.take('transactional', 1)).toBe(1);
  });
  test('a small channel still has a slot for bulk', () => {
    expect(laneLimit('bulk', 1)).toBe(1);
  });
  test('who waits gets a slot when one is given back', async () => {
    const slots = new LaneSlots(1);
    await slots.take('transactional', 1);
    let granted = 0;
    const waiting = slots.take('transactional', 3).then((count) => (granted = count));
    await Promise.resolve();
    expect(granted).toBe(0);
    slots.release('transactional');
    await waiting;
    expect(granted).toBe(1);
  });
});

describe('isolation', () => {
  function deferred(): { promise: Promise<void>; resolve: () => void } {
    let resolve = (): void => undefined;
    const promise = new Promise<void>((done) => (resolve = done));
    return { promise, resolve };
  }
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  test('a suspect runs when nothing else does, and nothing starts beside it', async () => {
    const isolation = new Isolation();
    const log: string[] = [];
    const first = deferred();
    const suspect = deferred();
    const all = [
      isolation.together(async () => {
        log.push('innocent starts');
        await first.promise;
        log.push('innocent ends');
      }),
      isolation.alone(async () => {
        log.push('suspect starts');
        await suspect.promise;
        log.push('suspect ends');
      }),
      isolation.together(() => {
        log.push('latecomer starts');
        return Promise.resolve();
      }),
    ];
    await turn();
    expect(log).toEqual(['innocent starts']);
    // Nothing more is claimed, or it would wait with a claim.
    expect([isolation.hasSuspect, isolation.free()]).toEqual([true, 0]);
    first.resolve();
    await turn();
    expect(log).toEqual(['innocent starts', 'innocent ends', 'suspect starts']);
    suspect.resolve();
    await Promise.all(all);
    expect(log.slice(-2)).toEqual(['suspect ends', 'latecomer starts']);
    expect(isolation.free()).toBe(Infinity);
  });

  test('suspects run one after the other', async () => {
    const isolation = new Isolation();
    let running = 0;
    const run = async (): Promise<void> => {
      running += 1;
      expect(running).toBe(1);
      await turn();
      running -= 1;
    };
    await Promise.all([isolation.alone(run), isolation.alone(run), isolation.alone(run)]);
  });
});
