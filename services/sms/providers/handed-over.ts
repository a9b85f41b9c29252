/** Notifications remembered at most; the oldest are forgotten first. */
const REMEMBERED = 1_000;

/**
 * How many parts of a notification were handed over, where an attempt ended among them: the next one of this process goes on there, so that
 * nobody gets the first parts twice.
 */
export class HandedOver {
  readonly #parts = new Map<string, number>();

  /** How many parts of it are handed over. */
  of(id: string): number {
    return this.#parts.get(id) ?? 0;
  }

  /** So many parts of it are. */
  note(id: string, parts: number): void {
    this.#parts.set(id, parts);
    const [oldest] = this.#parts.keys();
    if (this.#parts.size > REMEMBERED && oldest !== undefined) this.#parts.delete(oldest);
  }

  /** All of it is. */
  forget(id: string): void {
    this.#parts.delete(id);
  }
}
