import { join } from 'node:path';
import { pause } from '../../../shared/runtime/backoff.ts';
import { SERVER_MARK, endLeftover } from '../leftovers.ts';
import type { ProcessSpec } from '../supervisor/managed-process.ts';
import { ProvisionError } from './run.ts';

/** A server that we start ourselves. */
export interface ServerSpec {
  name: string;
  command: string;
  args: readonly string[];
  env?: NodeJS.ProcessEnv;
  /** Time to end by itself, in milliseconds; then it is killed. */
  graceMs: number;
  /** Runs before each start, after leftovers of it have ended. */
  prepare?: () => Promise<void> | void;
}

/** The file that holds the process id of a server on a leash. */
export function pidFileOf(name: string, dataDir: string): string {
  return join(dataDir, `${name}.pid`);
}

/** Puts a server on a leash: it ends when the supervisor does, and what an earlier run left behind ends before it starts. */
export function leashed(server: ServerSpec, root: string, dataDir: string): ProcessSpec {
  const pidFile = pidFileOf(server.name, dataDir);
  const leash = join(root, 'dist/infra/local/leash.js');
  return {
    name: server.name,
    command: process.execPath,
    args: [leash, pidFile, String(server.graceMs), server.command, ...server.args],
    env: { ...process.env, ...server.env, [SERVER_MARK]: dataDir },
    cwd: root,
    stopWithinMs: server.graceMs + 1_000,
    prepare: async () => {
      await endLeftover(pidFile, dataDir);
      await server.prepare?.();
    },
  };
}

/**
 * Waits until something is true.
 * @throws ProvisionError after `timeoutMs`, with `advice`.
 */
export async function waitUntil(
  isTrue: () => Promise<boolean>,
  timeoutMs: number,
  advice: string,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new ProvisionError(advice);
    await pause(100);
  }
}
