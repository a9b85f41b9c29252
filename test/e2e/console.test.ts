import type { Browser, BrowserContext, Page } from 'playwright-core';
import { beforeEach, expect, test } from 'vitest';
import { ApiClient } from '../support/api-client.ts';
import type { LocalFleet } from '../support/local-fleet.ts';
import { Person } from '../support/person.ts';
import { until } from '../support/until.ts';

const person = new Person({ RETRY_DELAYS: '1s,1s' });
let fleet: LocalFleet;
let browser: Browser;
let context: BrowserContext;
let page: Page;

beforeEach(() => {
  ({ fleet, browser, context, page } = person.here);
});

test('pausing e-mail holds back what is accepted, every page says so, and resuming sends it', async () => {
  await page.goto(`${fleet.address}/controls`);
  await page.getByRole('link', { name: 'Pause e-mail' }).click();
  await page.getByLabel('Why').fill('the mail server moves');
  await page.getByRole('button', { name: 'Pause e-mail' }).click();
  await page.locator('.notice', { hasText: 'E-mail is paused' }).waitFor();
  // By itself.
  await page.locator('[data-label=State] strong', { hasText: /^Paused$/ }).waitFor();
  await person.fillMail('patient@example.org');
  await page.getByText('the mail server moves').waitFor();
  await person.send();
  await person.state('Pending').waitFor();
  await page.getByText('Waits, because').waitFor();
  expect(await person.state('Pending').count()).toBe(1);
  const waiting = page.url();
  await page.goto(`${fleet.address}/controls`);
  await page.getByRole('button', { name: 'Resume e-mail' }).click();
  await page.goto(waiting);
  await person.state('Sent').waitFor();
  expect(await page.getByText('E-mail is paused').count()).toBe(0);
});

test('an account is made, its person signs in, cannot retry as a viewer, and signs out', async () => {
  await person.leaveADeadLetter();
  await page.goto(`${fleet.address}/accounts`);
  await page.getByLabel('Name').fill('vera@example.org');
  await page.getByLabel('Role', { exact: true }).selectOption('viewer');
  await page.getByRole('button', { name: 'Add the account' }).click();
  const link = await page.locator('[data-link]').innerText();
  const hers = await browser.newContext();
  const vera = await hers.newPage();
  await vera.goto(link);
  await vera.getByRole('button', { name: 'Sign in as vera@example.org' }).click();
  await vera.getByRole('link', { name: 'Choose one' }).click();
  await vera.getByLabel('New password').fill('a long enough sentence');
  await vera.getByRole('button', { name: 'Set the password' }).click();
  await vera.getByText('Your password is set').waitFor();
  await vera.goto(`${fleet.address}/notifications?status=failed_permanently`);
  await vera.locator('th a').first().click();
  await vera.getByText('Your role is viewer').waitFor();
  expect(await vera.getByRole('link', { name: 'Retry this notification' }).count()).toBe(0);
  const refused = await vera.goto(`${vera.url()}/retry`);
  expect(refused?.status()).toBe(403);
  await vera.getByRole('button', { name: 'Sign out' }).click();
  await vera.goto(`${fleet.address}/stats`);
  await vera.getByRole('heading', { name: 'Sign in' }).waitFor();
  await vera.getByLabel('Name').fill('vera@example.org');
  await vera.getByLabel('Password').fill('not her password');
  await vera.getByRole('button', { name: 'Sign in' }).click();
  await vera.getByRole('link', { name: 'Password or name is wrong' }).waitFor();
  await vera.waitForFunction(() => document.activeElement?.id === 'summary');
  expect(await vera.getByLabel('Password').inputValue()).toBe('');
  await vera.getByLabel('Password').fill('a long enough sentence');
  await vera.getByRole('button', { name: 'Sign in' }).click();
  await vera.getByRole('heading', { name: 'Stats' }).waitFor();
  await hers.close();
});

test('the charts draw what was sent, and go on by themselves', async () => {
  await fleet.call('POST', '/v1/notifications', { user_id: 'u1', type: 'in_app', message: 'The first' });
  await page.goto(`${fleet.address}/stats`);
  await page.locator('.u-over').nth(1).waitFor();
  const drawn = () =>
    page
      .locator('canvas')
      .first()
      .evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL());
  const series = () =>
    page.evaluate(async () => {
      const { accepted } = (await (await fetch('/stats/series?range=hour')).json()) as { accepted: number[] };
      return accepted.reduce((sum, count) => sum + count, 0);
    });
  // Each line can be told by its pattern alone, and has a value while nobody points at one.
  const legend = page.locator('.u-legend').first();
  const patterns = await legend
    .locator('path')
    .evaluateAll((paths) => paths.map((one) => one.getAttribute('stroke-dasharray')));
  expect([patterns.length, new Set(patterns).size]).toEqual([6, 6]);
  expect(await legend.locator('td').allInnerTexts()).toEqual([
    expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d$/),
    ...Array.from({ length: 6 }, () => expect.stringMatching(/^[\d,]+$/) as string),
  ]);
  const before = await until(async () => (await series()) || undefined);
  const total = async (): Promise<string> => await page.locator('.balance').innerText();
  await until(async () => (await total()).includes('balances'));
  const [shown, picture] = [await total(), await drawn()];
  await fleet.call('POST', '/v1/notifications', { user_id: 'u1', type: 'in_app', message: 'One more' });
  await until(async () => (await series()) === before + 1);
  // Without a reload.
  await until(async () => (await total()) !== shown && (await total()).includes('balances'));
  await until(async () => (await drawn()) !== picture);
});

