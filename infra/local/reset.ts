import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { lockHolder } from './lock.ts';

const dataDir = join(process.cwd(), '.data');

if (!existsSync(dataDir)) end('There is nothing to remove: .data/ does not exist.', 0);
for (const lock of ['lock', 'test/lock', 'chaos.lock']) {
  const holder = lockHolder(join(dataDir, lock));
  if (holder !== undefined) end(`Tidings is running here. Stop it with Ctrl-C first, or: kill ${holder}`, 1);
}
if (!process.argv.includes('--yes')) await ask();
rmSync(dataDir, { recursive: true, force: true });
end('Removed. The next npm start begins anew.', 0);

async function ask(): Promise<void> {
  if (!process.stdin.isTTY)
    end('This removes .data/ for good, and there is no terminal to ask on. Say: npm run reset -- --yes', 1);
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(
    'This removes .data/ for good: every notification, message and key of this clone. Type yes: ',
  );
  terminal.close();
  if (answer.trim() !== 'yes') end('Nothing was removed.', 1);
}

function end(words: string, code: number): never {
  process.stdout.write(`${words}\n`);
  process.exit(code);
}
