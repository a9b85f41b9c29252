import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { toError } from '../../shared/runtime/errors.ts';
import { takeLock } from './lock.ts';
import { OwnServers } from './own-servers.ts';
import { ProvisionError } from './provision/run.ts';
import { createOutput, showsColour } from './supervisor/output.ts';

/** Runs a program of the tests on servers of its own, with the arguments of this command; ends with its exit code. */
export async function runOnOwnServers(command: string, program: string): Promise<never> {
  const root = process.cwd();
  // Colons separate folders in some variables.
  const dataDir = join(root, '.data', command.replaceAll(':', '-'));
  const output = createOutput(
    (text) => process.stdout.write(text),
    ['rabbitmq', 'mongodb'],
    showsColour(process.stdout),
  );
  const servers = new OwnServers({ root, dataDir, output });
  try {
    if (!takeLock(join(dataDir, 'lock')))
      throw new ProvisionError(`npm run ${command} runs in this folder already.`);
    process.exitCode = await runProgram(program, await servers.start());
  } catch (thrown) {
    const error = toError(thrown);
    output.warn(error instanceof ProvisionError ? error.message : (error.stack ?? error.message));
    process.exitCode = 1;
  }
  await servers.stop();
  process.exit();
}

function runProgram(program: string, env: NodeJS.ProcessEnv): Promise<number> {
  const args = ['--import', 'tsx', program, ...process.argv.slice(3)];
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'inherit', 'inherit'] });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => child.kill(signal));
  return new Promise((resolve) => {
    child.once('close', (code) => {
      resolve(code ?? 1);
    });
  });
}
