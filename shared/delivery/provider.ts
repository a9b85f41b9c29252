import type { Notification } from '../contracts/index.ts';
import type { Config } from '../runtime/config.ts';
import type { Outcome } from './outcome.ts';

/** Who carries notifications of one channel out. */
export interface Provider {
  /** As records, pages and settings call it. */
  readonly name: string;
  /**
   * Tries once. Throws only on a bug.
   * `signal` aborts when the time is up or the claim is lost: stop, and say what is known.
   * `patience` is given when there is another provider behind this one, and aborts when that one should have the rest of the time: give up,
   * as the provider's own fault, unless the hand-over has begun.
   */
  send(notification: Notification, signal: AbortSignal, patience?: AbortSignal): Promise<Outcome>;
  /** Why it can never take this one; undefined when it can. Whoever takes everything has none. */
  refusalOf?(notification: Notification): ProviderRefusal | undefined;
  /** Closes what it holds. */
  close?(): Promise<void>;
}

/** Why a provider cannot take a notification: a stable code, and words for people. */
export interface ProviderRefusal {
  code: string;
  reason: string;
}

/** Makes a provider of the settings; it connects with the first message. @throws ConfigError that names the setting which is missing. */
export type ProviderMaker = (config: Config) => Provider;
