import type { ProvidedServer } from './provision/servers.ts';
import type { ManagedProcess } from './supervisor/managed-process.ts';
import type { Output } from './supervisor/output.ts';

/** All of it stops within 10 s; what the services leave of that, the servers have. Milliseconds. */
const STOP_WITHIN_MS = 9_500;
/** A terminal and npm may both pass the same Ctrl-C on; milliseconds. */
const SAME_SIGNAL_MS = 1_000;

/** What runs of a fleet. */
interface Parts {
  /** May grow later. */
  services: readonly ManagedProcess[];
  serverProcesses: readonly ManagedProcess[];
  servers: readonly ProvidedServer[];
}

/** Ends everything once, for whatever reason comes first. */
export class Stopping {
  readonly #parts: Parts;
  readonly #output: Output;
  #firstSignalAt: number | undefined;
  #isUnderWay = false;

  constructor(parts: Parts, output: Output) {
    this.#parts = parts;
    this.#output = output;
  }

  /** From now on, a signal ends everything; another one, later, by force. */
  onSignals(): void {
    const onSignal = (): void => {
      this.#signaled();
    };
    process.on('SIGINT', onSignal).on('SIGTERM', onSignal).on('SIGHUP', onSignal);
  }

  /** For a reason of ours, which is no good one. */
  because(words: string): void {
    if (this.#isUnderWay) return;
    this.#output.warn(`\n${words}`);
    void this.#stop(1);
  }

  #signaled(): void {
    if (this.#firstSignalAt !== undefined && Date.now() - this.#firstSignalAt < SAME_SIGNAL_MS) return;
    if (this.#firstSignalAt !== undefined) this.#force();
    this.#firstSignalAt = Date.now();
    if (!this.#isUnderWay) void this.#stop(0);
  }

  #force(): never {
    for (const one of this.#parts.services) one.kill();
    // A killed leash would let its server go. Asked twice, by this and by our end, it ends it at once.
    for (const one of this.#parts.serverProcesses) void one.stop();
    process.exit(1);
  }

  async #stop(code: number): Promise<void> {
    this.#isUnderWay = true;
    this.#output.say('\nDraining: what is in flight is finished, then everything stops …');
    const deadline = Date.now() + STOP_WITHIN_MS;
    await Promise.all(this.#parts.services.map((one) => one.stop()));
    const left = deadline - Date.now();
    const provided = this.#parts.servers.map((one) => one.stop?.());
    await Promise.all([...this.#parts.serverProcesses.map((one) => one.stop(left)), ...provided]);
    this.#output.say('Stopped.');
    process.exit(code);
  }
}
