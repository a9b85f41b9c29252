import { existsSync, readFileSync, rmSync } from 'node:fs';
import { pause } from '../../shared/runtime/backoff.ts';

/** Ends a server that an earlier run left behind, if the process of the pid file is really ours: its command line names our folder. */
export async function endLeftover(pidFile: string, dataDir: string): Promise<void> {
  const pid = existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8')) : NaN;
  if (Number.isInteger(pid) && commandLineOf(pid).includes(dataDir)) await endGroup(pid);
  rmSync(pidFile, { force: true });
}

/** The words that a process was started with; empty when there is none, or none that we may see. */
export function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
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
