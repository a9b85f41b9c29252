import type { Notification } from '../contracts/index.ts';
import type { Config } from '../runtime/config.ts';
import type { Outcome } from './outcome.ts';

/** Who carries notifications of one channel out. */
export interface Provider {
  /** As records, pages and settings call it. */
  readonly name: string;
  /** Tries once. `signal` aborts when the time is up or the claim is lost: stop, and say what is known. Throws only on a bug. */
  send(notification: Notification, signal: AbortSignal): Promise<Outcome>;
  /** Closes what it holds. */
  close?(): Promise<void>;
}

/** Makes a provider of the settings; it connects with the first message. @throws ConfigError that names the setting which is missing. */
export type ProviderMaker = (config: Config) => Provider;
