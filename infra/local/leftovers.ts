import { existsSync, readFileSync, rmSync } from 'node:fs';
import { pause } from '../../shared/runtime/backoff.ts';

/** Every server that we start carries this in its environment, with its data folder: so it is known as ours, whatever its command line says. */
export const SERVER_MARK = 'TIDINGS_SERVER_OF';

/** Ends a server that an earlier run left behind, if the process of the pid file is really ours. */
export async function endLeftover(pidFile: string, dataDir: string): Promise<void> {
  const pid = existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8')) : NaN;
  if (Number.isInteger(pid) && isServerOf(pid, dataDir)) await endGroup(pid);
  rmSync(pidFile, { force: true });
}

/** Whether a process is a server, or a child of one, that was started for a data folder. */
export function isServerOf(pid: number, dataDir: string): boolean {
  return readProcess(pid, 'environ').split('\0').includes(`${SERVER_MARK}=${dataDir}`);
}

/** The words that a process was started with; empty when there is none, or none that we may see. */
export function commandLineOf(pid: number): string {
  return readProcess(pid, 'cmdline').replaceAll('\0', ' ');
}

function readProcess(pid: number, file: 'cmdline' | 'environ'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

async function endGroup(pid: number): Promise<void> {
  for (const [signal, patienceMs] of [
    ['SIGTERM', 5_000],
    ['SIGKILL', 2_000],
  ] as const) {
    try {
      process.kill(-pid, signal);
    } catch {
      return;
    }
    const deadline = Date.now() + patienceMs;
    while (Date.now() < deadline && commandLineOf(pid) !== '') await pause(50);
  }
}
