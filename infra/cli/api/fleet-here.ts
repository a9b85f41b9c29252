import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { projectRoot } from '../../local/sandbox/project-root.ts';

const fleetFile = z.object({ address: z.url(), apiKey: z.string() });

/** Where the fleet of this folder listens, and its key. */
export type FleetHere = z.output<typeof fleetFile>;

/**
 * The fleet that `npm start` runs in this project's folder; undefined when none runs: another program may listen on its port by now, and the key
 * is not for that one. The file is readable by whoever started the fleet only.
 */
export function fleetHere(env: NodeJS.ProcessEnv): FleetHere | undefined {
  const root = projectRoot(dirname(fileURLToPath(import.meta.url)));
  const dataDir = resolve(root, env.TIDINGS_DATA_DIR ?? '.data');
  try {
    if (!isAlive(Number(readFileSync(join(dataDir, 'lock'), 'utf8')))) return undefined;
    return fleetFile.parse(JSON.parse(readFileSync(join(dataDir, 'fleet.json'), 'utf8')));
  } catch {
    // Not there, not ours to read, or half written: then there is none to find.
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  if (existsSync(`/proc/${pid}`)) return true;
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
