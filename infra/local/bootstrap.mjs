/**
 * The door of `npm start`, `npm test` and of every `npm run` that needs the build: plain JavaScript without dependencies, for it runs before any is installed.
 * Installs when the lockfile changed, builds when a source changed, then hands over to the compiled command.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { digestOf, forgetBuild, isBuildFresh, noteBuild } from './build-stamp.mjs';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');
/** What can be said, and the program behind it. */
const COMMANDS = {
  start: 'local/start',
  test: 'local/test',
  reset: 'local/reset',
  'sign-in': 'local/sign-in',
  screenshots: 'generate/screenshots',
  chaos: 'chaos/main',
  bench: 'local/bench',
  fuzz: 'local/fuzz',
  'check:peers': 'local/check-peers',
  'gmail:connect': 'gmail/main',
  'dkim:record': 'dkim/main',
  'check:bare': 'bare/main',
};

checkNode();
const program = Object.entries(COMMANDS).find(([name]) => name === process.argv[2])?.[1];
if (program === undefined) fail(`Say one of: ${Object.keys(COMMANDS).join(', ')}.`);
process.chdir(ROOT);
install();
build();
await import(pathToFileURL(join(ROOT, `dist/infra/${program}.js`)).href);

/** mongodb 7 and eslint 10 need Node 20.19. */
function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  fail(
    `Tidings needs Node 20.19 or later; this is ${process.versions.node}. Install a newer one and run the same command again.`,
  );
}

function install() {
  const stamp = join(ROOT, 'node_modules/.tidings-lockfile');
  const wanted = createHash('sha256').update(readFileSync('package-lock.json')).digest('hex');
  if (read(stamp) === wanted) return;
  // The build needs the development packages, whatever NODE_ENV says.
  run(
    'npm',
    ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'],
    'installing the packages',
    [
      'The packages could not be installed. Tidings needs the package registry once, for the first start.',
      'Check the network (and npm’s proxy settings), then run the same command again.',
    ],
  );
  writeFileSync(stamp, wanted);
}

function build() {
  const sources = digestOf(ROOT);
  if (isBuildFresh(ROOT, sources)) return;
  forgetBuild(ROOT);
  run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], 'building', [
    'The build failed; the lines above say where.',
  ]);
  noteBuild(ROOT, sources);
}

/**
 * Runs a step and shows what it says only when it fails.
 * @param {string} file
 * @param {string[]} args
 * @param {string} step
 * @param {string[]} advice
 */
function run(file, args, step, advice) {
  const startedAt = Date.now();
  process.stdout.write(`· ${step} …\n`);
  const result = spawnSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  if (result.status === 0) {
    process.stdout.write(`· ${step}: done in ${((Date.now() - startedAt) / 1000).toFixed(1)} s\n`);
    return;
  }
  process.stderr.write(`${result.stdout}${result.stderr}${result.error?.message ?? ''}\n`);
  fail(advice.join('\n'));
}

/**
 * @param {string} path
 * @returns {string | undefined}
 */
function read(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

/**
 * @param {string} words
 * @returns {never}
 */
function fail(words) {
  process.stderr.write(`\n${words}\n`);
  process.exit(1);
}
