import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { PythonCommand } from '../../infra/local/provision/schemathesis.ts';
import type { Finished } from './judge.ts';
import { readCalls, readSummary } from './report.ts';

/** What one run of schemathesis is given. */
export interface Run {
  /** Names its files. */
  name: string;
  /** Without one, requests have no key, or a wrong one. */
  key?: string;
  /** Of examples, coverage, fuzzing and stateful. */
  phases: readonly string[];
  /** A whole number of any length. */
  seed: string;
  /** Cases of each operation in the fuzzing phase, or sequences, at most. */
  maxExamples?: number;
  /** The phases begin again until so many seconds are over. */
  maxSeconds?: number;
}

/** Where runs leave their reports. */
export interface Place {
  address: string;
  folder: string;
}

const CONFIG = resolve('test/fuzz/schemathesis.toml');

/** Runs schemathesis to its end, and reads its reports. @throws when it leaves none, with what it said. */
export async function runSchemathesis(
  command: PythonCommand,
  run: Run,
  { address, folder }: Place,
): Promise<Finished & { output: string }> {
  const files = filesOf(run.name.replaceAll(' ', '-'), folder);
  rmSync(files.summary, { force: true });
  const reports = ['--report-json-path', files.summary, '--report-ndjson-path', files.journal];
  const args = ['--config-file', CONFIG, 'run', `${address}/openapi.json`, ...reports, ...optionsOf(run)];
  const code = await execute(command, args, {
    folder: join(folder, run.key === undefined ? 'without-key' : 'with-key'),
    output: files.output,
  });
  const output = readFileSync(files.output, 'utf8');
  try {
    const summary = readSummary(readFileSync(files.summary, 'utf8'));
    return { code, summary, calls: await readCalls(files.journal), output };
  } catch (cause) {
    throw new Error(`schemathesis ended with ${code} and left no report:\n${output.slice(-3_000)}`, {
      cause,
    });
  }
}

function optionsOf({ key, phases, seed, maxExamples, maxSeconds }: Run): string[] {
  return [
    ...['--no-color', '--phases', phases.join(','), '--seed', seed],
    ...(maxExamples === undefined ? [] : ['--max-examples', String(maxExamples)]),
    ...(maxSeconds === undefined ? [] : ['--max-time', String(maxSeconds)]),
    ...(key === undefined ? [] : ['--header', `Authorization: Bearer ${key}`]),
  ];
}

function filesOf(name: string, folder: string): { summary: string; journal: string; output: string } {
  const file = (ending: string): string => join(folder, `${name}.${ending}`);
  return { summary: file('json'), journal: file('ndjson'), output: file('txt') };
}

/** What it says goes to a file; it works in the folder, for it keeps notes where it works: runs that go on beside each other have one each. Answers its exit code. */
function execute(
  { file, args, env }: PythonCommand,
  more: readonly string[],
  { folder, output }: { folder: string; output: string },
): Promise<number> {
  mkdirSync(folder, { recursive: true });
  const log = createWriteStream(output);
  const child = spawn(file, [...args, ...more], { env, cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  const end = (): boolean => child.kill('SIGTERM');
  process.once('exit', end);
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  return new Promise((done, failed) => {
    child.once('error', failed).once('close', (code) => {
      process.off('exit', end);
      log.end(() => {
        done(code ?? 1);
      });
    });
  });
}
