import { LANES, type Lane } from '../../shared/contracts/index.ts';

/** What a step of a source came to: there may be more, there is nothing left for now, or going on is in vain until the next pass. */
export type Step = { done: number; next: 'more' | 'empty' | 'stuck' };

/** Work of one queue, done in bounded steps. */
export interface Source {
  lane: Lane;
  step: () => Promise<Step>;
}

/**
 * Gives the sources a step each in turn, until none has more or the time is over; answers how many things were done. Bulk sources get a
 * turn only when no transactional one has more, and the transactional ones are asked again after each. A source that is stuck, or that
 * throws, gets no further turn, and holds up no other.
 * @throws the first error of a source, once all the others had their turns.
 */
export async function takeTurns(sources: readonly Source[], withinMs: number): Promise<number> {
  const turns = new Turns(sources, performance.now() + withinMs);
  while (await turns.round());
  if (turns.troubles.length > 0) throw turns.troubles[0];
  return turns.done;
}

class Turns {
  done = 0;
  readonly troubles: unknown[] = [];
  readonly #out = new Set<Source>();
  readonly #sources: readonly Source[];
  readonly #endBy: number;

  constructor(sources: readonly Source[], endBy: number) {
    this.#sources = sources;
    this.#endBy = endBy;
  }

  /** A step of each source of the first lane that has more; answers whether another round is worth it. */
  async round(): Promise<boolean> {
    for (const lane of LANES) {
      let hasMore = false;
      for (const source of this.#sources.filter((one) => one.lane === lane && !this.#out.has(one))) {
        if (performance.now() > this.#endBy) return false;
        hasMore = (await this.#step(source)) || hasMore;
      }
      if (hasMore) return true;
    }
    return false;
  }

  async #step(source: Source): Promise<boolean> {
    try {
      const { done, next } = await source.step();
      this.done += done;
      if (next === 'stuck') this.#out.add(source);
      return next === 'more';
    } catch (thrown) {
      this.troubles.push(thrown);
      this.#out.add(source);
      return false;
    }
  }
}
