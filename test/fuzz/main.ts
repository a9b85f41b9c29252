/**
 * Calls every operation of the API with what schemathesis makes of the document that the API has of itself: `npm run fuzz`, on servers of its
 * own. `--short` takes about a minute and has a fixed seed; `--seed <n>` repeats a run; `--sequences <n>` only walks along the links of the
 * document, so many times, however long it takes.
 */
import { randomInt } from 'node:crypto';
import { rmSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { fetchSchemathesis } from '../../infra/local/provision/schemathesis.ts';
import { toolsDirOf } from '../../infra/local/provision/servers.ts';
import { API_KEY, callApi } from '../support/fleet.ts';
import { FuzzFleet } from './fleet.ts';
import { layGround } from './ground.ts';
import { describe, operationsOf, troublesOf, type OpenApiDocument } from './judge.ts';
import { runSchemathesis, type Run } from './run.ts';

/** Cases that all runs have together at least; how many each operation gets in the fuzzing phase; and seconds for sequences of calls. */
const FULL = { cases: 5_000, withKey: 150, withoutKey: 30, statefulSeconds: 90 };
const SHORT = { cases: 1_500, withKey: 15, withoutKey: 5, statefulSeconds: 10 };
/** The seed of the short run, so that it does not find today what it did not yesterday. Any other is as good. */
const FIXED_SEED = 1;

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    seed: { type: 'string' },
    sequences: { type: 'string' },
  },
});
const size = values.short ? SHORT : FULL;
// As text: seeds of schemathesis are larger than numbers of JavaScript.
const seed = values.seed ?? String(values.short ? FIXED_SEED : randomInt(1_000_000));
const folder = resolve('.data/fuzz/reports');
const SEQUENCES = ['stateful'];
const EACH_OPERATION = ['examples', 'coverage', 'fuzzing'];
/** One after the other. */
const WITH_KEY: readonly Run[] = [
  { name: 'with a key', key: API_KEY, phases: EACH_OPERATION, seed, maxExamples: size.withKey },
  { name: 'in sequences', key: API_KEY, phases: SEQUENCES, seed, maxSeconds: size.statefulSeconds },
];
/** Beside those, for it changes nothing. What could be linked is not answered without a key, so there are no sequences to walk through. */
const WITHOUT_KEY: Run = {
  name: 'without a key',
  phases: EACH_OPERATION,
  seed,
  maxExamples: size.withoutKey,
};
const say = (words: string): void => {
  process.stdout.write(`${words}\n`);
};

// So that what ends with this process does so then, too.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
rmSync(folder, { recursive: true, force: true });
const schemathesis = await fetchSchemathesis(
  toolsDirOf(process.cwd()),
  resolve('test/fuzz/requirements.txt'),
);
const fleet = await FuzzFleet.start();
const troubles: string[] = [];
let cases = 0;
try {
  await layGround(fleet.address);
  const { json } = await callApi(fleet.address, 'GET', '/openapi.json');
  const operations = operationsOf(json as unknown as OpenApiDocument);
  if (values.sequences === undefined)
    await Promise.all([carryOut(WITHOUT_KEY, operations), inOrder(WITH_KEY, operations)]);
  else await carryOut(onlySequences(Number(values.sequences)), operations);
} finally {
  await fleet.stop();
}
troubles.push(...fleet.errors());
if (values.sequences === undefined && cases < size.cases)
  troubles.push(`${cases} cases, and ${size.cases} were wanted`);
if (troubles.length === 0) say(`${cases} cases, nothing found (seed ${seed})`);
else {
  say(`${cases} cases, and this is wrong:\n  ${troubles.join('\n  ')}`);
  say(`Everything that was sent and answered: ${relative(process.cwd(), folder)}/`);
  say(`Once more: npm run fuzz -- ${values.short ? '--short ' : ''}--seed ${seed}`);
}
process.exit(troubles.length === 0 ? 0 : 1);

function onlySequences(maxExamples: number): Run {
  return { name: 'in sequences', key: API_KEY, phases: SEQUENCES, seed, maxExamples };
}

async function inOrder(runs: readonly Run[], operations: ReturnType<typeof operationsOf>): Promise<void> {
  for (const run of runs) await carryOut(run, operations);
}

/** Carries one out, and adds what it found to the rest. */
async function carryOut(run: Run, operations: ReturnType<typeof operationsOf>): Promise<void> {
  const startedAt = Date.now();
  const finished = await runSchemathesis(schemathesis, run, { address: fleet.address, folder });
  cases += finished.summary.test_cases.generated;
  const own = troublesOf(finished, operations, {
    hasKey: run.key !== undefined,
    callsAll: run.phases !== SEQUENCES,
  });
  if (finished.summary.test_cases.generated === 0) own.push('it found nothing to call');
  say(`· ${run.name}: ${describe(finished, operations)}, ${Math.round((Date.now() - startedAt) / 1_000)} s`);
  if (own.length > 0) say(findingsIn(finished.output));
  troubles.push(...own.map((trouble) => `${run.name}: ${trouble}`));
}

/** The findings in what schemathesis says, each with a curl command that repeats it; not its warnings and totals. */
function findingsIn(output: string): string {
  return (
    /^=+ (?:FAILURES|ERRORS) =+$[\s\S]*?(?=^=+ (?:WARNINGS|Stateful tests|SUMMARY) =+$)/m.exec(output)?.[0] ??
    ''
  );
}
