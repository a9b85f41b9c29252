import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A program of the benchmark, in a process of its own, that answers questions. */
export class Program {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Starts `test/bench/<path>`; its first message says that it works. */
  static async start(
    path: string,
    env: NodeJS.ProcessEnv = {},
  ): Promise<{ program: Program; first: unknown }> {
    const file = fileURLToPath(new URL(path, import.meta.url));
    const child = fork(file, { execArgv: ['--import', 'tsx'], env: { ...process.env, ...env } });
    const program = new Program(child);
    return { program, first: await program.#answer() };
  }

  /** Asks, and waits for the answer. @throws when the process ends instead. */
  async ask(question: object): Promise<unknown> {
    const answer = this.#answer();
    this.#child.send(question);
    return answer;
  }

  /** Ends it. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    await ended;
  }

  #answer(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null): void => {
        reject(new Error(`${this.#child.spawnargs.at(-1)} ended with ${code}`));
      };
      this.#child.once('exit', onExit).once('message', (answer) => {
        this.#child.off('exit', onExit);
        resolve(answer);
      });
    });
  }
}
