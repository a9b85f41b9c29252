import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What a finished command said. */
export interface Finished {
  code: number;
  output: string;
}

/** Something that the machine lacks or refuses; the message says what to do about it. */
export class ProvisionError extends Error {
  override readonly name = 'ProvisionError';
}

/** Runs a command to its end, without a terminal; never throws. `timeoutMs` ends it. */
export function run(
  file: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; timeoutMs?: number | undefined; cwd?: string } = {},
): Promise<Finished> {
  const { env = process.env, timeoutMs = 600_000, cwd } = options;
  return new Promise((resolve) => {
    const child = execFile(
      file,
      args,
      { env, timeout: timeoutMs, cwd, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 127;
        const why = error?.killed === true ? `\nended after ${timeoutMs / 1_000} s` : error?.message;
        resolve({ code, output: `${stdout}${stderr}${code === 127 ? (why ?? '') : ''}`.trim() });
      },
    );
    child.stdin?.end();
  });
}

/** The full path of a program on PATH, or undefined. */
export function findProgram(name: string): string | undefined {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/** Whether a file can be run. */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
