/** How long something that was looked up counts as known, in milliseconds: a revoked key works so much longer at most. */
const KNOWN_MS = 2_000;
/** What is remembered at most; beyond it the oldest goes. */
const MAX_KNOWN = 10_000;

/**
 * Looks things up in the store, and remembers them for two seconds: whoever sends a thousand requests a second is not looked up a thousand
 * times. What is not there is not remembered, so that nobody fills the memory with names.
 */
export class Recent<T> {
  readonly #find: (id: string) => Promise<T | undefined>;
  readonly #known = new Map<string, { value: T; until: number }>();
  readonly #underWay = new Map<string, Promise<T | undefined>>();

  constructor(find: (id: string) => Promise<T | undefined>) {
    this.#find = find;
  }

  /**
   * What is there under an id and fits. What is known and does not fit is looked up again: it may have changed since, and whoever comes with
   * the new secret must not wait. @throws what the store throws.
   */
  async get(id: string, fits: (value: T) => boolean): Promise<T | undefined> {
    const known = this.#known.get(id);
    if (known && known.until > performance.now() && fits(known.value)) return known.value;
    const value = await (this.#underWay.get(id) ?? this.#look(id));
    return value !== undefined && fits(value) ? value : undefined;
  }

  #look(id: string): Promise<T | undefined> {
    const look = this.#find(id)
      .then((value) => {
        this.#remember(id, value);
        return value;
      })
      .finally(() => this.#underWay.delete(id));
    this.#underWay.set(id, look);
    return look;
  }

  #remember(id: string, value: T | undefined): void {
    this.#known.delete(id);
    if (value === undefined) return;
    const [oldest] = this.#known.keys();
    if (this.#known.size >= MAX_KNOWN && oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(id, { value, until: performance.now() + KNOWN_MS });
  }
}
