import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { startLocalFleet, type LocalFleet } from '../support/local-fleet.ts';

/** A person at a real Chromium, in front of the fleet that `npm start` runs. */
let fleet: LocalFleet;
let browser: Browser;
let page: Page;
/** What the browser complained about; every test ends without any. */
let complaints: string[];

beforeAll(async () => {
  fleet = await startLocalFleet({ RETRY_DELAYS: '1s,1s' });
  const executablePath = process.env.CHROMIUM_PATH;
  if (executablePath === undefined) throw new Error('CHROMIUM_PATH is not set: run the tests with npm test');
  const args = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ];
  browser = await chromium.launch({ executablePath, args });
});
afterAll(async () => {
  await browser.close();
  await fleet.stop();
});
beforeEach(async () => {
  page = await browser.newPage();
  complaints = [];
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().includes('422')) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
});
afterEach(async () => {
  await page.close();
  expect(complaints).toEqual([]);
});

async function fillMail(to: string): Promise<void> {
  await page.goto(`${fleet.address}/send-notification`);
  await page.getByLabel('Person').fill('u1');
  await page.getByLabel('E-mail address').fill(to);
  await page.getByLabel('Subject').fill('From the form');
  await page.getByLabel('Message').fill('Hello');
}
const send = () => page.getByRole('button', { name: 'Send' }).click();
const state = (words: string) => page.locator('[data-status] .tag', { hasText: words });

test('an e-mail from the form is seen being sent, without a reload', async () => {
  await fillMail('slow@example.org');
  await send();
  await state('Being sent').waitFor();
  await page.evaluate(() => {
    document.body.dataset.mark = 'same page';
  });
  await state('Sent').waitFor();
  expect(await page.evaluate(() => document.body.dataset.mark)).toBe('same page');
});

test('one that fails comes back, one that dies is sent again by hand', async () => {
  await fillMail('flaky@example.org');
  await send();
  await state('Waiting to retry').waitFor();
  await state('Sent').waitFor();
  fleet.sandbox.smtpFault = { refuse: { at: 'rcpt', code: 550, message: '5.1.1 no such mailbox' } };
  await fillMail('late@example.org');
  await send();
  await state('Failed permanently').waitFor();
  fleet.sandbox.smtpFault = undefined;
  await page.getByRole('button', { name: 'Retry this notification' }).click();
  await state('Sent').waitFor();
  expect(await page.locator('.timeline').innerText()).toContain('manual retry');
});

test('the channel decides which fields show; an SMS and an in-app notification are sent', async () => {
  await page.goto(`${fleet.address}/send-notification`);
  await page.getByLabel('SMS').check();
  expect(await page.getByLabel('E-mail address').isVisible()).toBe(false);
  await page.getByLabel('Person').fill('u1');
  await page.getByLabel('Phone number').fill('+15005550006');
  await page.getByLabel('Message').fill('Code 1234');
  await send();
  await state('Sent').waitFor();
  await page.goto(`${fleet.address}/send-notification`);
  await page.getByLabel('In-app').check();
  await page.getByLabel('Person').fill('u1');
  await page.getByLabel('Message').fill('Welcome');
  await send();
  await state('Sent').waitFor();
});

test('errors stand beside their fields, the summary has the focus, and what was typed stays', async () => {
  await fillMail('nobody');
  await page.getByLabel('Person').fill('');
  await send();
  await page.getByText('There is a problem').waitFor();
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('summary');
  expect(await page.locator('#email-error').innerText()).toContain('must be an e-mail address');
  expect(await page.locator('#user_id-error').innerText()).toContain('is required');
  expect(await page.getByLabel('E-mail address').inputValue()).toBe('nobody');
});

test('every page opens at phone width without scrolling sideways, and without complaint', async () => {
  await page.setViewportSize({ width: 390, height: 800 });
  for (const path of ['/', '/send-notification', '/stats', '/docs']) {
    await page.goto(`${fleet.address}${path}`, { waitUntil: 'networkidle' });
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    if (path !== '/docs') expect([path, overflow <= 0]).toEqual([path, true]);
  }
  await page.goto(`http://127.0.0.1:${fleet.sandbox.httpPort}/`);
  await page.getByRole('heading', { name: 'Mailbox' }).waitFor();
});

test('without JavaScript the form sends, and the page shows the state on reload', async () => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const plain = await context.newPage();
  await plain.goto(`${fleet.address}/send-notification`);
  await plain.getByLabel('Person').fill('u1');
  await plain.getByLabel('E-mail address').fill('plain@example.org');
  await plain.getByLabel('Message').fill('Hello');
  await plain.getByRole('button', { name: 'Send' }).click();
  await plain.waitForURL(/\/notifications\//);
  await fleet.sandbox.mailbox.waitFor(
    (item) => item.kind === 'mail' && item.envelope.to.includes('plain@example.org'),
    10_000,
  );
  await plain.reload();
  expect(await plain.locator('[data-status]').innerText()).toMatch(/Sent|Being sent/);
  await context.close();
});
