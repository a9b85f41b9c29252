import type { Request, Response } from 'express';
import type { StateChanges } from '../../../shared/contracts/index.ts';
import { HEARTBEAT, HEARTBEAT_MS, beginEventStream } from './event-stream.ts';

/** Server-sent events: tells open pages that their notification changed. The page then fetches what it shows. */
export class LiveUpdates {
  readonly #watchers = new Map<string, Set<Response>>();
  readonly #heartbeat = setInterval(() => {
    this.#beat();
  }, HEARTBEAT_MS);

  /** Opens a stream for one notification; it ends with the request. */
  watch(id: string, request: Request, response: Response): void {
    beginEventStream(response);
    // Whatever happened between the page and this stream is fetched by the first event.
    response.write(`event: changed\ndata: ${id}\n\n`);
    const watchers = this.#watchers.get(id) ?? new Set();
    this.#watchers.set(id, watchers.add(response));
    request.once('close', () => {
      watchers.delete(response);
      if (watchers.size === 0) this.#watchers.delete(id);
    });
  }

  /** Tells the pages of these notifications. */
  notify(changes: StateChanges['changes']): void {
    for (const { id } of changes)
      for (const response of this.#watchers.get(id) ?? []) response.write(`event: changed\ndata: ${id}\n\n`);
  }

  /** How many pages are open. */
  get count(): number {
    return this.#all().length;
  }

  /** Ends every stream; browsers connect again elsewhere. */
  stop(): void {
    clearInterval(this.#heartbeat);
    for (const response of this.#all()) response.end();
  }

  #beat(): void {
    for (const response of this.#all()) response.write(HEARTBEAT);
  }

  #all(): Response[] {
    return [...this.#watchers.values()].flatMap((watchers) => [...watchers]);
  }
}
