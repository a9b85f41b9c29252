/**
 * `npm run chaos`: faults under load against a fleet of two of each service, three RabbitMQ nodes and three MongoDB members, all on this
 * machine. Ends with code 1 when a promise was broken.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MINUTE } from '../../shared/runtime/duration.ts';
import { toError } from '../../shared/runtime/errors.ts';
import { takeLock } from '../local/lock.ts';
import { startCluster } from './cluster/cluster.ts';
import { BROKEN_FLEETS } from './faults/broken.ts';
import { FAULTS, MIXED } from './faults/index.ts';
import { runFault, type RunResult } from './run.ts';
import { complaintsOf, verdictTable } from './table.ts';
import type { Fault } from './world.ts';

const EVERY_FAULT = [...FAULTS, MIXED, ...BROKEN_FLEETS];
const USAGE = `npm run chaos -- [--fault name[,name…]|all|mixed] [--seed n] [--runs n] [--minutes n] [--count n] [--rate n]
  --fault    what is done to the fleet; all is the default
  --seed     where randomness begins; the next run takes the next number. Printed, so that a run can be repeated
  --runs     how often each fault is run (1)
  --minutes  starts no run later than this (no limit)
  --count    notifications of each run (20000)
  --rate     notifications a second at most (600)
Faults:
${EVERY_FAULT.map(({ name, what }) => `  ${name.padEnd(32)} ${what}`).join('\n')}`;

const PATIENCE_SECONDS = 180;
const root = process.cwd();
const dataDir = join(root, '.data/chaos');
const verdicts = join(root, '.data/chaos-verdicts.md');
const say = (words: string): void => {
  process.stdout.write(`${words}\n`);
};

try {
  process.exitCode = await main();
} catch (thrown) {
  process.stderr.write(`${toError(thrown).stack ?? ''}\n`);
  process.exitCode = 1;
}
process.exit();

async function main(): Promise<number> {
  const wanted = readArguments();
  if (wanted === undefined) return 2;
  if (!takeLock(join(root, '.data/chaos.lock')))
    throw new Error('npm run chaos runs in this folder already.');
  const { faults, seed, count, perSecond, deadline } = wanted;
  say('· three RabbitMQ nodes and three MongoDB members …');
  const cluster = await startCluster({ root, dataDir });
  const results: RunResult[] = [];
  const failed: string[] = [];
  try {
    for (const [index, fault] of faults.entries()) {
      if (Date.now() > deadline) break;
      say(`\n· ${fault.name}, seed ${seed + index}: ${fault.what}`);
      const patienceSeconds = fault.mustLose ? 30 : (fault.patienceSeconds ?? PATIENCE_SECONDS);
      const options = { root, cluster, fault, seed: seed + index, count, perSecond, patienceSeconds };
      try {
        const result = await runFault({ ...options, say });
        report(result);
        results.push(result);
        // As it goes, so that an interrupted series leaves what it has found.
        writeFileSync(verdicts, `${verdictTable(results)}\n`);
      } catch (thrown) {
        // The others are still worth knowing.
        failed.push(fault.name);
        say(`  the run itself failed: ${toError(thrown).stack ?? ''}`);
      }
    }
  } finally {
    await cluster.kill();
  }
  say(`\n${verdictTable(results)}\n\nThe same as a file: ${verdicts}`);
  if (failed.length > 0) say(`\nRuns that failed by themselves: ${failed.join(', ')}`);
  return failed.length === 0 && results.every(({ ok }) => ok) ? 0 : 1;
}

function report(result: RunResult): void {
  const { verdict, ok, seconds, fault, seed } = result;
  say(`  ${ok ? 'as it must be' : 'NOT as it must be'}, after ${seconds.toFixed(0)} s`);
  const complaints = complaintsOf(result);
  for (const complaint of complaints) say(`  ! ${complaint}`);
  if (ok) return;
  const folder = join(dataDir, `broken-${fault}-${seed}`);
  mkdirSync(folder, { recursive: true });
  for (const [name, log] of Object.entries(result.logs)) writeFileSync(join(folder, `${name}.log`), log);
  writeFileSync(join(folder, 'verdict.json'), JSON.stringify(verdict, null, 2));
  say(`  what each process said: ${folder}`);
}

/** Undefined when they cannot be read; then it has said why. */
function readArguments():
  { faults: Fault[]; seed: number; count: number; perSecond: number; deadline: number } | undefined {
  try {
    const { values } = parseArgs({
      args: process.argv.slice(3),
      options: {
        help: { type: 'boolean', default: false },
        fault: { type: 'string', default: 'all' },
        seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
        runs: { type: 'string', default: '1' },
        minutes: { type: 'string', default: '1000000' },
        count: { type: 'string', default: '20000' },
        rate: { type: 'string', default: '600' },
      },
    });
    if (values.help) throw new Error('What can be said:');
    const once = values.fault.split(',').flatMap(faultsNamed);
    return {
      faults: Array.from({ length: wholeOf('runs', values.runs) }, () => once).flat(),
      seed: wholeOf('seed', values.seed),
      count: wholeOf('count', values.count),
      perSecond: wholeOf('rate', values.rate),
      deadline: Date.now() + wholeOf('minutes', values.minutes) * MINUTE,
    };
  } catch (thrown) {
    process.stderr.write(`${toError(thrown).message}\n\n${USAGE}\n`);
    return undefined;
  }
}

function faultsNamed(name: string): readonly Fault[] {
  if (name === 'all') return FAULTS;
  const found = EVERY_FAULT.find((fault) => fault.name === name);
  if (!found) throw new Error(`--fault: there is no fault ${name}`);
  return [found];
}

function wholeOf(name: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`--${name}: must be a whole number, not ${text}`);
  return Number(text);
}
