import type { Broker, ManagementApi } from '../../shared/broker/index.ts';
import type { Config } from '../../shared/runtime/config.ts';
import type { Check } from '../../shared/runtime/health.ts';
import type { Logger } from '../../shared/runtime/logger.ts';
import type {
  Books,
  BulkActs,
  Controls,
  ControlsWatch,
  Notifications,
  Presences,
  RatesLog,
} from '../../shared/store/index.ts';
import type { Acceptor } from './accept/acceptor.ts';
import type { BulkRunner } from './bulk-runner.ts';
import type { Draining } from './draining.ts';
import type { LiveUpdates } from './realtime/live-updates.ts';
import type { SignIn } from './sign-in/sign-in.ts';

/** What every resource and page of the producer works with. */
export interface ProducerContext {
  config: Config & { API_KEY: string };
  log: Logger;
  broker: Broker;
  /** Undefined where no management address is configured. */
  management: ManagementApi | undefined;
  notifications: Notifications;
  books: Books;
  acceptor: Acceptor;
  bulk: BulkRunner;
  acts: BulkActs;
  signIn: SignIn;
  /** What operators have switched, in the store; and as this process last heard, for what is asked by the thousand. */
  controls: Controls;
  controlsNow: ControlsWatch;
  presences: Presences;
  rates: RatesLog;
  live: LiveUpdates;
  draining: Draining;
  checks: Readonly<Record<string, Check>>;
}
