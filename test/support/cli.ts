import { spawn, type ChildProcess } from 'node:child_process';
import { API_KEY } from './fleet.ts';

/** The command line as it is built; some tests go by the door of `npx`. */
const BUILT = 'dist/infra/cli/main.js';

/** How a command ended, and what it wrote. */
export interface CliResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Where and how a command runs. */
export interface CliOptions {
  env?: Record<string, string | undefined>;
  stdin?: string;
  program?: string;
}

/** A command that runs. */
export interface RunningCli {
  child: ChildProcess;
  /** What it has printed so far. */
  stdout: () => string;
  ended: Promise<CliResult>;
}

/** Starts `tidings …` as a process of its own, with no terminal. */
export function startCli(
  args: readonly string[],
  { env = {}, stdin, program = BUILT }: CliOptions = {},
): RunningCli {
  // A fleet that runs in this folder beside the tests is not theirs.
  const surroundings = { ...process.env, TIDINGS_DATA_DIR: '/nonexistent', ...env };
  const child = spawn(process.execPath, [program, ...args], {
    env: surroundings,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const result: CliResult = { code: null, stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (result.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (result.stderr += text));
  child.stdin.end(stdin);
  const ended = new Promise<CliResult>((resolve) =>
    child.once('close', (code) => {
      resolve({ ...result, code });
    }),
  );
  return { child, stdout: () => result.stdout, ended };
}

/** `tidings …` against one API, with the tests' key. */
export class Cli {
  readonly #env: Record<string, string | undefined>;

  constructor(address: string, key: string = API_KEY) {
    this.#env = { TIDINGS_URL: address, TIDINGS_API_KEY: key };
  }

  /** Starts it. */
  start(args: readonly string[], { env, ...options }: CliOptions = {}): RunningCli {
    return startCli(args, { ...options, env: { ...this.#env, ...env } });
  }

  /** Runs it to its end. */
  run(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
    return this.start(args, options).ended;
  }
}

/** The objects of an output with one JSON a line. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
