import { spawn, type ChildProcess } from 'node:child_process';
import { pause } from '../../../shared/runtime/backoff.ts';
import { formatDuration } from '../../../shared/runtime/duration.ts';
import { toError } from '../../../shared/runtime/errors.ts';
import type { Output } from './output.ts';
import { HEALTHY_AFTER_MS, restartDelay } from './restart.ts';

/** What is left to a process that is asked for the second time, in milliseconds. */
const FORCED_WITHIN_MS = 300;

/** A process to keep running. */
export interface ProcessSpec {
  name: string;
  command: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  cwd: string;
  /** How long it may take to end by itself, in milliseconds. */
  stopWithinMs: number;
  /** Runs before each start. */
  prepare?: () => Promise<void>;
  /** An exit code that says that to start it again changes nothing. */
  hopelessCode?: number;
}

/** How a process ended: in words, and its exit code where it had one. */
interface Ending {
  words: string;
  code?: number | null;
}

/**
 * Keeps one process running: starts it in a process group of its own, starts it again when it dies, unless that is hopeless, and says so. Its standard input is a
 * pipe that closes with us, however we end, and tells it to end too.
 */
export class ManagedProcess {
  readonly #spec: ProcessSpec;
  readonly #output: Output;
  readonly #stopping = new AbortController();
  #child: ChildProcess | undefined;
  #loop: Promise<void> | undefined;

  constructor(spec: ProcessSpec, output: Output) {
    this.#spec = spec;
    this.#output = output;
  }

  /** Its name in the output. */
  get name(): string {
    return this.#spec.name;
  }

  /** The id of the running process. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts it, in the background. `onHopeless` hears that it ended and will not be started again. */
  start(onHopeless?: () => void): void {
    this.#loop ??= this.#keepRunning().then((isHopeless) => {
      if (isHopeless) onHopeless?.();
    });
  }

  /** Asks it to end, ends it by force when it takes longer than `withinMs`, and resolves when it is gone. */
  async stop(withinMs = this.#spec.stopWithinMs): Promise<void> {
    this.#stopping.abort();
    this.#signal('SIGTERM');
    const force = setTimeout(() => {
      this.#output.warn(`${this.name} did not stop within ${formatDuration(withinMs)}; ended by force`);
      this.#force();
    }, withinMs);
    await this.#loop;
    clearTimeout(force);
  }

  /** Asked a second time, a service ends at once, and a leash ends its server by force first. */
  #force(): void {
    this.#signal('SIGTERM');
    setTimeout(() => {
      this.kill();
    }, FORCED_WITHIN_MS).unref();
  }

  /** Ends it at once. */
  kill(): void {
    this.#stopping.abort();
    this.#signal('SIGKILL');
  }

  /** Resolves when it is stopped; with true when there is no hope for it. */
  async #keepRunning(): Promise<boolean> {
    let crashes = 0;
    while (!this.#isStopping()) {
      const startedAt = Date.now();
      const { words, code } = await this.#prepareAndRun();
      if (this.#isStopping()) return false;
      if (code !== undefined && code === this.#spec.hopelessCode) {
        this.#output.warn(
          `${this.name} ended (${words}), and is not started again: its settings keep it from it`,
        );
        return true;
      }
      crashes = Date.now() - startedAt > HEALTHY_AFTER_MS ? 1 : crashes + 1;
      const delay = restartDelay(crashes);
      this.#output.warn(`${this.name} ended (${words}); starting it again in ${formatDuration(delay)}`);
      await pause(delay, this.#stopping.signal);
    }
    return false;
  }

  async #prepareAndRun(): Promise<Ending> {
    try {
      await this.#spec.prepare?.();
    } catch (thrown) {
      return { words: toError(thrown).message };
    }
    return this.#isStopping() ? { words: 'stopped' } : this.#runOnce();
  }

  #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  #runOnce(): Promise<Ending> {
    const { command, args, env, cwd, name } = this.#spec;
    return new Promise((resolve) => {
      const child = spawn(command, args, { env, cwd, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
      this.#child = child;
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (chunk: string) => {
          this.#output.from(name, chunk);
        });
      // Its end of the pipe may be gone before ours.
      child.stdin.on('error', () => undefined);
      child.once('error', (error) => {
        resolve({ words: error.message });
      });
      child.once('close', (code, signal) => {
        resolve({ words: signal ?? `code ${String(code)}`, code });
      });
    });
  }

  #signal(signal: NodeJS.Signals): void {
    const pid = this.#child?.pid;
    if (pid === undefined || this.#child?.exitCode !== null) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // It is gone already.
    }
  }
}
