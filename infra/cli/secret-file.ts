import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { toError } from '../../shared/runtime/errors.ts';
import { CliError, usageError } from './exit.ts';

/** A new file for one secret, which only its owner can read. It is there, empty, before the secret is asked for. */
export class SecretFile {
  readonly #path: string;
  readonly #handle: number;

  private constructor(path: string, handle: number) {
    this.#path = path;
    this.#handle = handle;
  }

  /** @throws CliError when the file is there already, or cannot be made */
  static begin(path: string): SecretFile {
    try {
      // A file that is there may be readable by others, and stays so: only a new one is ours.
      return new SecretFile(path, openSync(path, 'wx', 0o600));
    } catch (thrown) {
      throw usageError(`--out needs a new file; nothing was done: ${toError(thrown).message}`);
    }
  }

  /** Writes the secret. @throws CliError when the disk does not take it */
  finish(secret: string): void {
    try {
      writeSync(this.#handle, `${secret}\n`);
      fsyncSync(this.#handle);
    } catch (thrown) {
      throw new CliError(
        'partly',
        `The key is made, and could not be written: ${toError(thrown).message}. Rotate or revoke it.`,
      );
    } finally {
      closeSync(this.#handle);
    }
  }

  /** There is no secret: nor is there a file. */
  discard(): void {
    closeSync(this.#handle);
    rmSync(this.#path, { force: true });
  }
}
