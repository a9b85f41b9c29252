import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { pause } from '../../../shared/runtime/backoff.ts';
import type { ServiceName } from '../../local/fleet.ts';

/** What a started service says when it works. */
const READY = /"message":"(accepting|consuming|scheduling)"/;
const READY_WITHIN_MS = 60_000;
/** The end of what it said, kept for whoever looks into a failed run. */
const KEPT_PIECES = 2_000;
/** The beginning, looked at until it works. */
const START_CHARS = 100_000;

/** One process of the fleet under test: started, killed, stopped and started again. */
export class ServiceProcess {
  readonly service: ServiceName;
  /** Which one of several. */
  readonly number: number;
  readonly #command: readonly string[];
  readonly #env: NodeJS.ProcessEnv;
  #child: ChildProcess | undefined;
  #said: string[] = [];

  /** `entry`: the compiled file to run; `nodeOptions`: arguments of Node before it. */
  constructor(options: {
    service: ServiceName;
    number: number;
    entry: string;
    env: NodeJS.ProcessEnv;
    nodeOptions?: readonly string[];
  }) {
    this.service = options.service;
    this.number = options.number;
    this.#command = [...(options.nodeOptions ?? []), options.entry];
    this.#env = options.env;
  }

  /** Its name in the report. */
  get name(): string {
    return `${this.service} ${this.number}`;
  }

  /** The end of what it has logged. */
  get log(): string {
    return this.#said.join('');
  }

  /** Whether it runs. */
  get isRunning(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null;
  }

  /** Starts it; resolves when it works. @throws when it ends or takes over a minute. */
  async start(): Promise<void> {
    let said = '';
    const child = spawn(process.execPath, this.#command, {
      env: { ...this.#env, TIDINGS_SUPERVISED: '1' },
      // Its standard input closes when we end, however we end, and it ends too.
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child = child;
    child.stdin.on('error', () => undefined);
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        if (said.length < START_CHARS) said += text;
        this.#said.push(text);
        if (this.#said.length > KEPT_PIECES) this.#said.shift();
      });
    const deadline = Date.now() + READY_WITHIN_MS;
    while (!READY.test(said)) {
      if (!this.isRunning) throw new Error(`${this.name} ended at its start: ${said.slice(-2_000)}`);
      if (Date.now() > deadline) throw new Error(`${this.name} is not ready: ${said.slice(-2_000)}`);
      await pause(50);
    }
  }

  /** Memory that it holds, in MiB. */
  residentMiB(): number {
    const status = readFileSync(`/proc/${this.#child?.pid ?? 'self'}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
  }

  /** Sends it a signal. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Ends it without warning, and waits until it is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Asks it to drain; answers its exit code. */
  stop(): Promise<number | null> {
    return this.#end('SIGTERM');
  }

  #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (!child || !this.isRunning) return Promise.resolve(child?.exitCode ?? null);
    return new Promise((resolve) => {
      child.once('exit', resolve);
      child.kill(signal);
    });
  }
}
