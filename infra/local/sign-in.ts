import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** `npm run sign-in [-- name]`: a one-time sign-in link for the fleet that runs in this folder. */
const fleetFile = join(resolve(process.env.TIDINGS_DATA_DIR ?? '.data'), 'fleet.json');
if (existsSync('.env')) process.loadEnvFile('.env');
if (existsSync(fleetFile)) {
  const { address, mongoUri } = JSON.parse(readFileSync(fleetFile, 'utf8')) as Record<string, string>;
  process.env.MONGO_URI ??= mongoUri;
  process.env.PUBLIC_URL ??= address;
}
// As a process of its own would be started: `node infra/local/bootstrap.mjs sign-in name`.
process.argv.splice(2, 1);
await import('../../services/producer/sign-in/main.ts');
