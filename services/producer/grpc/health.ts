import { status, type Server, type ServerWritableStream } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { pause } from '../../../shared/runtime/backoff.ts';
import { SECOND } from '../../../shared/runtime/duration.ts';
import { SCHEDULER } from './protos.ts';

/** How long after a look comes the next one, in milliseconds. */
const LOOK_EVERY_MS = SECOND;
/** How long a look may take, in milliseconds; one that takes longer counts as no. */
const LOOK_WITHIN_MS = 3 * SECOND;
/** Watches that are open at once; they need no key, and each takes memory. */
export const MAX_WATCHES = 500;

type Watch = ServerWritableStream<object, object>;

/** The standard health service: for the server as a whole, and for the scheduler, what /readyz says. */
export class Health {
  readonly #service = new HealthImplementation();
  #watches = 0;
  readonly #stopped = new AbortController();

  readonly #isReady: () => Promise<boolean>;

  /** `isReady` never rejects. */
  constructor(isReady: () => Promise<boolean>) {
    this.#isReady = isReady;
    this.#set(false);
  }

  /** Makes a server answer for it. */
  addTo(server: Server): void {
    this.#service.addToServer({
      addService: (definition, methods) => {
        server.addService(definition, {
          ...methods,
          watch: this.#bounded(methods.watch as (call: Watch) => void),
        });
      },
    });
  }

  /** Looks from now on, until it is stopped. */
  start(): void {
    void this.#watch();
  }

  /** Says no from now on. */
  stop(): void {
    this.#stopped.abort();
    this.#set(false);
  }

  #bounded(watch: (call: Watch) => void): (call: Watch) => void {
    return (call) => {
      if (this.#watches >= MAX_WATCHES) {
        call.emit('error', { code: status.RESOURCE_EXHAUSTED, details: 'Too many watch; ask by Check.' });
        return;
      }
      this.#watches += 1;
      call.once('cancelled', () => (this.#watches -= 1));
      watch(call);
    };
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stopped;
    const isOver = (): boolean => signal.aborted;
    while (!isOver()) {
      const late = pause(LOOK_WITHIN_MS, signal).then(() => false);
      const isUp = await Promise.race([this.#isReady(), late]);
      this.#set(isUp && !isOver());
      await pause(LOOK_EVERY_MS, signal);
    }
  }

  #set(isUp: boolean): void {
    for (const name of ['', SCHEDULER]) this.#service.setStatus(name, isUp ? 'SERVING' : 'NOT_SERVING');
  }
}
