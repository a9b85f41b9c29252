import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pythonEnvironment } from '../../infra/local/provision/python-packages.ts';

/** A Python program that is started: a client of the fleet that we did not write. */
export interface StartedPeer {
  /** What it has printed so far, each line as JSON. @throws SyntaxError on a line that is none. */
  lines: () => unknown[];
  /** What it has printed so far, and what it complained of. */
  stdout: () => string;
  stderr: () => string;
  /** Resolves with its exit code when it is over; null when a signal ended it. */
  ended: Promise<number | null>;
  kill: (signal: NodeJS.Signals) => void;
}

/** What a Python program did. */
export interface FinishedPeer {
  code: number | null;
  stdout: string;
  stderr: string;
  /** What it printed, each line as JSON. @throws SyntaxError on a line that is none. */
  lines: () => unknown[];
}

/** What a peer is given beside its arguments. */
export interface PeerOptions {
  /** Added to the environment of the tests. */
  env?: Record<string, string>;
  /** What it can read from its standard input: pieces of text. They are produced as it reads them, so they may be endless. */
  input?: Iterable<string>;
  /** Milliseconds after which it is killed. */
  timeoutMs?: number;
}

/** Starts a script (its path from the project's root, such as `test/peers/x.py`) with the packages of `test/peers/requirements.txt`. */
export function startPeer(
  script: string,
  args: readonly string[] = [],
  options: PeerOptions = {},
): StartedPeer {
  const { PEERS_PYTHON: python, PEERS_PACKAGES: folder } = process.env;
  if (python === undefined || folder === undefined)
    throw new Error('PEERS_PYTHON and PEERS_PACKAGES are not set; npm test sets them');
  const own = { PYTHONUNBUFFERED: '1', PYTHONDONTWRITEBYTECODE: '1', ...options.env };
  const env = { ...pythonEnvironment(folder), ...own };
  // A program that hangs ends with its time, and with us.
  const bounds = { timeout: options.timeoutMs ?? 60_000, killSignal: 'SIGKILL' } as const;
  const child = spawn(python, [resolve(script), ...args], { env, stdio: 'pipe', ...bounds });
  const kill = (signal: NodeJS.Signals): void => void child.kill(signal);
  const end = (): void => {
    kill('SIGKILL');
  };
  process.once('exit', end);
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (chunk: string) => (said[name] += chunk));
  // One that is over before it has read everything closes the pipe.
  Readable.from(options.input ?? []).pipe(child.stdin.on('error', () => undefined));
  const ended = new Promise<number | null>((done, failed) => {
    child.once('error', failed).once('close', (code) => {
      process.off('exit', end);
      done(code);
    });
  });
  return {
    lines: () => wholeLines(said.stdout),
    stdout: () => said.stdout,
    stderr: () => said.stderr,
    ended,
    kill,
  };
}

/** Runs a script to its end. */
export async function runPeer(
  script: string,
  args: readonly string[] = [],
  options: PeerOptions = {},
): Promise<FinishedPeer> {
  const peer = startPeer(script, args, options);
  const code = await peer.ended;
  return { code, stdout: peer.stdout(), stderr: peer.stderr(), lines: peer.lines };
}

/** The lines that have their end; the last one may still be on its way. */
function wholeLines(text: string): unknown[] {
  const lines = text.split('\n').slice(0, -1);
  return lines.filter((line) => line.trim() !== '').map((line) => JSON.parse(line) as unknown);
}
