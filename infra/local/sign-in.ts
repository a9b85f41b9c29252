import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataDirOf, loadEnvironment } from './environment.ts';

/** `npm run sign-in [-- name]`: a one-time sign-in link for the fleet that runs in this folder. */
const fleetFile = join(dataDirOf(process.cwd()), 'fleet.json');
loadEnvironment();
if (existsSync(fleetFile)) {
  const { address, mongoUri } = JSON.parse(readFileSync(fleetFile, 'utf8')) as Record<string, string>;
  process.env.MONGO_URI ??= mongoUri;
  process.env.PUBLIC_URL ??= address;
}
// As a process of its own would be started: `node infra/local/bootstrap.mjs sign-in name`.
process.argv.splice(2, 1);
await import('../../services/producer/sign-in/main.ts');
