import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { FIRST_ACCOUNT } from '../../services/producer/sign-in/links.ts';
import { linkFor } from '../../services/producer/sign-in/first-link.ts';
import { pause } from '../../shared/runtime/backoff.ts';
import { readConfig } from '../../shared/runtime/config.ts';
import { toError } from '../../shared/runtime/errors.ts';
import { provideChromium } from '../local/chromium.ts';
import { showExamples } from './examples.ts';

/**
 * `npm run screenshots`: pictures of the main pages for README and docs, from the fleet that `npm start` runs in this folder, with example
 * data. Made anew by the same command, so that they stay true.
 */
const FOLDER = 'docs/pictures';
/** Wide enough for every table, and a phone. */
const WIDE = { width: 1280, height: 860 };
const PHONE = { width: 390, height: 800 };
/** Until charts have a few points and the first retries have happened, in milliseconds. */
const SETTLE_MS = 8_000;

/** Where the fleet is, as `npm start` has noted it. */
interface RunningFleet {
  address: string;
  apiKey: string;
  mongoUri: string;
  sandboxUrl?: string;
}

try {
  await takePictures();
} catch (thrown) {
  process.stderr.write(`${toError(thrown).message}\n`);
  process.exitCode = 1;
}

async function takePictures(): Promise<void> {
  const fleet = runningFleet();
  const shown = await showExamples(fleet.address, fleet.apiKey);
  await pause(SETTLE_MS);
  const { chromium } = await import('playwright-core');
  const say = (words: string): void => void process.stdout.write(`${words}\n`);
  const browser = await chromium.launch({
    executablePath: await provideChromium(say),
    args: ['--no-sandbox'],
  });
  try {
    const context = await browser.newContext({ viewport: WIDE, colorScheme: 'light' });
    const page = await context.newPage();
    await signIn(page, fleet);
    mkdirSync(FOLDER, { recursive: true });
    for (const [name, path] of Object.entries(picturesOf(shown)))
      await takeOne(page, `${fleet.address}${path}`, name);
    if (fleet.sandboxUrl !== undefined) await takeOne(page, fleet.sandboxUrl, 'mailbox');
    await page.setViewportSize(PHONE);
    await page.emulateMedia({ colorScheme: 'dark' });
    await takeOne(page, `${fleet.address}/notifications/${shown.retrying}`, 'phone');
  } finally {
    await browser.close();
  }
}

function picturesOf(shown: { retrying: string }): Record<string, string> {
  return {
    home: '/',
    stats: '/stats',
    notifications: '/notifications',
    notification: `/notifications/${shown.retrying}`,
    'dead-letters': '/dead-letters',
    controls: '/controls',
    send: '/send-notification',
  };
}

/** @throws when no fleet runs here. */
function runningFleet(): RunningFleet {
  const file = join(resolve(process.env.TIDINGS_DATA_DIR ?? '.data'), 'fleet.json');
  if (!existsSync(file))
    throw new Error('No fleet runs in this folder: npm start in another terminal first.');
  return JSON.parse(readFileSync(file, 'utf8')) as RunningFleet;
}

async function signIn(page: Page, { address, mongoUri }: RunningFleet): Promise<void> {
  const link = await linkFor({ ...readConfig(), MONGO_URI: mongoUri }, address, FIRST_ACCOUNT);
  if (!link) throw new Error(`There is no account ${FIRST_ACCOUNT} to sign in with.`);
  await page.goto(link.address);
  await page.getByRole('button', { name: 'Sign in as' }).click();
  await page.waitForURL(`${address}/`);
}

async function takeOne(page: Page, url: string, name: string): Promise<void> {
  await page.goto(url, { waitUntil: 'load' });
  await page.getByRole('heading').first().waitFor();
  // Charts and previews draw after the page is there.
  await pause(700);
  await page.screenshot({ path: join(FOLDER, `${name}.png`) });
  process.stdout.write(`${FOLDER}/${name}.png\n`);
}
