import type { Broker, ManagementApi } from '../../shared/broker/index.ts';
import type { Config } from '../../shared/runtime/config.ts';
import type { Check } from '../../shared/runtime/health.ts';
import type { Logger } from '../../shared/runtime/logger.ts';
import type {
  Audit,
  Books,
  BulkActs,
  Controls,
  ControlsWatch,
  Erasures,
  Notifications,
  Presences,
  Pseudonyms,
  RatesLog,
  Suppressions,
} from '../../shared/store/index.ts';
import type { Acceptor } from './accept/acceptor.ts';
import type { Admission } from './accept/admission.ts';
import type { Reception } from './accept/reception.ts';
import type { AccessTokens } from './access/access-tokens.ts';
import type { AccountTokens } from './access/account-tokens.ts';
import type { ApiKeys } from './access/api-keys.ts';
import type { Gate } from './access/gate.ts';
import type { RequestsDoor } from './amqp/requests-door.ts';
import type { BulkRunner } from './bulk-runner.ts';
import type { Bounces } from './callbacks/bounces.ts';
import type { FeedbackDesk } from './callbacks/feedback-desk.ts';
import type { Draining } from './draining.ts';
import type { LiveUpdates } from './realtime/live-updates.ts';
import type { TaskRoom } from './realtime/task-updates.ts';
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
  /** What this fleet takes of all that is valid. */
  admission: Admission;
  /** Where every notification comes in. */
  reception: Reception;
  /** What other services publish. */
  requests: RequestsDoor;
  /** Who sends a request to the API. */
  gate: Gate;
  keys: ApiKeys;
  accessTokens: AccessTokens;
  accountTokens: AccountTokens;
  /** Who did what to which. */
  audit: Audit;
  erasures: Erasures;
  /** The addresses that nothing is handed over to. */
  suppressions: Suppressions;
  /** Where what providers report comes in. */
  feedback: FeedbackDesk;
  /** Where mail that came back comes in; undefined where mail has no return path of its own. */
  bounces: Bounces | undefined;
  pseudonyms: Pseudonyms;
  bulk: BulkRunner;
  acts: BulkActs;
  signIn: SignIn;
  /** What operators have switched, in the store; and as this process last heard, for what is asked by the thousand. */
  controls: Controls;
  controlsNow: ControlsWatch;
  presences: Presences;
  rates: RatesLog;
  live: LiveUpdates;
  /** Updates of tasks, and whoever listens to them. */
  tasks: TaskRoom;
  draining: Draining;
  /** What this process needs itself. */
  ownChecks: Readonly<Record<string, Check>>;
  /** And what is wrong around it. */
  checks: Readonly<Record<string, Check>>;
}
