/** `npm run bench`: starts servers of its own, and measures the fleet beside its peers in one go. Arguments go to test/bench/main.ts. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { toError } from '../../shared/runtime/errors.ts';
import { takeLock } from './lock.ts';
import { OwnServers } from './own-servers.ts';
import { ProvisionError } from './provision/run.ts';
import { createOutput, showsColour } from './supervisor/output.ts';

const root = process.cwd();
const dataDir = join(root, '.data/bench');
const output = createOutput(
  (text) => process.stdout.write(text),
  ['rabbitmq', 'mongodb'],
  showsColour(process.stdout),
);
const servers = new OwnServers({ root, dataDir, output });

try {
  if (!takeLock(join(dataDir, 'lock')))
    throw new ProvisionError('npm run bench runs in this folder already.');
  const env = await servers.start();
  const args = ['--import', 'tsx', 'test/bench/main.ts', ...process.argv.slice(3)];
  const bench = spawn(process.execPath, args, { env, stdio: ['ignore', 'inherit', 'inherit'] });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => bench.kill(signal));
  process.exitCode = await new Promise<number>((resolve) => {
    bench.once('close', (code) => {
      resolve(code ?? 1);
    });
  });
} catch (thrown) {
  const error = toError(thrown);
  output.warn(error instanceof ProvisionError ? error.message : (error.stack ?? error.message));
  process.exitCode = 1;
}
await servers.stop();
process.exit();
