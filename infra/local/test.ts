import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { toError } from '../../shared/runtime/errors.ts';
import { provideChromium } from './chromium.ts';
import { takeLock } from './lock.ts';
import { OwnServers } from './own-servers.ts';
import { providePeers } from './provision/peers.ts';
import { providePythonPackages } from './provision/python-packages.ts';
import { ProvisionError } from './provision/run.ts';
import { toolsDirOf } from './provision/servers.ts';
import { createOutput, showsColour } from './supervisor/output.ts';

/** One check of `npm test`. */
interface Step {
  name: string;
  args: string[];
}

const root = process.cwd();
const dataDir = join(root, '.data/test');
const report = join(dataDir, 'vitest.json');
const output = createOutput(
  (text) => process.stdout.write(text),
  ['rabbitmq', 'mongodb'],
  showsColour(process.stdout),
);
const vitest = [
  'node_modules/vitest/vitest.mjs',
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${report}`,
];
const onlyTests = process.argv.slice(3);
const isWhole = onlyTests.length === 0;
/** What looks at the source only, all of it at once. */
const LOOKS: Step[] = [
  { name: 'format', args: ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level=warn', '.'] },
  { name: 'lint', args: ['node_modules/eslint/bin/eslint.js', '.', '--max-warnings', '0'] },
  { name: 'types', args: ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'] },
  { name: 'audit', args: ['--import', 'tsx', 'infra/local/audit.ts'] },
];
const TESTS: Step = { name: 'tests', args: [...vitest, ...onlyTests] };
/** What needs the machine for itself, one after the other. */
const MEASURES: Step[] = [
  { name: 'fuzz', args: ['--import', 'tsx', 'test/fuzz/main.ts', '--short'] },
  // Prints ratios, and fails only if it cannot measure.
  { name: 'bench', args: ['--import', 'tsx', 'test/bench/main.ts', '--short'] },
];

const servers = new OwnServers({ root, dataDir, output });
const running = new Set<ChildProcess>();
const summary: string[] = [];
process.once('SIGINT', () => void finish(130)).once('SIGTERM', () => void finish(143));
try {
  const failed = await runSteps();
  const totals = totalsOf(failed);
  output.say(`\n${totals.passed} passed, ${totals.failed} failed`);
  await finish(totals.failed > 0 ? 1 : 0);
} catch (thrown) {
  const error = toError(thrown);
  output.warn(error instanceof ProvisionError ? error.message : (error.stack ?? error.message));
  output.say('\n0 passed, 1 failed');
  await finish(1);
}

/** Provides servers and a browser of the tests' own; answers the environment that tells the tests where they are. */
async function prepare(): Promise<NodeJS.ProcessEnv> {
  const env = await servers.start();
  const chromium = await provideChromium((words) => {
    output.say(words);
  });
  // Before the tests, so that two of them never install at once, and none waits for the network.
  const { python, folder } = await providePythonPackages(
    toolsDirOf(root),
    'python-peers',
    join(root, 'test/peers/requirements.txt'),
  );
  const peers = await providePeers(toolsDirOf(root), {
    quickOnly: true,
    say: (words) => {
      output.say(words);
    },
  });
  Object.assign(peers, { PEERS_PYTHON: python, PEERS_PACKAGES: folder });
  // The broker tests run on RabbitMQ 4, too.
  return { ...env, ...(await servers.startRabbitmq4()), ...peers, CHROMIUM_PATH: chromium };
}

/** Runs the steps in order and stops behind the first that fails; answers its name. Named tests run alone. */
async function runSteps(): Promise<string | undefined> {
  if (!takeLock(join(dataDir, 'lock'))) throw new ProvisionError('npm test runs in this folder already.');
  // Totals of an earlier run must not stand for one that ends before it reports.
  rmSync(report, { force: true });
  // What looks at the source needs no servers, and what provides them mostly waits for the network.
  const [env, badLook] = await Promise.all([
    prepare(),
    isWhole ? runStage(LOOKS, process.env) : Promise.resolve(undefined),
  ]);
  let failed = badLook;
  for (const step of isWhole ? [TESTS, ...MEASURES] : [TESTS])
    if (failed === undefined) failed = await runStage([step], env);
    else summary.push(lineOf(step.name, 'not run', 0));
  output.say(`\n${summary.join('\n')}`);
  return failed;
}

/** Runs steps beside each other; answers the name of one that failed. */
async function runStage(stage: readonly Step[], env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const startedAt = Date.now();
  output.say(`\n· ${stage.map(({ name }) => name).join(', ')} …`);
  const failures = await Promise.all(
    stage.map(async (step) => {
      const isPassed = (await runStep(step, env)) === 0;
      summary.push(lineOf(step.name, isPassed ? 'passed' : 'failed', Date.now() - startedAt));
      return isPassed ? [] : [step.name];
    }),
  );
  return failures.flat()[0];
}

function lineOf(name: string, words: string, ms: number): string {
  return `  ${name.padEnd(8)} ${words.padEnd(8)} ${(ms / 1000).toFixed(1)} s`;
}

function runStep({ args }: Step, env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'inherit', 'inherit'] });
    running.add(child);
    child.once('close', (code) => {
      running.delete(child);
      resolve(code ?? 1);
    });
  });
}

/** The totals of vitest's own report; a step that failed outside of it counts as one failure. */
function totalsOf(failed: string | undefined): { passed: number; failed: number } {
  if (!existsSync(report)) return { passed: 0, failed: 1 };
  const schema = z.object({ numPassedTests: z.int(), numFailedTests: z.int(), success: z.boolean() });
  const result = schema.parse(JSON.parse(readFileSync(report, 'utf8')));
  // A file that could not be loaded fails the run without failing a test.
  const hidden = (failed !== undefined || !result.success) && result.numFailedTests === 0 ? 1 : 0;
  return { passed: result.numPassedTests, failed: result.numFailedTests + hidden };
}

async function finish(code: number): Promise<never> {
  for (const child of running) child.kill('SIGTERM');
  await servers.stop();
  process.exit(code);
}
