import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { connect, type ChannelModel } from 'amqplib';
import { RabbitmqClusterNode } from '../../infra/chaos/cluster/rabbitmq-cluster.ts';
import { Server } from '../../infra/chaos/cluster/server.ts';
import type { Ports } from '../../infra/local/ports.ts';
import { prepareRabbitmqNode } from '../../infra/local/provision/rabbitmq-node.ts';
import { ProvisionError } from '../../infra/local/provision/run.ts';
import { waitUntil } from '../../infra/local/provision/server.ts';
import { findRabbitmq } from '../../infra/local/provision/servers.ts';
import { BROKER_USERS } from '../../shared/broker/index.ts';
import type { Certificates } from './certificates.ts';
import { SECURED_SERVERS, documentedBlock, replaced } from './documented.ts';
import { runProgram } from './program.ts';

const NAME = 'secured-rabbitmq';
const READY_WITHIN_MS = 90_000;

/** A node that speaks TLS only, set up as docs/secured-servers.md says. */
export interface SecuredRabbitmq {
  /** Its address for a user; without one, for the administrator. */
  url: (user?: string) => string;
  managementUrl: (user: string) => string;
  /** Where it would listen without TLS. */
  plainUrl: string;
  /** Connects as a user, and trusts its authority. */
  connect: (user?: string) => Promise<ChannelModel>;
  /** Runs documented commands of `rabbitmqctl`, for which a person types `input`. @throws when one fails. */
  shell: (script: string, input: string) => Promise<void>;
  /** What it has logged. */
  log: () => string;
  stop: () => Promise<void>;
}

/** Starts it with the users of definitions.json, each with a password. @throws ProvisionError where there is no RabbitMQ to run. */
export async function startSecuredRabbitmq(
  place: { root: string; dataDir: string; ports: Ports },
  certificates: Certificates,
): Promise<SecuredRabbitmq> {
  const program = findRabbitmq();
  if (program === undefined)
    throw new ProvisionError('This needs rabbitmq-server: run npm start once, which installs it.');
  const [tlsPort, httpsPort] = [await place.ports.take('amqps'), await place.ports.take('https')];
  const settings = tlsSettings(certificates, tlsPort, httpsPort);
  const node = await prepareRabbitmqNode({ name: NAME, server: [program], epmd: ['epmd'], settings }, place);
  const admin = new URL(node.url);
  const passwords = new Map([[admin.username, admin.password]]);
  const address = (protocol: string, port: number, user: string): string =>
    `${protocol}://${user}:${passwords.get(user) ?? ''}@127.0.0.1:${port}`;
  const url = (user = admin.username): string => address('amqps', tlsPort, user);
  const ca = readFileSync(certificates.authority);
  const connectAs = (user?: string): Promise<ChannelModel> => connect(url(user), { ca, timeout: 5_000 });
  const [epmdSpec, ...processes] = node.processes;
  if (!epmdSpec) throw new Error('a node without epmd');
  const { dataDir } = place;
  const epmd = new Server({ spec: epmdSpec, dataDir, ready: () => Promise.resolve() });
  const ready = (): Promise<void> =>
    waitUntil(() => answers(connectAs), READY_WITHIN_MS, 'RabbitMQ does not answer over TLS.');
  const ctl = join(dirname(program), 'rabbitmqctl');
  const server = new RabbitmqClusterNode({ ...node, processes, ready }, { dataDir, ctl });
  await epmd.start();
  await server.start();
  await server.ctl('import_definitions', 'infra/rabbitmq/definitions.json');
  await Promise.all(
    BROKER_USERS.map(({ name }) => {
      passwords.set(name, randomBytes(12).toString('hex'));
      return typePassword({ ctl, env: node.env }, name, passwords.get(name) ?? '');
    }),
  );
  const logFile = join(dataDir, NAME, 'log', `${node.name}.log`);
  return {
    url,
    managementUrl: (user) => address('https', httpsPort, user),
    plainUrl: node.url,
    connect: connectAs,
    shell: (script, input) => shell({ ctl, env: node.env }, script, input),
    log: () => (existsSync(logFile) ? readFileSync(logFile, 'utf8') : ''),
    stop: async () => {
      await server.stop();
      await epmd.stop();
    },
  };
}

/** What the page says, on ports and with files of the test. The one listener without TLS that a node of ours has otherwise is taken away. */
function tlsSettings({ authority, certificate, key }: Certificates, amqps: number, https: number): string[] {
  return replaced(documentedBlock(SECURED_SERVERS, 'listeners.ssl'), {
    'listeners.ssl.default = 5671': `listeners.ssl.1 = 127.0.0.1:${amqps}`,
    'management.ssl.port = 15671': `management.ssl.ip = 127.0.0.1\nmanagement.ssl.port = ${https}`,
    '/etc/rabbitmq/authority.pem': authority,
    '/etc/rabbitmq/server.pem': certificate,
    '/etc/rabbitmq/server.key': key,
  }).split('\n');
}

/** Sets a password as a person does, who is asked for it. */
async function typePassword(
  { ctl, env }: { ctl: string; env: NodeJS.ProcessEnv },
  name: string,
  password: string,
): Promise<void> {
  const args = ['-q', 'change_password', name];
  const { code, stderr } = await runProgram(ctl, args, { env, input: `${password}\n`, timeoutMs: 60_000 });
  if (code !== 0) throw new Error(`rabbitmqctl change_password ${name} failed: ${stderr}`);
}

async function shell(
  { ctl, env }: { ctl: string; env: NodeJS.ProcessEnv },
  script: string,
  input: string,
): Promise<void> {
  const own = { env: { ...env, CTL: ctl }, input, timeoutMs: 60_000 };
  const { code, stderr } = await runProgram('sh', ['-ec', `rabbitmqctl() { "$CTL" "$@"; }\n${script}`], own);
  if (code !== 0) throw new Error(`${script} failed: ${stderr}`);
}

async function answers(open: () => Promise<ChannelModel>): Promise<boolean> {
  return open().then(
    async (model) => {
      await model.close();
      return true;
    },
    () => false,
  );
}
