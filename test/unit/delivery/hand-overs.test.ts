import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Lane } from '../../../shared/contracts/index.ts';
import { HandOvers, LaneSlots } from '../../../shared/delivery/index.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Hand-overs that end when they are told to. */
class Stage {
  readonly handOvers: HandOvers;
  readonly begun: string[] = [];
  readonly #ends = new Map<string, () => void>();

  constructor(size: number) {
    this.handOvers = new HandOvers(size);
  }

  /** One claim that brings these. */
  claim(lane: Lane, names: readonly string[]): void {
    this.handOvers.spend(names.length, lane);
    for (const name of names) void this.#run(lane, name);
  }

  async end(name: string): Promise<void> {
    this.#ends.get(name)?.();
    this.#ends.delete(name);
    await turn();
  }

  get going(): string[] {
    return [...this.#ends.keys()];
  }

  #run(lane: Lane, name: string): Promise<void> {
    return this.handOvers.run(lane, () => {
      this.begun.push(name);
      return new Promise((resolve) => this.#ends.set(name, resolve));
    });
  }
}

describe('hand-overs', () => {
  test('a freed place goes to transactional first', async () => {
    const stage = new Stage(4);
    stage.claim('bulk', ['b1', 'b2', 'b3', 'b4']);
    stage.claim('transactional', ['t1', 't2']);
    await turn();
    expect(stage.begun).toEqual(['b1', 'b2', 'b3', 't1']);
    await stage.end('b1');
    expect(stage.begun.at(-1)).toBe('t2');
  });
  test('bulk never holds the last quarter, and claims nothing while transactional waits', async () => {
    const stage = new Stage(4);
    stage.claim('bulk', ['b1', 'b2', 'b3', 'b4', 'b5']);
    await turn();
    expect(stage.going).toHaveLength(3);
    stage.claim('transactional', ['t1', 't2']);
    expect(stage.handOvers.free(0, 'bulk')).toBe(0);
  });
  test('bulk that waits behind an endless transactional backlog goes on all the same', async () => {
    const stage = new Stage(2);
    stage.claim('bulk', ['b1', 'b2']);
    stage.claim(
      'transactional',
      Array.from({ length: 30 }, (_, index) => `t${index}`),
    );
    await turn();
    for (let ends = 0; ends < 12; ends += 1) await stage.end(stage.going[0] ?? '');
    expect(stage.begun).toContain('b2');
  });
  test('as much is claimed ahead as a fast provider needs, bounded; with a slow one, nothing', async () => {
    const stage = new Stage(2);
    expect(stage.handOvers.free(0, 'transactional')).toBe(2);
    stage.claim('transactional', ['a', 'b']);
    await turn();
    expect(stage.handOvers.free(0, 'transactional')).toBe(0);
    // A claim during which one ended.
    stage.handOvers.spend(1, 'transactional');
    await stage.end('a');
    void stage.handOvers.run('transactional', () => Promise.resolve());
    await turn();
    expect(stage.handOvers.free(0, 'transactional')).toBe(1 + 4);
    stage.handOvers.spend(1, 'transactional');
    for (let ends = 0; ends < 50; ends += 1) await stage.handOvers.run('bulk', () => Promise.resolve());
    void stage.handOvers.run('transactional', () => new Promise(() => undefined));
    expect(stage.handOvers.free(0, 'transactional')).toBe(4 * 2);
  });
  test('work that throws frees its place and wakes who waits to claim', async () => {
    const { handOvers } = new Stage(1);
    const slots = new LaneSlots(1, [handOvers]);
    await expect(handOvers.run('bulk', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await slots.take('bulk', 1)).toBe(1);
  });
  test('all that wait begin when there is nothing to begin any more', async () => {
    const stage = new Stage(1);
    stage.claim('transactional', ['t1', 't2', 't3']);
    stage.handOvers.letAllBegin();
    await turn();
    expect(stage.begun).toEqual(['t1', 't2', 't3']);
    for (const name of ['t1', 't2', 't3']) await stage.end(name);
    expect(stage.handOvers.free(0, 'transactional')).toBeGreaterThan(0);
  });
  test('whatever the order of ends, nobody waits beside a free place, and all come to their turn', async () => {
    const steps = fc.array(fc.tuple(fc.constantFrom<Lane>('transactional', 'bulk'), fc.nat(5)), {
      maxLength: 30,
    });
    const property = fc.asyncProperty(fc.integer({ min: 1, max: 6 }), steps, async (size, claims) => {
      const stage = new Stage(size);
      let count = 0;
      for (const [lane, ends] of claims) {
        stage.claim(lane, [`${lane}${(count += 1)}`]);
        await turn();
        for (let end = 0; end < ends; end += 1) await stage.end(stage.going[end % 2] ?? '');
        expect(stage.going.length).toBeLessThanOrEqual(size);
      }
      for (let ends = 0; ends < count; ends += 1) await stage.end(stage.going[0] ?? '');
      expect(stage.begun).toHaveLength(count);
      expect(stage.going).toEqual([]);
    });
    await fc.assert(property, { numRuns: 60 });
  });
});
