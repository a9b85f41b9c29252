import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isSet, setIn } from '../../shared/runtime/environment.ts';

/**
 * Reads `.env` of the current folder into the environment of this process, where a variable is not named already, and takes out what is not
 * set, so that nothing behind it can take an empty value for one. An empty variable hides the one of `.env`.
 */
export function loadEnvironment(): void {
  if (existsSync('.env')) process.loadEnvFile('.env');
  for (const [name, value] of Object.entries(process.env))
    if (!isSet(value)) Reflect.deleteProperty(process.env, name);
}

/** Where a fleet of the folder `root` keeps its data: TIDINGS_DATA_DIR, or `.data`. */
export function dataDirOf(
  root: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string {
  return resolve(root, setIn(env).TIDINGS_DATA_DIR ?? join(root, '.data'));
}
