import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { pause } from '../../../shared/runtime/backoff.ts';
import { pidFileOf } from '../../local/provision/server.ts';
import type { ProcessSpec } from '../../local/supervisor/managed-process.ts';

/** A server of the cluster: on a leash that ends with us, and never started again by itself, for a fault wants it dead. */
export class Server {
  readonly name: string;
  readonly #spec: ProcessSpec;
  readonly #pidFile: string;
  readonly #ready: () => Promise<void>;
  #leash: ChildProcess | undefined;

  constructor(options: { spec: ProcessSpec; dataDir: string; ready: () => Promise<void> }) {
    this.name = options.spec.name;
    this.#spec = options.spec;
    this.#pidFile = pidFileOf(options.spec.name, options.dataDir);
    this.#ready = options.ready;
  }

  /** Starts it; resolves when it answers. @throws when it does not. */
  async start(): Promise<void> {
    const { command, args, env, cwd, prepare } = this.#spec;
    await prepare?.();
    this.#leash = spawn(command, args, { env, cwd, detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
    this.#leash.stdin?.on('error', () => undefined);
    await this.#ready();
  }

  /** Sends a signal to the server and all its children. */
  signal(signal: NodeJS.Signals): void {
    process.kill(-this.#pid(), signal);
  }

  /** Ends it without warning; it stays dead. */
  async kill(): Promise<void> {
    const leash = this.#leash;
    if (!leash || !isRunning(leash)) return;
    this.signal('SIGKILL');
    while (isRunning(leash)) await pause(20);
  }

  /** Asks it to end, also when it is frozen. */
  async stop(): Promise<void> {
    const leash = this.#leash;
    if (!leash || !isRunning(leash)) return;
    this.signal('SIGCONT');
    leash.kill('SIGTERM');
    while (isRunning(leash)) await pause(20);
  }

  #pid(): number {
    return Number(readFileSync(this.#pidFile, 'utf8'));
  }
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}
