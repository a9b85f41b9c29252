import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { PROJECT_ROOT } from '../../../shared/runtime/project-root.ts';
import { dataDirOf } from '../../local/environment.ts';
import { lockHolder } from '../../local/lock.ts';

const fleetFile = z.object({ address: z.url(), apiKey: z.string() });

/** Where the fleet of this folder listens, and its key. */
export type FleetHere = z.output<typeof fleetFile>;

/**
 * The fleet that `npm start` runs in this project's folder; undefined when none runs: another program may listen on its port by now, and the key
 * is not for that one. The file is readable by whoever started the fleet only.
 */
export function fleetHere(env: NodeJS.ProcessEnv): FleetHere | undefined {
  const dataDir = dataDirOf(PROJECT_ROOT, env);
  try {
    if (lockHolder(join(dataDir, 'lock')) === undefined) return undefined;
    return fleetFile.parse(JSON.parse(readFileSync(join(dataDir, 'fleet.json'), 'utf8')));
  } catch {
    // Not there, not ours to read, or half written: then there is none to find.
    return undefined;
  }
}
