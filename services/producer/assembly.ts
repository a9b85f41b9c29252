import { Broker, EventsListener, ManagementApi, policyCheck } from '../../shared/broker/index.ts';
import { ACCEPTING } from '../../shared/contracts/index.ts';
import { ConfigError, type Config } from '../../shared/runtime/config.ts';
import type { Logger } from '../../shared/runtime/logger.ts';
import type { ServiceContext } from '../../shared/runtime/service.ts';
import { ReturnPaths } from '../../shared/smtp/return-path.ts';
import {
  Audit,
  Books,
  BulkActs,
  Controls,
  ControlsWatch,
  EarlyFeedbacks,
  Erasures,
  Presences,
  Pseudonyms,
  RatesLog,
  Suppressions,
  emailOf,
  notificationsOf,
  openStore,
  type Store,
} from '../../shared/store/index.ts';
import { Acceptor } from './accept/acceptor.ts';
import { Admission } from './accept/admission.ts';
import { Reception } from './accept/reception.ts';
import { createAccess } from './access/access.ts';
import { RequestsDoor } from './amqp/requests-door.ts';
import { BulkRunner } from './bulk-runner.ts';
import { Bounces } from './callbacks/bounces.ts';
import { FeedbackDesk } from './callbacks/feedback-desk.ts';
import type { ProducerContext } from './context.ts';
import { Draining } from './draining.ts';
import { LiveUpdates } from './realtime/live-updates.ts';
import { TaskRoom } from './realtime/task-updates.ts';
import { SignIn } from './sign-in/sign-in.ts';

/** A producer before it starts. */
export interface Assembly {
  context: ProducerContext;
  store: Store;
  /** Hears what happens elsewhere, for the streams. */
  events: EventsListener;
}

/** Puts a producer together; nothing runs yet. @throws ConfigError without a key. */
export function assemble({ config, log }: ServiceContext): Assembly {
  const { API_KEY } = config;
  if (API_KEY === undefined)
    throw new ConfigError('API_KEY: is needed by the producer, 16 printable characters or more');
  const settings = { ...config, API_KEY };
  const store = openStore(config.MONGO_URI, 'producer');
  const broker = new Broker({
    url: config.RABBITMQ_URL,
    service: 'producer',
    delays: config.RETRY_DELAYS,
    log,
  });
  const accepting = acceptingParts({ config, log, store, broker });
  const operating = operatingParts({ ...accepting, config, log, store });
  const { audit, signIn } = operating;
  const access = createAccess({ store, config: settings, signIn, audit, log });
  const live = new LiveUpdates();
  const tasks = new TaskRoom({ store, broker, gate: access.gate, config, log });
  const context: ProducerContext = {
    config: settings,
    log,
    broker,
    ...accepting,
    ...operating,
    ...access,
    ...feedbackParts({ config, log, store, notifications: accepting.notifications }),
    live,
    tasks,
    draining: new Draining(),
    ...checksOf({ config, store, broker, requests: accepting.requests }),
  };
  return { context, store, events: eventsFor(context) };
}

/** What parts are made of. */
interface Ground {
  config: Config;
  log: Logger;
  store: Store;
}

/** How notifications come in. */
function acceptingParts({ config, log, store, broker }: Ground & { broker: Broker }) {
  const notifications = notificationsOf(store.db, log);
  const controls = new Controls(store.db);
  const controlsNow = new ControlsWatch({ controls, log });
  const isOpen = (): boolean => !controlsNow.isOn(ACCEPTING);
  const acceptor = new Acceptor({ notifications, publisher: broker.publisher, isOpen, log });
  const admission = new Admission(config);
  const reception = new Reception({ acceptor, admission });
  const perSecond = config.AMQP_REQUESTS_PER_SECOND;
  const requests = new RequestsDoor({ broker, acceptor, reception, perSecond, log });
  return { notifications, controls, controlsNow, acceptor, admission, reception, requests };
}

/** What people see and order. */
function operatingParts({
  config,
  log,
  store,
  notifications,
  acceptor,
}: Ground & Pick<ProducerContext, 'notifications' | 'acceptor'>) {
  const acts = new BulkActs(store.db);
  const audit = new Audit(store.db, { keepDays: config.AUDIT_RETENTION_DAYS, log });
  const retentionDays = config.RETENTION_DAYS;
  return {
    acts,
    audit,
    bulk: new BulkRunner({ acts, audit, notifications, acceptor, retentionDays, log }),
    signIn: new SignIn(store, config),
    books: new Books(store.db),
    erasures: new Erasures(store.db),
    pseudonyms: new Pseudonyms(store.db),
    presences: new Presences(store.db),
    rates: new RatesLog(store.db),
  };
}

/** Where providers and mail servers report. */
function feedbackParts({
  config,
  log,
  store,
  notifications,
}: Ground & Pick<ProducerContext, 'notifications'>) {
  const suppressions = new Suppressions(store.db);
  const early = new EarlyFeedbacks(store.db);
  const retentionDays = config.RETENTION_DAYS;
  const feedback = new FeedbackDesk({ notifications, suppressions, early, retentionDays, log });
  const paths = ReturnPaths.of(config);
  const mailedTo = (id: string) => emailOf(notifications, id);
  return { suppressions, feedback, bounces: paths && new Bounces({ paths, desk: feedback, mailedTo, log }) };
}

/** `ownChecks`: what this process needs itself; `checks`: with what is wrong around it. */
function checksOf({
  config,
  store,
  broker,
  requests,
}: Pick<Ground, 'config' | 'store'> & Pick<ProducerContext, 'broker' | 'requests'>) {
  const { RABBITMQ_MANAGEMENT_URL: url, RABBITMQ_URL } = config;
  const management = url === undefined ? undefined : new ManagementApi(url, RABBITMQ_URL);
  const ownChecks = {
    mongodb: () => store.check(),
    rabbitmq: () => broker.check(),
    requests: () => requests.check(),
  };
  return {
    management,
    ownChecks,
    checks: { ...ownChecks, ...(management && { policies: policyCheck(management) }) },
  };
}

function eventsFor({ broker, live, tasks, log }: ProducerContext): EventsListener {
  return new EventsListener({
    connection: broker.consuming,
    log,
    onChanges: (changes) => {
      live.notify(changes);
    },
    onTasksUpdated: () => {
      tasks.wake();
    },
  });
}
