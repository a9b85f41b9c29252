import { randomBytes } from 'node:crypto';
import { freePort } from '../local/ports.ts';
import { startSandbox, type Sandbox } from '../local/sandbox/sandbox.ts';
import { Client } from './client.ts';
import type { Cluster } from './cluster/cluster.ts';
import { ChaosFleet } from './fleet/chaos-fleet.ts';
import type { Handover } from './history.ts';
import { Random } from './random.ts';
import { startProxies, stopProxies, type Proxies } from './routes.ts';
import { StoreWitness, watchProviders } from './witnesses.ts';
import { World, type Fault } from './world.ts';

const SMS_ACCOUNT = { TWILIO_ACCOUNT_SID: `AC${'c'.repeat(32)}`, TWILIO_AUTH_TOKEN: 'token' };

/** Everything that one run has of its own. */
export interface Stage {
  run: string;
  vhostUrl: string;
  sandbox: Sandbox;
  proxies: Proxies;
  store: StoreWitness;
  client: Client;
  world: World;
  handovers: Handover[];
}

/** What a stage is made for. */
export interface StageOptions {
  root: string;
  cluster: Cluster;
  fault: Fault;
  seed: number;
  say: (words: string) => void;
}

/** Starts a fleet on a virtual host, a database and a sandbox of its own. @throws when a process does not start. */
export async function prepareStage(options: StageOptions): Promise<Stage> {
  const { root, cluster, fault, seed, say } = options;
  const run = `r${randomBytes(3).toString('hex')}`;
  await cluster.rabbitmq.createVhost(run);
  const sandbox = await startSandbox({
    smtpPort: 0,
    httpPort: 0,
    accountSid: SMS_ACCOUNT.TWILIO_ACCOUNT_SID,
    authToken: SMS_ACCOUNT.TWILIO_AUTH_TOKEN,
  });
  const handovers = watchProviders(sandbox);
  const proxies = await startProxies(fault.routes, { cluster, sandbox });
  const mongoUri = cluster.mongodb.uri(run);
  const fleet = new ChaosFleet({
    root,
    rabbitmqUrl: cluster.rabbitmq.url(run),
    managementUrl: cluster.rabbitmq.managementUrl,
    mongoUri,
    ports: [await freePort(), await freePort()],
    providers: {
      ...SMS_ACCOUNT,
      TWILIO_PHONE_NUMBER: '+15005550006',
      SMTP_URL: `smtp://127.0.0.1:${proxies.smtp?.port ?? sandbox.smtpPort}`,
      TWILIO_API_BASE_URL: `http://127.0.0.1:${proxies.sms?.port ?? sandbox.httpPort}`,
    },
    envOf: (service, number) => ({ ...fault.settings, ...proxies.envOf(service, number, run) }),
    ...(fault.entries && { entries: fault.entries }),
  });
  const client = new Client(fleet.addresses);
  const world = new World({
    fleet,
    sandbox,
    cluster,
    client,
    random: new Random(seed),
    vhost: run,
    proxies,
    say,
  });
  const store = new StoreWitness(mongoUri);
  const vhostUrl = cluster.rabbitmq.url(run);
  if (fault.beforeStart) await fault.beforeStart(world);
  await fleet.start();
  return { run, vhostUrl, sandbox, proxies, store, client, world, handovers };
}

/** Ends and drops all that a stage had. */
export async function clearStage(
  { run, sandbox, proxies, store, client, world }: Stage,
  { cluster }: StageOptions,
): Promise<void> {
  await Promise.all(world.fleet.processes.map((one) => one.kill()));
  client.stop();
  await stopProxies(proxies);
  await sandbox.stop();
  await store.drop();
  // A cluster that was just killed may take longer than anybody waits; what stays is in nobody's way.
  await cluster.rabbitmq.dropVhost(run).catch(() => undefined);
}
