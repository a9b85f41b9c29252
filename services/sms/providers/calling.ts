import http from 'node:http';
import https from 'node:https';
import { whenOpen } from '../../../shared/runtime/when-open.ts';

/** Why we gave up before the connection was there. */
const NOT_OPEN = new Error('no connection came about in time');

/** One request, of which it is known whether its connection came about: before, nothing of it can have arrived. */
export class Calling {
  /** Ends with what was given; until the connection is there, also by the patience and the time to connect. */
  readonly signal: AbortSignal;
  readonly #early = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #isOpen = false;

  constructor(signal: AbortSignal, patience: AbortSignal | undefined, connectMs: number) {
    this.signal = AbortSignal.any([signal, this.#early.signal]);
    this.#timer = setTimeout(this.#giveUp, connectMs);
    patience?.addEventListener('abort', this.#giveUp, { once: true });
    if (patience?.aborted) this.#giveUp();
  }

  /** Whether the other side may have got something of it. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Whether we gave up because the other side took too long to let us in. */
  get wasKeptWaiting(): boolean {
    return this.signal.reason === NOT_OPEN;
  }

  /** Asks as Node's own `request` does, and looks at the connection. */
  request(options: https.RequestOptions, answered: (response: http.IncomingMessage) => void) {
    const { request } = options.protocol === 'https:' ? https : http;
    const asked = request(options, answered);
    asked.once('socket', (socket) => {
      whenOpen(socket, () => {
        this.#isOpen = true;
        clearTimeout(this.#timer);
      });
    });
    return asked;
  }

  /** It is over. */
  end(): void {
    clearTimeout(this.#timer);
  }

  readonly #giveUp = (): void => {
    if (!this.#isOpen) this.#early.abort(NOT_OPEN);
  };
}
