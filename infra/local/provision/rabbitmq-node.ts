import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MAX_BODY_BYTES } from '../../../shared/contracts/index.ts';
import type { ProcessSpec } from '../supervisor/managed-process.ts';
import { endLeftover } from '../leftovers.ts';
import { isFree, type Ports } from '../ports.ts';
import { keptSecret } from '../secrets.ts';
import { rabbitAnswers } from './answers.ts';
import { leashed, pidFileOf, waitUntil } from './server.ts';

/** A private node of ours: how to run it, and how to reach it. */
export interface RabbitmqNode {
  processes: ProcessSpec[];
  url: string;
  managementUrl: string;
  /** Its Erlang name, and the environment in which its tools find it. */
  name: string;
  env: NodeJS.ProcessEnv;
  /** Resolves when it answers. @throws ProvisionError when it does not. */
  ready: () => Promise<void>;
}

/** A first boot on this kind of machine takes about 6 s; a busy one may take several times that. Milliseconds. */
const READY_WITHIN_MS = 90_000;
/** It takes about 6 s to close its queues and stop cleanly; less, and the next start has to repair. Milliseconds. */
const GRACE_MS = 8_500;
const USER = 'tidings';
/** Bytes of a message at most: nothing of ours is larger than a request, which with its properties is below this. */
const MAX_MESSAGE_BYTES = 2 * MAX_BODY_BYTES;

/** What to run, and where its data is. */
export interface NodeProgram {
  /** Names its processes, ports and folder. */
  name: string;
  server: readonly [string, ...string[]];
  epmd: readonly [string, ...string[]];
  /** For a program that sees another file system: its data folder, as we see it and as it does. */
  folder?: { real: string; seen: string };
  /** More lines of its configuration. */
  settings?: readonly string[];
  /** Settings that only Erlang terms can say. */
  advanced?: string;
  /** What it shares with the other nodes of a cluster; alone, it makes its own. */
  shared?: { password: string; cookie: string; epmdPort: number };
}

/** Prepares a private node with a name, ports, cookie and data of its own, so that it meets no other one on this machine. */
export async function prepareRabbitmqNode(
  program: NodeProgram,
  { root, dataDir, ports }: { root: string; dataDir: string; ports: Ports },
): Promise<RabbitmqNode> {
  const real = program.folder?.real ?? join(dataDir, program.name);
  mkdirSync(real, { recursive: true });
  const seen = program.folder?.seen ?? plainPath(real);
  const booted = join(real, 'booted');
  const { shared } = program;
  const password = keptSecret(
    join(real, 'password'),
    () => shared?.password ?? randomBytes(18).toString('base64url'),
  );
  const epmd = `${program.name}-epmd`;
  // Before their ports are looked at, or they would have to move.
  await Promise.all([epmd, program.name].map((name) => endLeftover(pidFileOf(name, dataDir), dataDir)));
  const taken = {
    amqp: await ports.take(program.name),
    management: await ports.take(`${program.name}_management`),
    distribution: await ports.take(`${program.name}_distribution`),
    epmd: shared?.epmdPort ?? (await ports.take(`${program.name}_epmd`)),
  };
  writeConfiguration(real, taken, password, program);
  const name = nodeName(real);
  const env = environmentOf(seen, name, taken);
  const leash = (
    name: string,
    [command, ...args]: readonly [string, ...string[]],
    graceMs: number,
    prepare?: () => Promise<void>,
  ): ProcessSpec =>
    leashed({ name, command, args, env, graceMs, ...(prepare && { prepare }) }, root, dataDir);
  const url = `amqp://${USER}:${password}@127.0.0.1:${taken.amqp}`;
  return {
    processes: [
      // Erlang's own epmd would become a daemon and stay behind; this one is on the leash.
      ...(shared ? [] : [leash(epmd, [...program.epmd, '-port', String(taken.epmd)], 500)]),
      leash(program.name, program.server, GRACE_MS, () => prepareBoot(real, booted, taken.epmd)),
    ],
    url,
    managementUrl: `http://${USER}:${password}@127.0.0.1:${taken.management}`,
    name,
    env,
    ready: async () => {
      const advice = `RabbitMQ did not answer within ${READY_WITHIN_MS / 1000} s. Its log is in ${join(real, 'log')}.`;
      await waitUntil(() => rabbitAnswers(url), READY_WITHIN_MS, advice);
      writeFileSync(booted, '');
    },
  };
}

