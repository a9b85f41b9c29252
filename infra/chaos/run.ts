import { DEAD_LETTER_QUEUE } from '../../shared/broker/index.ts';
import { SECOND } from '../../shared/runtime/duration.ts';
import { check, type Loss, type Verdict } from './checker.ts';
import type { Client } from './client.ts';
import { LEASE_SECONDS, RETRY_DELAYS_MS } from './fleet/chaos-fleet.ts';
import type { Depths, Wish } from './history.ts';
import { peopleOf } from './items.ts';
import { runLoad } from './load.ts';
import { Random } from './random.ts';
import { clearStage, prepareStage, type Stage, type StageOptions } from './stage.ts';
import { cameTrue, readDepths, readInboxes } from './witnesses.ts';
import type { Fault } from './world.ts';

/** One run. */
export interface RunOptions extends StageOptions {
  /** Notifications handed over. */
  count: number;
  perSecond: number;
  /** How long everything may take to come to rest after fault and load are over, in seconds. */
  patienceSeconds: number;
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

/** Share of requests that a starved machine may answer too late by itself. */
const FEW = 0.02;
/** How far `/stats` may be behind, in milliseconds. */
const STATS_WITHIN_MS = 5 * SECOND;
/** The load goes on for so long before the fault, in seconds. */
const BEFORE_SECONDS = 2;
/** One fault under load: a fleet of its own on a virtual host and a database of its own, then the checker's verdict. */
export async function runFault(options: RunOptions): Promise<RunResult> {
  const startedAt = Date.now();
  const stage = await prepareStage(options);
  try {
    const { wishes, healedAt } = await underLoad(stage, options);
    const verdict = await judge(stage, options, { wishes, healedAt });
    const logs = Object.fromEntries(stage.world.fleet.processes.map((one) => [one.name, one.log]));
    const seconds = (Date.now() - startedAt) / SECOND;
    const { name, mustLose } = options.fault;
    const ok = mustLose ? verdict.lostBy[mustLose] > unavoidable(mustLose, options) : verdict.ok;
    return { fault: name, seed: options.seed, verdict, ok, seconds, logs };
  } finally {
    await clearStage(stage, options);
  }
}

/** What an intact fleet would not have finished either when it is looked at early: the load schedules one in fifty. */
function unavoidable(kind: Loss, { count, patienceSeconds }: RunOptions): number {
  return kind === 'not at rest' && patienceSeconds < LEASE_SECONDS ? count * 0.05 : 0;
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
  const total = await totalOf(client, store);
  const inboxes = await readInboxes(client, peopleOf(run));
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
      ...complaintsAbout(client, wishes, { ...fault, ...world.allowed }),
      ...client.unanswered.slice(0, 3).map((what) => `${what} had no answer within 10 s`),
      ...unclean.map((name) => `${name} did not end cleanly`),
    ],
    healedAt,
    slowestMs: client.slowestMs,
  };
  for (const complaint of fault.alsoCheck?.(history) ?? []) history.complaints.push(complaint);
  return check(history, { deadLetters: (world.allowed.deadLetters ?? fault.deadLetters) === true });
}

/** What clients must not see. */
function complaintsAbout(
  { resets, refused, oddAnswers }: Client,
  wishes: readonly Wish[],
  { mayReset, mayRefuse }: Pick<Fault, 'mayReset' | 'mayRefuse'>,
): string[] {
  const givenUp = wishes.filter((wish) => wish.givenUp).length;
  return [
    ...oddAnswers.slice(0, 3),
    ...(resets > 0 && !mayReset ? [`${resets} requests had their connection reset`] : []),
    ...(refused > wishes.length * FEW && !mayRefuse
      ? [`${refused} requests were answered 503 without need`]
      : []),
    ...(givenUp > 0 ? [`${givenUp} were never accepted`] : []),
  ];
}

function depthsOf(url: string): Promise<Depths> {
  return readDepths(url, RETRY_DELAYS_MS);
}

function isEmpty(depths: Depths, dead: number): boolean {
  return Object.entries(depths).every(([queue, depth]) => depth === (queue === DEAD_LETTER_QUEUE ? dead : 0));
}

/** The sum of states by the fleet's own figures, which may be five seconds behind. */
async function totalOf(client: Client, store: Stage['store']): Promise<number> {
  let total = -1;
  const agrees = async (): Promise<boolean> => {
    const reply = await client.get('/stats');
    if (reply.status !== 200) return false;
    const { by_status } = (reply as { json: { by_status: Record<string, number> } }).json;
    total = Object.values(by_status).reduce((sum, count) => sum + count, 0);
    return total === (await store.count());
  };
  await cameTrue(agrees, STATS_WITHIN_MS);
  return total;
}
