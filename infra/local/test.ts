import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { toError } from '../../shared/runtime/errors.ts';
import { provideChromium } from './chromium.ts';
import { takeLock } from './lock.ts';
import type { Ports } from './ports.ts';
import { fetchRabbitmq4 } from './provision/rabbitmq-4.ts';
import { prepareRabbitmqNode, type RabbitmqNode } from './provision/rabbitmq-node.ts';
import { ProvisionError } from './provision/run.ts';
import { provideServers, toolsDirOf } from './provision/servers.ts';
import { ManagedProcess } from './supervisor/managed-process.ts';
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
const STEPS: Step[] = [
  { name: 'format', args: ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level=warn', '.'] },
  { name: 'lint', args: ['node_modules/eslint/bin/eslint.js', '.', '--max-warnings', '0'] },
  { name: 'types', args: ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'] },
  { name: 'tests', args: [...vitest, ...onlyTests] },
];

let processes: ManagedProcess[] = [];
let running: ChildProcess | undefined;
process.once('SIGINT', () => void finish(130)).once('SIGTERM', () => void finish(143));
try {
  const failed = await runSteps(await prepare());
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
  if (!takeLock(join(dataDir, 'lock'))) throw new ProvisionError('npm test runs in this folder already.');
  const env = process.env;
  const { rabbitmq, mongodb, ports } = await provideServers({
    root,
    dataDir,
    toolsDir: toolsDirOf(root),
    // Tests make and drop databases and virtual hosts: never those of a server that was named for something else.
    given: {
      rabbitmqUrl: env.TIDINGS_TEST_RABBITMQ_URL,
      managementUrl: env.TIDINGS_TEST_RABBITMQ_MANAGEMENT_URL,
      mongoUri: env.TIDINGS_TEST_MONGO_URI,
    },
    say: (words) => {
      output.say(words);
    },
  });
  const servers = [rabbitmq, mongodb];
  processes = servers.flatMap((server) => server.processes).map((spec) => new ManagedProcess(spec, output));
  for (const one of processes) one.start();
  const chromium = await provideChromium((words) => {
    output.say(words);
  });
  const [newer] = await Promise.all([provideRabbitmq4(ports), ...servers.map((server) => server.ready())]);
  return {
    ...env,
    NODE_OPTIONS: '',
    TIDINGS_TEST_RABBITMQ_URL: rabbitmq.url,
    TIDINGS_TEST_RABBITMQ_MANAGEMENT_URL: rabbitmq.managementUrl,
    TIDINGS_TEST_MONGO_URI: mongodb.url,
    TIDINGS_TEST_RABBITMQ4_URL: newer?.url,
    TIDINGS_TEST_RABBITMQ4_MANAGEMENT_URL: newer?.managementUrl,
    CHROMIUM_PATH: chromium,
  };
}

/** The broker tests run on RabbitMQ 4, too, where it can be had. */
async function provideRabbitmq4(ports: Ports): Promise<RabbitmqNode | undefined> {
  const own: ManagedProcess[] = [];
  try {
    const node = await prepareRabbitmqNode(await fetchRabbitmq4(toolsDirOf(root)), { root, dataDir, ports });
    own.push(...node.processes.map((spec) => new ManagedProcess(spec, output)));
    processes.push(...own);
    for (const one of own) one.start();
    await node.ready();
    output.say('· RabbitMQ 4: a private node of the packages of Debian 13, beside the other one');
    return node;
  } catch (thrown) {
    await Promise.all(own.map((one) => one.stop()));
    output.say(
      `· RabbitMQ 4: none, so the broker is tested on one version only (${toError(thrown).message})`,
    );
    return undefined;
  }
}

/** Runs the steps in order and stops at the first that fails; answers its name. Named tests run alone. */
async function runSteps(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  // Totals of an earlier run must not stand for one that ends before it reports.
  rmSync(report, { force: true });
  const summary: string[] = [];
  let failed: string | undefined;
  for (const step of STEPS.filter(({ name }) => onlyTests.length === 0 || name === 'tests')) {
    const startedAt = Date.now();
    output.say(`\n· ${step.name} …`);
    const code = failed === undefined ? await runStep(step, env) : undefined;
    const words = code === undefined ? 'not run' : code === 0 ? 'passed' : 'failed';
    summary.push(
      `  ${step.name.padEnd(8)} ${words.padEnd(8)} ${((Date.now() - startedAt) / 1000).toFixed(1)} s`,
    );
    if (code !== undefined && code !== 0) failed = step.name;
  }
  output.say(`\n${summary.join('\n')}`);
  return failed;
}

function runStep({ args }: Step, env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'inherit', 'inherit'] });
    running = child;
    child.once('close', (code) => {
      running = undefined;
      resolve(code ?? 1);
    });
  });
}

/** The totals of vitest's own report; a step that failed outside of it counts as one failure. */
function totalsOf(failed: string | undefined): { passed: number; failed: number } {
  if (failed !== undefined && failed !== 'tests') return { passed: 0, failed: 1 };
  if (!existsSync(report)) return { passed: 0, failed: 1 };
  const schema = z.object({ numPassedTests: z.int(), numFailedTests: z.int(), success: z.boolean() });
  const result = schema.parse(JSON.parse(readFileSync(report, 'utf8')));
  // A file that could not be loaded fails the run without failing a test.
  const hidden = (failed !== undefined || !result.success) && result.numFailedTests === 0 ? 1 : 0;
  return { passed: result.numPassedTests, failed: result.numFailedTests + hidden };
}

async function finish(code: number): Promise<never> {
  running?.kill('SIGTERM');
  await Promise.all(processes.map((one) => one.stop()));
  process.exit(code);
}
