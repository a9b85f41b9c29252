import { createServer, type Server, type ServerOptions } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Broker, EventsListener, ManagementApi, policyCheck } from '../../shared/broker/index.ts';
import { ACCEPTING } from '../../shared/contracts/index.ts';
import { ConfigError } from '../../shared/runtime/config.ts';
import { SECOND } from '../../shared/runtime/duration.ts';
import { ReturnPaths } from '../../shared/smtp/return-path.ts';
import { closeServer } from '../../shared/runtime/health.ts';
import type { Service, ServiceContext } from '../../shared/runtime/service.ts';
import {
  Audit,
  Books,
  BulkActs,
  EarlyFeedbacks,
  Erasures,
  Controls,
  ControlsWatch,
  Presences,
  Pseudonyms,
  RatesLog,
  Suppressions,
  announce,
  connectInBackground,
  notificationsOf,
  openStore,
} from '../../shared/store/index.ts';
import { Acceptor } from './accept/acceptor.ts';
import { Admission } from './accept/admission.ts';
import { Reception } from './accept/reception.ts';
import { createAccess } from './access/access.ts';
import { RequestsDoor } from './amqp/requests-door.ts';
import { BulkRunner } from './bulk-runner.ts';
import { TOLERATED, createApp } from './app.ts';
import { answerBadRequest } from './api/bad-request.ts';
import { startBounceListener, type BounceListener } from './callbacks/bounce-listener.ts';
import { Bounces } from './callbacks/bounces.ts';
import { FeedbackDesk } from './callbacks/feedback-desk.ts';
import type { ProducerContext } from './context.ts';
import type { GrpcServer } from './grpc/server.ts';
import { Draining } from './draining.ts';
import { LiveUpdates } from './realtime/live-updates.ts';
import { TaskRoom } from './realtime/task-updates.ts';
import { SignIn } from './sign-in/sign-in.ts';

/**
 * How long an idle connection is kept, in milliseconds: longer than the 60 s after which load balancers drop theirs. Whoever drops first must
 * not be us, or a request that is on its way just then is reset.
 */
const KEEP_ALIVE_MS = 65 * SECOND;
/** How long a client may take for the head of a request, in milliseconds: who drips it byte by byte holds a connection no longer. */
const HEADERS_TIMEOUT_MS = 10 * SECOND;
/** Bytes of all header fields together: Node's own default, said here so that it cannot change behind us. */
const MAX_HEADER_BYTES = 16 * 1024;
/** How long the first requests wait for RabbitMQ; after it they are accepted all the same. Milliseconds. */
const BROKER_WAIT_MS = 3 * SECOND;

/**
 * Starts the producer: accepts over HTTP, stores, publishes, and serves the pages.
 * @throws ConfigError without a key; an error of the system when the port is taken.
 */
export async function startProducer({
  config,
  log,
}: ServiceContext): Promise<
  Service & { port: number; bouncePort: number | undefined; grpcPort: number | undefined }
