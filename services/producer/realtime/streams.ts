import { SECOND } from '../../../shared/runtime/duration.ts';
import type { Logger } from '../../../shared/runtime/logger.ts';
import { Problem } from '../api/problem.ts';
import { toError } from '../../../shared/runtime/errors.ts';

/** Streams of one producer at most: each holds a connection and a few dozen KiB. */
const MAX_STREAMS = 1_000;
/** Of one key, account or service: one that leaks connections does not take those of all others. */
const MAX_STREAMS_OF_ONE = 100;
/** Whoever is refused may come again after so many seconds. */
const AGAIN_AFTER_SECONDS = 5;
/** It is asked so often whether whoever listens still may; milliseconds. What is known of a key is up to two seconds old. */
const LOOK_AGAIN_MS = 2 * SECOND;

/** The ways to listen. */
export const STREAM_KINDS = ['sse', 'socket_io'] as const;
/** One of them. */
export type StreamKind = (typeof STREAM_KINDS)[number];

/** An open stream. */
export interface OpenStream {
  kind: StreamKind;
  /** Who listens. */
  actor: string;
  /** Whether it still may; throws while that cannot be found out. */
  stillMay: () => Promise<boolean>;
  /** Ends it. `revoked`: it has no right any more; else it may come back at once. */
  end: (why: 'revoked' | 'stopping') => void;
}

/** Nobody may open one more before another one has ended. */
export class TooManyStreams extends Problem {
  constructor(detail: string) {
    super('too_many_requests', { detail, headers: { 'retry-after': String(AGAIN_AFTER_SECONDS) } });
  }
}

/** The open streams of a producer: how many there may be, and who may not go on listening. */
export class Streams {
  readonly #open = new Set<OpenStream>();
  readonly #log: Logger;
  readonly #looking = setInterval(() => {
    for (const stream of this.#open) void this.#look(stream);
  }, LOOK_AGAIN_MS);
  #isStopped = false;

  constructor({ log }: { log: Logger }) {
    this.#log = log;
  }

  /** Lets one more be open, until the answer is called; while all end it ends at once. @throws TooManyStreams */
  add(stream: OpenStream): () => void {
    if (this.#isStopped) {
      stream.end('stopping');
      return () => undefined;
    }
    const ofOne = [...this.#open].filter(({ actor }) => actor === stream.actor).length;
    if (ofOne >= MAX_STREAMS_OF_ONE)
      throw new TooManyStreams(`You have ${ofOne} streams open here, which is the most.`);
    if (this.#open.size >= MAX_STREAMS)
      throw new TooManyStreams('This producer has as many streams open as it may.');
    this.#open.add(stream);
    return () => this.#open.delete(stream);
  }

  /** How many are open of a kind. */
  count(kind: StreamKind): number {
    return [...this.#open].filter((stream) => stream.kind === kind).length;
  }

  /** Ends all of them; clients come back, to another producer. */
  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#looking);
    for (const stream of this.#open) stream.end('stopping');
  }

  async #look(stream: OpenStream): Promise<void> {
    try {
      if ((await stream.stillMay()) || !this.#open.has(stream)) return;
      this.#log.info('a stream is ended: whoever listens may not any more', { actor: stream.actor });
      stream.end('revoked');
    } catch (thrown) {
      // Without the store nothing new is told to anybody, either.
      this.#log.debug('it is not known who may listen', { error: toError(thrown) });
    }
  }
}
