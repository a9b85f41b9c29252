import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { linkFor } from '../../services/producer/sign-in/first-link.ts';
import { newSecret } from '../../services/producer/sign-in/secrets.ts';
import { readConfig } from '../../shared/runtime/config.ts';
import { pause } from '../../shared/runtime/backoff.ts';
import { toError } from '../../shared/runtime/errors.ts';
import { Accounts, openStore } from '../../shared/store/index.ts';
import { provideChromium } from '../local/chromium.ts';
import { dataDirOf } from '../local/environment.ts';
import { showExamples } from './examples.ts';

/**
 * `npm run screenshots`: pictures of the main pages for README and docs, from the fleet that `npm start` runs in this folder, with example
 * data that it sends first, for some minutes. Made anew by the same command, so that they stay true.
 */
const FOLDER = 'docs/pictures';
/** Wide enough for every table, and a phone. */
const WIDE = { width: 1280, height: 860 };
const PHONE = { width: 390, height: 800 };
/** Charts and previews draw after the page is there; milliseconds. */
const DRAWN_MS = 700;
/** Who takes them; closed again afterwards. */
const ACCOUNT = 'pictures';

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
  const { chromium } = await import('playwright-core');
  const executablePath = await provideChromium(say);
  say('sending examples …');
  const { retrying } = await showExamples(fleet.address, fleet.apiKey);
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage({ viewport: WIDE, colorScheme: 'light' });
    await signIn(page, fleet);
    mkdirSync(FOLDER, { recursive: true });
    for (const [name, path] of Object.entries(picturesOf(retrying)))
      await takeOne(page, `${fleet.address}${path}`, name);
    if (fleet.sandboxUrl !== undefined) await takeOne(page, fleet.sandboxUrl, 'mailbox');
    await page.setViewportSize(PHONE);
    await page.emulateMedia({ colorScheme: 'dark' });
    await takeOne(page, `${fleet.address}/notifications/${retrying}`, 'phone');
  } finally {
    await browser.close();
    await closeAccount(fleet);
  }
}

function picturesOf(retrying: string): Record<string, string> {
  return {
    home: '/',
    stats: '/stats',
    notifications: '/notifications',
    notification: `/notifications/${retrying}`,
    'dead-letters': '/dead-letters',
    controls: '/controls',
    send: '/send-notification',
  };
}

/** @throws when no fleet runs here. */
function runningFleet(): RunningFleet {
  const file = join(dataDirOf(process.cwd()), 'fleet.json');
  if (!existsSync(file))
    throw new Error('No fleet runs in this folder: npm start in another terminal first.');
  return JSON.parse(readFileSync(file, 'utf8')) as RunningFleet;
}

/** With an account of its own and a password that nobody knows, so that no picture asks for one. */
async function signIn(page: Page, { address, mongoUri }: RunningFleet): Promise<void> {
  const link = await linkFor({ ...readConfig(), MONGO_URI: mongoUri }, address, ACCOUNT, true);
  await page.goto(link?.address ?? address);
  await page.getByRole('button', { name: 'Sign in as' }).click();
  await page.goto(`${address}/account`);
  await page.getByLabel('New password').fill(newSecret());
  await page.getByRole('button', { name: 'Set the password' }).click();
  await page.getByText('Your password is set').waitFor();
}

async function closeAccount({ mongoUri }: RunningFleet): Promise<void> {
  const store = openStore(mongoUri, 'screenshots');
  await new Accounts(store.db).setDisabled(ACCOUNT, true);
  await store.stop();
}

async function takeOne(page: Page, url: string, name: string): Promise<void> {
  await page.goto(url, { waitUntil: 'load' });
  await page.getByRole('heading').first().waitFor();
  await pause(DRAWN_MS);
  await page.screenshot({ path: join(FOLDER, `${name}.png`), fullPage: name === 'stats' });
  say(`${FOLDER}/${name}.png`);
}

function say(words: string): void {
  process.stdout.write(`${words}\n`);
}
