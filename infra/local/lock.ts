import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { commandLineOf } from './leftovers.ts';

/** The process that holds a lock file; undefined when nobody does. A lock whose process is gone is no lock. */
export function lockHolder(file: string): number | undefined {
  if (!existsSync(file)) return undefined;
  const pid = Number(readFileSync(file, 'utf8'));
  return Number.isInteger(pid) && pid !== process.pid && commandLineOf(pid).includes('infra/local')
    ? pid
    : undefined;
}

/** Takes a lock file for this process; false when another live one holds it. */
export function takeLock(file: string): boolean {
  if (lockHolder(file) !== undefined) return false;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, String(process.pid));
  process.once('exit', () => {
    rmSync(file, { force: true });
  });
  return true;
}
