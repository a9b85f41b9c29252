import { randomBytes } from 'node:crypto';
import { DEAD_LETTER_QUEUE } from '../../shared/broker/index.ts';
import { SECOND } from '../../shared/runtime/duration.ts';
import { freePort } from '../local/ports.ts';
import { startSandbox, type Sandbox } from '../local/sandbox/sandbox.ts';
import { check, type Verdict } from './checker.ts';
import { Client } from './client.ts';
import type { Cluster } from './cluster/cluster.ts';
import { ChaosFleet, RETRY_DELAYS_MS } from './fleet/chaos-fleet.ts';
import type { Depths, Handover, Wish } from './history.ts';
import { runLoad } from './load.ts';
import { Random } from './random.ts';
import { startProxies, stopProxies, type Proxies } from './routes.ts';
import { StoreWitness, cameTrue, peopleOf, readDepths, readInboxes, watchProviders } from './witnesses.ts';
import { World, type Fault } from './world.ts';

/** One run. */
export interface RunOptions {
  root: string;
  cluster: Cluster;
  fault: Fault;
  seed: number;
  /** Notifications handed over. */
  count: number;
  perSecond: number;
  /** How long everything may take to come to rest after fault and load are over, in seconds. */
  patienceSeconds: number;
  say: (words: string) => void;
}

/** What a run came to. */
export interface RunResult {
  fault: string;
  seed: number;
  verdict: Verdict;
  /** Whether the verdict is what it must be. */
  ok: boolean;
  seconds: number;
  /** What each process had logged at last, for whoever looks into a failure. */
  logs: Readonly<Record<string, string>>;
}

/** An answer within 3 s is promised, whatever is down; the machine under a run is busy. Milliseconds. */
const SLOWEST_MS = 5 * SECOND;
/** The load goes on for so long before the fault, in seconds. */
const BEFORE_SECONDS = 2;
const SMS_ACCOUNT = { TWILIO_ACCOUNT_SID: `AC${'c'.repeat(32)}`, TWILIO_AUTH_TOKEN: 'token' };

/** Everything that one run has of its own. */
interface Stage {
  run: string;
  vhostUrl: string;
  sandbox: Sandbox;
  proxies: Proxies;
  store: StoreWitness;
  client: Client;
  world: World;
  handovers: Handover[];
}

/** One fault under load: a fleet of its own on a virtual host and a database of its own, then the checker's verdict. */
export async function runFault(options: RunOptions): Promise<RunResult> {
  const startedAt = Date.now();
  const stage = await prepare(options);
  try {
    const { wishes, healedAt } = await underLoad(stage, options);
    const verdict = await judge(stage, options, { wishes, healedAt });
    const logs = Object.fromEntries(stage.world.fleet.processes.map((one) => [one.name, one.log]));
    const seconds = (Date.now() - startedAt) / SECOND;
    const { name, mustFail } = options.fault;
    const ok = mustFail ? verdict.lost.length > 0 : verdict.ok;
    return { fault: name, seed: options.seed, verdict, ok, seconds, logs };
  } finally {
    await cleanUp(stage, options);
  }
}

async function prepare(options: RunOptions): Promise<Stage> {
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

/** The load goes on while the fault comes and goes. */
async function underLoad(
  { run, client, world }: Stage,
  { fault, seed, count, perSecond }: RunOptions,
): Promise<{ wishes: Wish[]; healedAt: number }> {
  const load = runLoad({ client, random: new Random(seed + 1), run, count, perSecond });
  world.loaded = load.then(() => undefined);
  await world.seconds(BEFORE_SECONDS);
  await fault.inject(world);
  const healedAt = Date.now();
  return { wishes: await load, healedAt };
}

async function judge(
  { run, vhostUrl, store, client, world, handovers }: Stage,
  { fault, patienceSeconds }: RunOptions,
  { wishes, healedAt }: { wishes: Wish[]; healedAt: number },
): Promise<Verdict> {
  const atRest = async (): Promise<boolean> =>
    (await store.moving()) === 0 && isEmpty(await depthsOf(vhostUrl), await store.dead());
  await cameTrue(atRest, patienceSeconds * SECOND);
  const total = await totalOf(client);
  const inboxes = await readInboxes(client, peopleOf(run, wishes));
  const unclean = await world.fleet.stop();
  const history = {
    wishes,
    handovers: [...handovers, ...inboxes],
    records: await store.records(),
    total,
    depths: await depthsOf(vhostUrl),
    bound: world.bound,
    complaints: [
      ...world.complaints,
      ...(client.resets > 0 && !fault.mayReset
        ? [`${client.resets} requests had their connection reset`]
        : []),
      ...(client.slowestMs > SLOWEST_MS ? [`an answer took ${client.slowestMs} ms`] : []),
      ...unclean.map((name) => `${name} did not end cleanly`),
    ],
    healedAt,
  };
  for (const complaint of fault.alsoCheck?.(history) ?? []) history.complaints.push(complaint);
  return check(history, { ...(fault.deadLetters && { deadLetters: true }) });
}

function depthsOf(url: string): Promise<Depths> {
  return readDepths(url, RETRY_DELAYS_MS);
}

function isEmpty(depths: Depths, dead: number): boolean {
  return Object.entries(depths).every(([queue, depth]) => depth === (queue === DEAD_LETTER_QUEUE ? dead : 0));
}

/** The sum of states by the fleet's own figures. */
async function totalOf(client: Client): Promise<number> {
  const reply = await client.get('/stats');
  if (reply.status !== 200) return -1;
  const { by_status } = (reply as { json: { by_status: Record<string, number> } }).json;
  return Object.values(by_status).reduce((sum, count) => sum + count, 0);
}

async function cleanUp(
  { run, sandbox, proxies, store, client, world }: Stage,
  { cluster }: RunOptions,
): Promise<void> {
  await Promise.all(world.fleet.processes.map((one) => one.kill()));
  client.stop();
  await stopProxies(proxies);
  await sandbox.stop();
  await store.drop();
  await cluster.rabbitmq.dropVhost(run);
}
