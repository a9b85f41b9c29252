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
}

/**
 * Keeps one process running: starts it in a process group of its own, starts it again when it dies, and says so. Its standard input is a
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

  /** Starts it, in the background. */
  start(): void {
    this.#loop ??= this.#keepRunning();
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

  async #keepRunning(): Promise<void> {
    let crashes = 0;
    while (!this.#isStopping()) {
      const startedAt = Date.now();
      const ending = await this.#prepareAndRun();
      if (this.#isStopping()) return;
      crashes = Date.now() - startedAt > HEALTHY_AFTER_MS ? 1 : crashes + 1;
      const delay = restartDelay(crashes);
      this.#output.warn(`${this.name} ended (${ending}); starting it again in ${formatDuration(delay)}`);
      await pause(delay, this.#stopping.signal);
    }
  }

  async #prepareAndRun(): Promise<string> {
    try {
      await this.#spec.prepare?.();
    } catch (thrown) {
      return toError(thrown).message;
    }
    return this.#isStopping() ? 'stopped' : this.#runOnce();
  }

  #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Resolves with how it ended, in words. */
  #runOnce(): Promise<string> {
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
        resolve(error.message);
      });
      child.once('close', (code, signal) => {
        resolve(signal ?? `code ${String(code)}`);
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