> {
  const { API_KEY } = config;
  if (API_KEY === undefined)
    throw new ConfigError('API_KEY: is needed by the producer, 16 printable characters or more');
  const store = openStore(config.MONGO_URI, 'producer');
  const connecting = connectInBackground(store, log);
  const broker = new Broker({
    url: config.RABBITMQ_URL,
    service: 'producer',
    delays: config.RETRY_DELAYS,
    log,
  });
  const notifications = notificationsOf(store.db);
  const controls = new Controls(store.db);
  const controlsNow = new ControlsWatch({ controls, log });
  const isOpen = (): boolean => !controlsNow.isOn(ACCEPTING);
  const acceptor = new Acceptor({ notifications, publisher: broker.publisher, isOpen, log });
  const admission = new Admission(config);
  const acts = new BulkActs(store.db);
  const audit = new Audit(store.db, { keepDays: config.AUDIT_RETENTION_DAYS, log });
  const signIn = new SignIn(store, config);
  const settings = { ...config, API_KEY };
  const bulk = new BulkRunner({
    acts,
    audit,
    notifications,
    acceptor,
    retentionDays: config.RETENTION_DAYS,
    log,
  });
  const suppressions = new Suppressions(store.db);
  const feedback = new FeedbackDesk({
    notifications,
    suppressions,
    early: new EarlyFeedbacks(store.db),
    retentionDays: config.RETENTION_DAYS,
    log,
  });
  const paths = ReturnPaths.of(config);
  const bounces = paths && new Bounces({ paths, desk: feedback, log });
  const reception = new Reception({ acceptor, admission });
  const requests = new RequestsDoor({
    broker,
    acceptor,
    reception,
    perSecond: config.AMQP_REQUESTS_PER_SECOND,
    log,
  });
  const live = new LiveUpdates();
  const access = createAccess({ store, config: settings, signIn, audit, log });
  const tasks = new TaskRoom({ store, broker, gate: access.gate, config, log });
  const draining = new Draining();
  const events = new EventsListener({
    connection: broker.consuming,
    log,
    onChanges: (changes) => {
      live.notify(changes);
    },
    onTasksUpdated: () => {
      tasks.wake();
    },
  });
  const managementUrl = config.RABBITMQ_MANAGEMENT_URL;
  const management =
    managementUrl === undefined ? undefined : new ManagementApi(managementUrl, config.RABBITMQ_URL);
  const own = {
    mongodb: () => store.check(),
    rabbitmq: () => broker.check(),
    requests: () => requests.check(),
  };
  const context: ProducerContext = {
    config: settings,
    log,
    broker,
    management,
    notifications,
    books: new Books(store.db),
    acceptor,
    admission,
    reception,
    ...access,
    audit,
    erasures: new Erasures(store.db),
    suppressions,
    feedback,
    bounces,
    pseudonyms: new Pseudonyms(store.db),
    acts,
    controls,
    controlsNow,
    presences: new Presences(store.db),
    rates: new RatesLog(store.db),
    signIn,
    bulk,
    live,
    tasks,
    draining,
    checks: {
      ...own,
      ...(management && { policies: policyCheck(management) }),
    },
  };
  broker.start();
  events.start();
  // Whoever starts in the middle of a drain accepts nothing.
  await Promise.all([broker.ready(BROKER_WAIT_MS), controlsNow.start()]);
  const bounceListener = await listenForBounces(context);
  const server = await listen(context);
  requests.start();
  const grpc = await listenGrpc(context);
  const presence = announce(
    context.presences,
    { service: 'producer', checks: own, tolerated: TOLERATED },
    log,
  );
  const { port } = server.address() as AddressInfo;
  log.info('accepting', { address: `http://${config.HOST}:${port}` });
  return {
    port,
    bouncePort: bounceListener?.port,
    grpcPort: grpc?.port,
    stop: async () => {
      grpc?.announce();
      const requestsStopped = requests.stop();
      await draining.announce(config.DRAIN_NOTICE_SECONDS * SECOND);
      live.stop();
      tasks.stop();
      const gone = presence.stop();
      // Before the requests that wait for one are waited for.
      const bulkStopped = bulk.stop();
      await Promise.all([closeServer(server), bounceListener?.stop(), grpc?.stop()]);
      await bulkStopped;
      await requestsStopped;
      await acceptor.drain();
      await events.stop();
      await broker.stop();
      controlsNow.stop();
      connecting.abort();
      await gone;
      await store.stop();
    },
  };
}

/** What a client may take of us before it has sent a whole request. */
function limitsOf({ REQUEST_TIMEOUT_SECONDS }: ProducerContext['config']): ServerOptions {
  const requestTimeout = REQUEST_TIMEOUT_SECONDS * SECOND;
  return {
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout,
    headersTimeout: Math.min(HEADERS_TIMEOUT_MS, requestTimeout),
    connectionsCheckingInterval: SECOND,
    maxHeaderSize: MAX_HEADER_BYTES,
  };
}

function listenForBounces({ config, bounces, log }: ProducerContext): Promise<BounceListener> | undefined {
  const { HOST: host, BOUNCE_PORT: port } = config;
  return bounces && port !== undefined ? startBounceListener({ host, port }, { bounces, log }) : undefined;
}

function listen(context: ProducerContext): Promise<Server> {
  const { HOST, PORT } = context.config;
  return new Promise((resolve, reject) => {
    const server = createServer(limitsOf(context.config), createApp(context));
    server.on('clientError', answerBadRequest);
    context.tasks.attach(server);
    server.once('error', reject).listen(PORT, HOST, () => {
      resolve(server);
    });
  });
}

/** Loaded only where it is asked for. */
async function listenGrpc(context: ProducerContext): Promise<GrpcServer | undefined> {
  const { GRPC_PORT } = context.config;
  if (GRPC_PORT === undefined) return undefined;
  const { startGrpc } = await import('./grpc/server.ts');
  return startGrpc(context, GRPC_PORT);
}
