import type { RoutedProvider } from '../contracts/index.ts';

/**
 * In which order the providers of a channel are tried. Those with weights share what comes, in turns as even as the weights allow (as nginx
 * does: the one with most in arrears goes first); behind the first of them come the others, and those without weight in their order.
 */
export class Route {
  readonly #sharing: { name: string; weight: number; arrears: number }[];
  readonly #behind: readonly string[];
  readonly #total: number;

  constructor(entries: readonly RoutedProvider[]) {
    this.#sharing = entries.flatMap(({ name, weight }) =>
      weight === undefined ? [] : [{ name, weight, arrears: 0 }],
    );
    this.#behind = entries.flatMap(({ name, weight }) => (weight === undefined ? [name] : []));
    this.#total = this.#sharing.reduce((sum, { weight }) => sum + weight, 0);
  }

  /** The order for the next notification. */
  next(): readonly string[] {
    if (this.#sharing.length === 0) return this.#behind;
    for (const one of this.#sharing) one.arrears += one.weight;
    const order = [...this.#sharing].sort((a, b) => b.arrears - a.arrears);
    if (order[0]) order[0].arrears -= this.#total;
    return [...order.map(({ name }) => name), ...this.#behind];
  }
}