test('the preview follows what is typed, shows HTML as the mail will, and leaves the history alone', async () => {
  await page.goto(`${fleet.address}/send-notification`);
  const entries = await page.evaluate(() => history.length);
  const preview = () => page.frameLocator('iframe.preview:not([hidden])');
  // Nothing to see yet, and no button for what comes by itself.
  for (const hidden of [page.locator('iframe.preview'), page.getByText('Preview', { exact: true }).first()])
    expect(await hidden.isVisible()).toBe(false);
  expect(await page.locator('[data-preview]').isVisible()).toBe(false);
  await page.getByLabel('Message').fill('Hello <b>you</b>');
  await preview().getByText('Hello <b>you</b>').waitFor();
  await page
    .getByLabel('The same as HTML')
    .fill('<h1 style="color: teal">Big</h1><script>top.document.title="owned"</script>');
  await preview().getByRole('heading', { name: 'Big' }).waitFor();
  expect(await page.title()).not.toContain('owned');
  await page.getByLabel('SMS').check();
  await preview().getByText('1 segment, GSM-7').waitFor();
  expect(await page.evaluate(() => history.length)).toBe(entries);
  person.ignore(/Blocked script execution/);
});

test('one is scheduled in the viewer’s own time', async () => {
  const inTokyo = await person.anotherBrowser({
    timezoneId: 'Asia/Tokyo',
  });
  const page = await inTokyo.newPage();
  await page.goto(`${fleet.address}/send-notification`);
  await page.getByLabel('In-app').check();
  await page.getByLabel('Person').fill('u-later');
  await page.getByLabel('Message').fill('Later');
  await page.getByText('Later, or not after a time').click();
  await page.getByLabel('Not before').fill('2031-05-01T09:30');
  await page.getByRole('button', { name: 'Send' }).click();
  await page.locator('[data-status] .tag', { hasText: 'Scheduled' }).waitFor();
  const { json } = await fleet.call('GET', '/v1/users/u-later/notifications?type=in_app');
  const [first] = (await fleet.call('GET', '/v1/notifications?user_id=u-later')).json.notifications as {
    send_at: string;
  }[];
  expect(first?.send_at).toBe('2031-05-01T00:30:00.000Z');
  expect(json).toBeDefined();
  await inTokyo.close();
});

test('the theme that was chosen stays, from the first byte of every page', async () => {
  const own = await person.anotherBrowser({ colorScheme: 'light' });
  const page = await own.newPage();
  await page.goto(`${fleet.address}/notifications?type=email`);
  await page.getByRole('button', { name: 'Dark' }).click();
  await page.waitForURL(`${fleet.address}/notifications?type=email`);
  const has = (colour: string) =>
    page.waitForFunction((wanted) => getComputedStyle(document.body).backgroundColor === wanted, colour);
  await has('rgb(20, 24, 29)');
  expect(
    await (await own.request.get(`${fleet.address}/stats`, { headers: { accept: 'text/html' } })).text(),
  ).toContain('data-theme="dark"');
  await page.getByRole('button', { name: 'As the system' }).click();
  await has('rgb(255, 255, 255)');
  await own.close();
});

test('a fault that is switched on in the mailbox makes mails fail, until it is switched off', async () => {
  const mailbox = `http://127.0.0.1:${fleet.sandbox.httpPort}/`;
  await page.goto(mailbox);
  // The Gmail API has a switch of the same words.
  const ofMail = page.getByRole('group', { name: 'The mail server' });
  await page.goto(`${mailbox}#faults`);
  await page.getByText('bounce@example.org').first().waitFor();
  await page.getByText('Faults for everybody').click();
  await ofMail.getByLabel('Answers 550 to all').check();
  await page.getByRole('button', { name: 'Switch', exact: true }).click();
  await page.getByText('The mail server misbehaves').waitFor();
  await person.fillMail('anybody@example.org');
  await person.send();
  await person.state('Failed permanently').waitFor();
  await page.goto(mailbox);
  await ofMail.getByLabel('Takes every mail').check();
  await page.getByRole('button', { name: 'Switch', exact: true }).click();
  await page.getByRole('heading', { name: 'Mailbox' }).waitFor();
  expect(await page.getByText('misbehaves').count()).toBe(0);
  expect(fleet.sandbox.smtpFault).toBeUndefined();
});

test('when the session is over, a page that is open leads to the sign-in, and back', async () => {
  await person.leaveADeadLetter();
  const own = await browser.newContext();
  const page = await own.newPage();
  await person.signInElsewhere(own);
  await page.goto(`${fleet.address}/stats`);
  const other = await own.newPage();
  await other.goto(fleet.address);
  await other.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  expect(page.url()).toContain('next=%2Fstats');
  await own.close();
});

