/**
 * Provides real programs of others, and runs the tests of the services with them: `npm run check:peers`, on servers of its own. Arguments are
 * files of tests; without any, all of them.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { provideChromium } from '../../infra/local/chromium.ts';
import { providePeers } from '../../infra/local/provision/peers.ts';
import { providePythonPackages } from '../../infra/local/provision/python-packages.ts';
import { toolsDirOf } from '../../infra/local/provision/servers.ts';
import { toError } from '../../shared/runtime/errors.ts';

const say = (words: string): void => {
  process.stdout.write(`${words}\n`);
};
const peers = await providePeers(toolsDirOf(process.cwd()), { quickOnly: false, say });
const env = { ...process.env, ...peers, ...(await python()), CHROMIUM_PATH: await chromium() };
const args = ['node_modules/vitest/vitest.mjs', 'run', '--project=peers', ...process.argv.slice(2)];
const tests = spawn(process.execPath, args, { env, stdio: ['ignore', 'inherit', 'inherit'] });
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => tests.kill(signal));
tests.once('close', (code) => {
  process.exitCode = code ?? 1;
});

async function python(): Promise<NodeJS.ProcessEnv> {
  try {
    const requirements = join(process.cwd(), 'test/peers/requirements.txt');
    const found = await providePythonPackages(toolsDirOf(process.cwd()), 'python-peers', requirements);
    return { PEERS_PYTHON: found.python, PEERS_PACKAGES: found.folder };
  } catch (thrown) {
    say(`· Python: none, so the tests with it are skipped (${toError(thrown).message.replace(/\s+/g, ' ')})`);
    return {};
  }
}

async function chromium(): Promise<string> {
  try {
    return await provideChromium(say);
  } catch (thrown) {
    say(`· Chromium: none, so the tests with it are skipped (${toError(thrown).message})`);
    return '';
  }
}
