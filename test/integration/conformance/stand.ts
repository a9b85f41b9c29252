import type { TcpProxy } from '../../../infra/chaos/tcp-proxy.ts';
import type { Notification } from '../../../shared/contracts/index.ts';
import type { Provider } from '../../../shared/delivery/index.ts';

/** How the other side refuses: this recipient for good, this one for now, all of us for a time, or because it is itself in trouble. */
export type Refusal = 'permanent' | 'transient' | 'rate-limited' | 'own fault';

/** What a provider says that it can do. The suite asks for no less, and where two answers are right, for the one that it declares. */
export interface Capabilities {
  /** Its refusal of too much is told from others, and says how long to wait. */
  rateLimits: boolean;
  /** While nothing was answered it knows whether the hand-over had begun: silence before is then transient, and not ambiguous. */
  knowsHandOver: boolean;
  /** It gives up early, before the hand-over, when another provider waits behind it. */
  heedsPatience: boolean;
  /** Two attempts at one notification bear the same id at the other side. */
  stableId: boolean;
}

/** A provider, and its other side with a bad network in between, both on this machine. */
export interface Stand {
  provider: Provider;
  /** Between the two. */
  network: TcpProxy;
  /** One that the other side takes. */
  notification: () => Notification;
  /** Ids of what the other side has taken. */
  taken: () => string[];
  /** Refuses whatever comes. */
  refuse: (how: Refusal) => void;
  /** Runs once something was taken, before its sender is told. */
  beforeAnswer: (act: () => void) => void;
  /** Ends the other side and the network. */
  stop: () => Promise<void>;
}

/** What a provider brings to the suite. */
export interface Candidate {
  capabilities: Capabilities;
  /** What a confused server or a box in between might answer. */
  garbage: readonly string[];
  start: () => Promise<Stand>;
}