test('eight tabs that watch a notification are all alive', async () => {
  const { json } = await fleet.call('POST', '/v1/notifications', {
    user_id: 'u1',
    type: 'in_app',
    message: 'Watched',
    send_at: new Date(Date.now() + 3_600_000).toISOString(),
  });
  const tabs = await Promise.all(Array.from({ length: 8 }, () => context.newPage()));
  for (const tab of tabs) await tab.goto(`${fleet.address}/notifications/${String(json.id)}`);
  await fleet.call('POST', `/v1/notifications/${String(json.id)}/cancel`);
  for (const tab of tabs) await tab.locator('[data-status] .tag', { hasText: 'Canceled' }).waitFor();
  for (const tab of tabs) await tab.close();
});

test('without JavaScript one signs in, filters, retries, pauses and signs out', async () => {
  await person.leaveADeadLetter();
  const plain = await person.anotherBrowser({
    javaScriptEnabled: false,
  });
  const page = await plain.newPage();
  await page.goto(`${fleet.address}/notifications`);
  await page.getByRole('link', { name: 'Failed permanently' }).first().click();
  await page.getByLabel('Person').fill('u-left');
  await page.getByRole('button', { name: 'Filter' }).click();
  expect(page.url()).toContain('status=failed_permanently');
  await page.locator('th a').first().click();
  await page.getByRole('link', { name: 'Retry this notification' }).click();
  await page.getByRole('button', { name: 'Retry this notification' }).click();
  expect(await page.locator('.timeline').innerText()).toContain('web:operator');
  await page.goto(`${fleet.address}/controls`);
  await page.getByRole('link', { name: 'Pause SMS' }).click();
  await page.getByLabel('Why').fill('a test');
  await page.getByRole('button', { name: 'Pause SMS' }).click();
  await page.getByRole('button', { name: 'Resume SMS' }).click();
  await page.goto(`${fleet.address}/accounts`);
  expect(await page.locator('time').first().innerText()).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
  expect(await page.locator('footer').innerText()).toContain('Times are of UTC');
  await page.getByLabel('Name').fill('plain@example.org');
  await page.getByRole('button', { name: 'Add the account' }).click();
  const link = await page.locator('[data-link]').innerText();
  await plain.clearCookies();
  await page.goto(link);
  await page.getByRole('button', { name: 'Sign in as plain@example.org' }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await plain.close();
});

test('what gets into a page of ours all the same does not run: its policy blocks it', async () => {
  await page.goto(`${fleet.address}/notifications`);
  const blocked = await page.evaluate(async () => {
    const violations = new Set<string>();
    const isBlocked = new Promise<void>((resolve) => {
      document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => {
        violations.add(effectiveDirective);
        const all = ['frame-src', 'img-src', 'script-src-attr', 'script-src-elem'];
        if (all.every((one) => violations.has(one))) resolve();
      });
    });
    const script = document.createElement('script');
    script.textContent = 'document.title = "owned"';
    const picture = document.createElement('div');
    picture.innerHTML =
      '<img src="data:," onerror="document.title = `owned`"><a href="javascript:document.title=`owned`">x</a>';
    const remote = document.createElement('script');
    remote.src = 'https://evil.example/x.js';
    const frame = document.createElement('iframe');
    frame.src = 'https://evil.example/';
    document.body.append(script, picture, remote, frame);
    picture.querySelector('a')?.click();
    await isBlocked;
    return [...violations].sort();
  });
  expect(blocked).toEqual(
    expect.arrayContaining(['frame-src', 'img-src', 'script-src-attr', 'script-src-elem']),
  );
  expect(await page.title()).not.toContain('owned');
  // The browser says what it blocked, and says so as errors.
  person.ignore(/Content Security Policy/);
});

test('an admin makes a key, a program uses it, and revoked it opens nothing', async () => {
  await page.goto(`${fleet.address}/keys`);
  await page.getByLabel('Name', { exact: true }).fill('shop checkout');
  await page.getByLabel('send', { exact: true }).check();
  await page.getByRole('button', { name: 'Make the key' }).click();
  const key = (await page.locator('[data-key]').textContent()) ?? '';
  const program = new ApiClient(fleet.address, key);
  const body = { user_id: 'u1', type: 'in_app', message: 'Hi' };
  expect((await program.call('POST', '/v1/notifications', body)).status).toBe(202);
  await page.goto(`${fleet.address}/keys`);
  await page.getByRole('heading', { name: 'Keys' }).waitFor();
  expect(await page.content()).not.toContain(key);
  await page.getByRole('button', { name: 'Revoke shop checkout' }).click();
  await page.getByRole('cell', { name: 'revoked' }).waitFor();
  await until(async () => (await program.call('POST', '/v1/notifications', body)).status === 401, 5_000);
  await page.goto(`${fleet.address}/audit?act=key_revoked`);
  await page.getByRole('cell', { name: 'key revoked' }).first().waitFor();
});
