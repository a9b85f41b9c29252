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

  test('a suspect runs when nothing else does, and nothing starts or is claimed beside it', async () => {
    const isolation = new Isolation();
    const log: string[] = [];
    const [first, suspect] = [deferred(), deferred()];
    const step = (name: string, until: Promise<void>) => async (): Promise<void> => {
      log.push(`${name} starts`);
      await until;
      log.push(`${name} ends`);
    };
    const innocent = isolation.run(false, step('innocent', first.promise));
    const alone = isolation.run(true, step('suspect', suspect.promise));
    const latecomers = [false, true].map((one) => isolation.run(one, step('latecomer', Promise.resolve())));
    expect([...latecomers, isolation.free()]).toEqual([undefined, undefined, 0]);
    await turn();
    expect(log).toEqual(['innocent starts']);
    first.resolve();
    await innocent;
    await turn();
    expect(log).toEqual(['innocent starts', 'innocent ends', 'suspect starts']);
    suspect.resolve();
    await alone;
    expect(isolation.free()).toBe(Infinity);
    await isolation.run(false, step('next', Promise.resolve()));
    expect(log.slice(-2)).toEqual(['next starts', 'next ends']);
  });

  test('nothing more is claimed beside a suspect that is claimed and has not begun', async () => {
    const isolation = new Isolation();
    let woken = 0;
    isolation.onFree(() => (woken += 1));
    const begun = [isolation.expect(), isolation.expect()];
    expect(isolation.free()).toBe(0);
    const suspect = deferred();
    const alone = isolation.run(true, () => suspect.promise);
    begun[0]?.();
    expect([isolation.free(), woken]).toEqual([0, 0]);
    suspect.resolve();
    await alone;
    expect(isolation.free()).toBe(0);
    begun[1]?.();
    expect([isolation.free(), woken]).toEqual([Infinity, 2]);
  });

  test('a suspect that fails lets the others go on, and wakes who waits to claim', async () => {
    const isolation = new Isolation();
    let woken = 0;
    isolation.onFree(() => (woken += 1));
    await expect(isolation.run(true, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect([isolation.free(), woken]).toEqual([Infinity, 1]);
  });
});
