import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MINUTE } from '../../shared/runtime/duration.ts';
import { toError } from '../../shared/runtime/errors.ts';
import { ProvisionError } from '../local/provision/run.ts';
import { BareRoot } from './bare-root.ts';
import { runTests, tryFirstMinutes } from './first-minutes.ts';

const USAGE = `npm run check:bare -- [--tests <path>]… [--minutes <n>]

Makes the smallest Debian 12 in a folder, with Node, npm and a clean clone of HEAD, and inside it runs npm start, sends the notification of the
README, stops, and runs npm test. Needs root on Debian or Ubuntu; where that is not given, it is skipped, with a line.

  --tests <path>   these tests only, such as test/unit; may be repeated
  --minutes <n>    how long npm test may take; 90
`;

const root = process.cwd();
const { values } = parseArgs({
  // Behind the name of the command, which the door takes.
  args: process.argv.slice(3),
  options: {
    tests: { type: 'string', multiple: true, default: [] },
    minutes: { type: 'string', default: '90' },
    help: { type: 'boolean', default: false },
  },
});
const say = (words: string): void => void process.stdout.write(`${words}\n`);
if (values.help) say(USAGE);
else process.exitCode = await check();

async function check(): Promise<number> {
  mkdirSync(join(root, '.data/bare'), { recursive: true });
  const folder = mkdtempSync(join(root, '.data/bare/root-'));
  say(`· a bare Debian in ${folder} …`);
  const bare = await make(folder);
  if (bare === undefined) return 0;
  const removed = removing(bare);
  try {
    await tryFirstMinutes(bare, say);
    const code = await runTests(bare, values.tests, { withinMs: Number(values.minutes) * MINUTE, say });
    say(code === 0 ? '· a bare machine: passed' : `· a bare machine: npm test ended with code ${code}`);
    return code === 0 ? 0 : 1;
  } catch (thrown) {
    say(`· a bare machine: ${toError(thrown).message}`);
    return 1;
  } finally {
    await removed();
  }
}

async function make(folder: string): Promise<BareRoot | undefined> {
  try {
    return await BareRoot.make(folder, root);
  } catch (thrown) {
    if (!(thrown instanceof ProvisionError)) throw thrown;
    say(`· skipped: ${thrown.message}`);
    return undefined;
  }
}

/** Removes it once, also when this command is asked to end. */
function removing(bare: BareRoot): () => Promise<void> {
  let going: Promise<void> | undefined;
  const remove = (): Promise<void> => (going ??= bare.remove());
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => void remove().finally(() => process.exit(1)));
  return remove;
}