async function prepareBoot(folder: string, booted: string, epmdPort: number): Promise<void> {
  // A node that was killed during its first boot has half a database that never starts, and nothing in it yet.
  if (!existsSync(booted)) {
    rmSync(join(folder, 'mnesia'), { recursive: true, force: true });
    mkdirSync(join(folder, 'mnesia'));
  }
  // A node that finds no epmd starts one of its own, off the leash.
  await waitUntil(async () => !(await isFree(epmdPort)), 10_000, `epmd does not listen on port ${epmdPort}.`);
}

/** Erlang's start scripts do not stand every path: a folder with blanks or letters outside ASCII is reached through a plain link. */
function plainPath(folder: string): string {
  if (/^[\w./-]+$/.test(folder)) return folder;
  const link = join(tmpdir(), `tidings-${shortHash(folder)}`);
  rmSync(link, { force: true });
  symlinkSync(folder, link);
  return link;
}

/** The Erlang name of the node whose data is in a folder. */
export function nodeName(folder: string): string {
  return `tidings-${shortHash(folder)}@127.0.0.1`;
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 10);
}

interface NodePorts {
  amqp: number;
  management: number;
  distribution: number;
  epmd: number;
}

function writeConfiguration(
  folder: string,
  ports: NodePorts,
  password: string,
  { settings = [], advanced = '[].', shared }: NodeProgram,
): void {
  for (const name of ['home', 'log', 'schema', 'mnesia']) mkdirSync(join(folder, name), { recursive: true });
  const newCookie = (): string => shared?.cookie ?? randomBytes(16).toString('hex');
  keptSecret(join(folder, 'home/.erlang.cookie'), newCookie, 0o400);
  writeFileSync(join(folder, 'env.conf'), '');
  writeFileSync(join(folder, 'advanced.config'), `${advanced}\n`);
  writeFileSync(join(folder, 'enabled_plugins'), '[rabbitmq_management].\n');
  const lines = [
    `listeners.tcp.1 = 127.0.0.1:${ports.amqp}`,
    'management.tcp.ip = 127.0.0.1',
    `management.tcp.port = ${ports.management}`,
    `default_user = ${USER}`,
    `default_pass = ${password}`,
    'disk_free_limit.absolute = 200MB',
    `max_message_size = ${MAX_MESSAGE_BYTES}`,
    'log.console = false',
    'log.file.level = info',
    ...settings,
  ];
  writeFileSync(join(folder, 'rabbitmq.conf'), `${lines.join('\n')}\n`, { mode: 0o600 });
}

function environmentOf(folder: string, name: string, ports: NodePorts): NodeJS.ProcessEnv {
  return {
    HOME: join(folder, 'home'),
    RABBITMQ_NODENAME: name,
    // A long name with an address needs no host name to resolve.
    RABBITMQ_USE_LONGNAME: 'true',
    RABBITMQ_CONF_ENV_FILE: join(folder, 'env.conf'),
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(folder, 'advanced.config'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
    RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_SCHEMA_DIR: join(folder, 'schema'),
    // Erlang's own choice is the current folder: the clone.
    ERL_CRASH_DUMP: join(folder, 'log/erl_crash.dump'),
    RABBITMQ_PID_FILE: join(folder, 'node.pid'),
    RABBITMQ_DIST_PORT: String(ports.distribution),
    ERL_EPMD_PORT: String(ports.epmd),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
  };
}
