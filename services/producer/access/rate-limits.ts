import { pause } from '../../../shared/runtime/backoff.ts';
import { SECOND } from '../../../shared/runtime/duration.ts';
import { Problem } from '../api/problem.ts';
import { TokenBuckets } from './token-buckets.ts';

/** Each in words, for who is refused. */
const WORDS: Record<Limited, string> = {
  key: 'This key may send',
  address: 'Without a key, one address may send',
  credentials: 'With wrong credentials, one address may send',
};

/**
 * How long a refusal is held back, in milliseconds. Who repeats at once would keep a core busy with refusals, and everybody else waiting; who is
 * held back comes as often as is allowed. At random, so that those who were refused together do not come back together.
 */
const HOLD_BACK_MS = { least: SECOND / 2, most: 1.5 * SECOND };
/** Refusals that are held back at most. */
const MAX_HELD_BACK = 1_000;

/**
 * Who is about to reach its limit is let in so often only, in milliseconds, with all that came meanwhile: written, published and delivered
 * together they cost a fraction of what they cost one by one, and it is others who would wait for it.
 */
const TOGETHER_EVERY_MS = 100;
/** The share of its limit that a key has left by then. */
const ABOUT_TO_REACH = 0.1;

/** Where it is said what is left of a limit; the answer to a request of HTTP is one. */
export interface AnswerHead {
  setHeader: (name: string, value: string) => unknown;
}

/** What is limited: a key (or account, service, person), an address, or wrong credentials that come from one. */
export type Limited = 'key' | 'address' | 'credentials';

/**
 * How many requests a second, counted by each producer for itself: counting in the store would cost every request a write. So behind N
 * producers N times as much passes.
 */
export class RateLimits {
  readonly #buckets = new Map<string, TokenBuckets>();
  readonly #defaults: Record<Limited, number>;
  readonly #bytesPerSecond: number;
  #heldBack = 0;

  /** Requests per second, and bytes per second of a key; 0 is no limit. */
  constructor({ bytes, ...defaults }: Record<Limited | 'bytes', number>) {
    this.#defaults = defaults;
    this.#bytesPerSecond = bytes;
  }

  /** Counts a request, and says on its answer what is left (RateLimit header fields of the IETF's draft 8). @throws Problem over the limit. */
  async count(
    kind: Limited,
    who: string,
    response: AnswerHead,
    perSecond = this.#defaults[kind],
  ): Promise<void> {
    if (perSecond === 0) return;
    const { isOver, left, fullInMs } = this.#bucketsOf(kind, perSecond).take(who);
    const seconds = Math.max(1, Math.ceil(fullInMs / SECOND));
    response.setHeader('ratelimit-policy', `"${kind}";q=${perSecond};w=1`);
    response.setHeader('ratelimit', `"${kind}";r=${left};t=${seconds}`);
    if (!isOver) {
      if (kind === 'key' && left < ABOUT_TO_REACH * perSecond) await nextTogether();
      return;
    }
    await this.#holdBack(response);
    throw new Problem('too_many_requests', {
      detail: `${WORDS[kind]} ${perSecond} requests a second. A batch holds up to 1 000 notifications.`,
      headers: { 'retry-after': String(seconds) },
    });
  }

  /**
   * Counts the bytes of a body against what a key may send in a second. A body that is larger than that is let in where nothing is owed.
   * @throws Problem while more was sent than is allowed.
   */
  async countBytes(
    who: string,
    bytes: number,
    response: AnswerHead,
    perSecond = this.#bytesPerSecond,
  ): Promise<void> {
    if (perSecond === 0 || bytes === 0) return;
    const { isOver, fullInMs } = this.#bucketsOf('bytes', perSecond).spend(who, bytes);
    if (!isOver) return;
    await this.#holdBack(response);
    throw new Problem('too_many_requests', {
      detail: `This key may send ${perSecond} bytes a second; this body has ${bytes}.`,
      headers: { 'retry-after': String(Math.max(1, Math.ceil(fullInMs / SECOND) - 1)) },
    });
  }

  /** Too many at once are refused at once, and must connect anew: waiting ones cost memory. */
  async #holdBack(response: AnswerHead): Promise<void> {
    if (this.#heldBack >= MAX_HELD_BACK) {
      response.setHeader('connection', 'close');
      return;
    }
    this.#heldBack += 1;
    await pause(HOLD_BACK_MS.least + Math.random() * (HOLD_BACK_MS.most - HOLD_BACK_MS.least));
    this.#heldBack -= 1;
  }

  #bucketsOf(kind: Limited | 'bytes', perSecond: number): TokenBuckets {
    const name = `${kind}:${perSecond}`;
    const buckets = this.#buckets.get(name) ?? new TokenBuckets(perSecond);
    this.#buckets.set(name, buckets);
    return buckets;
  }
}

function nextTogether(): Promise<void> {
  return pause(TOGETHER_EVERY_MS - (performance.now() % TOGETHER_EVERY_MS));
}
