import type { Response } from 'express';
import type { StateChanges } from '../../../shared/contracts/index.ts';
import { HEARTBEAT, HEARTBEAT_MS, beginEventStream } from './event-stream.ts';

/** Server-sent events: tells open pages that their notification changed. The page then fetches what it shows. */
export class LiveUpdates {
  readonly #watchers = new Map<string, Set<Response>>();
  readonly #heartbeat = setInterval(() => {
    this.#beat();
  }, HEARTBEAT_MS);
  #isStopped = false;

  /** Opens a stream for one notification; it ends with its connection. */
  watch(id: string, response: Response): void {
    // A page that left while its notification was looked up has had its `close` already.
    if (response.destroyed) return;
    beginEventStream(response);
    // Whatever happened between the page and this stream is fetched by the first event.
    response.write(changed(id));
    // Who comes in the middle of a stop goes like all others.
    if (this.#isStopped) response.end();
    else this.#keep(id, response);
  }

  /** Tells the pages of these notifications. */
  notify(changes: StateChanges['changes']): void {
    for (const { id } of changes)
      for (const response of this.#watchers.get(id) ?? []) tell(response, changed(id));
  }

  /** How many pages are open. */
  get count(): number {
    return this.#all().length;
  }

  /** Ends every stream; browsers connect again elsewhere. */
  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#heartbeat);
    for (const response of this.#all()) response.end();
  }

  #keep(id: string, response: Response): void {
    const watchers = this.#watchers.get(id) ?? new Set();
    this.#watchers.set(id, watchers.add(response));
    response.once('close', () => {
      watchers.delete(response);
      if (watchers.size === 0) this.#watchers.delete(id);
    });
  }

  #beat(): void {
    for (const response of this.#all()) tell(response, HEARTBEAT);
  }

  #all(): Response[] {
    return [...this.#watchers.values()].flatMap((watchers) => [...watchers]);
  }
}

function changed(id: string): string {
  return `event: changed\ndata: ${id}\n\n`;
}

/** Writes, or cuts who has not taken what was written before: nothing piles up, and a browser that comes back fetches all there is. */
function tell(response: Response, text: string): void {
  if (response.writableNeedDrain) response.destroy();
  else response.write(text);
}
