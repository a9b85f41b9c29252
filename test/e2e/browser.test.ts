import type { Page } from 'playwright-core';
import { beforeEach, expect, test } from 'vitest';
import type { LocalFleet } from '../support/local-fleet.ts';
import { Person } from '../support/person.ts';
import { until } from '../support/until.ts';

const person = new Person({ RETRY_DELAYS: '1s,1s' });
let fleet: LocalFleet;
let page: Page;

beforeEach(() => {
  ({ fleet, page } = person.here);
});

test('an e-mail from the form is seen being sent, without a reload', async () => {
  await person.fillMail('slow@example.org');
  await person.send();
  await person.state('Being sent').waitFor();
  await page.evaluate(() => {
    document.body.dataset.mark = 'same page';
  });
  await person.state('Sent').waitFor();
  expect(await page.evaluate(() => document.body.dataset.mark)).toBe('same page');
});

test('one that fails comes back, one that dies is sent again by hand', async () => {
  await person.fillMail('flaky@example.org');
  await person.send();
  await person.state('Waiting to retry').waitFor();
  await person.state('Sent').waitFor();
  fleet.sandbox.smtpFault = { refuse: { at: 'rcpt', code: 550, message: '5.1.0 not wanted here' } };
  await person.fillMail('late@example.org');
  await person.send();
  await person.state('Failed permanently').waitFor();
  fleet.sandbox.smtpFault = undefined;
  await page.getByRole('link', { name: 'Retry this notification' }).click();
  await page.getByRole('heading', { name: 'Send this notification again?' }).waitFor();
  await page.getByRole('button', { name: 'Retry this notification' }).click();
  await person.state('Sent').waitFor();
  expect(await page.locator('.timeline').innerText()).toContain('manual retry');
});

test('the channel decides which fields show; an SMS and an in-app notification are sent', async () => {
  await page.goto(`${fleet.address}/send-notification`);
  await page.getByLabel('SMS').check();
  expect(await page.getByLabel('E-mail address').isVisible()).toBe(false);
  await page.getByLabel('Person').fill('u1');
  await page.getByLabel('Phone number').fill('+15005550006');
  await page.getByLabel('Message').fill('Code 1234');
  await person.send();
  await person.state('Sent').waitFor();
  await page.goto(`${fleet.address}/send-notification`);
  await page.getByLabel('In-app').check();
  await page.getByLabel('Person').fill('u1');
  await page.getByLabel('Message').fill('Welcome');
  await person.send();
  await person.state('Sent').waitFor();
});

test('errors stand beside their fields, what was typed stays, and what is corrected is called wrong no longer', async () => {
  await person.fillMail('nobody');
  await page.getByLabel('Person').fill('');
  await person.send();
  await page.getByText('There is a problem').waitFor();
  await page.waitForFunction(() => document.activeElement?.id === 'summary');
  expect(await page.locator('#email-error').innerText()).toContain('must be an e-mail address');
  expect(await page.locator('#user_id-error').innerText()).toContain('is required');
  expect(await page.getByLabel('E-mail address').inputValue()).toBe('nobody');
  await page.getByLabel('E-mail address').fill('somebody@example.org');
  expect(await page.locator('#email-error').count()).toBe(0);
  expect(await page.locator('#summary li').allInnerTexts()).toEqual([expect.stringMatching(/^Person/)]);
  expect(await page.title()).toContain('Error: ');
  await page.getByLabel('Person').fill('u1');
  expect(await page.getByText('There is a problem').count()).toBe(0);
  expect(await page.title()).not.toContain('Error: ');
});

test('one is found in the list and taken back, by keyboard alone', async () => {
  const send_at = new Date(Date.now() + 3_600_000).toISOString();
  const { json } = await fleet.call('POST', '/v1/notifications', {
    user_id: 'u-list',
    type: 'in_app',
    message: 'Not yet',
    send_at,
  });
  await page.goto(`${fleet.address}/notifications`);
  await page.getByLabel('Person').focus();
  await page.keyboard.type('u-list');
  await page.keyboard.press('Enter');
  await page.waitForURL(/user_id=u-list/);
  await page.getByRole('link', { name: 'Not yet' }).focus();
  await page.keyboard.press('Enter');
  await page.waitForURL(new RegExp(String(json.id)));
  await page.getByRole('link', { name: 'Cancel this notification' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Cancel this notification' }).focus();
  await page.keyboard.press('Enter');
  await person.state('Canceled').waitFor();
});

test('two hundred dead letters are looked into, redriven with a number and a reason, and arrive', async () => {
  fleet.sandbox.smtpFault = { refuse: { at: 'rcpt', code: 550, message: '5.1.0 not wanted here' } };
  const notifications = Array.from({ length: 200 }, (_, index) => ({
    user_id: 'u-dead',
    type: 'email',
    email: `dead${index}@example.org`,
    message: 'Hello',
  }));
  await fleet.call('POST', '/v1/notifications/batch', { notifications });
  await until(async () => {
    const { json } = await fleet.call('POST', '/v1/dead-letters/retry', {
      filter: { user_id: 'u-dead' },
      dry_run: true,
    });
    return json.matched === 200;
  }, 30_000);
  fleet.sandbox.smtpFault = undefined;
  await page.goto(`${fleet.address}/dead-letters?user_id=u-dead`);
  await page.getByRole('link', { name: 'Redrive all that match' }).click();
  await page.getByRole('heading', { name: 'Redrive 200 dead letters?' }).waitFor();
  await page.getByLabel('Why').fill('the mail server is back');
  await page.getByLabel('How many per second').fill('100');
  await page.getByLabel('Type 200 to confirm').fill('200');
  await page.getByRole('button', { name: 'Redrive 200 dead letters' }).click();
  await page.getByText('200 of 200').waitFor();
  await page.locator('[data-final]').waitFor();
  await page.getByText('Sent 200').waitFor();
  await until(async () => {
    const { json } = await fleet.call('GET', '/v1/notifications?user_id=u-dead&status=sent&limit=200');
    return (json.notifications as unknown[]).length === 200;
  }, 30_000);
});

test('times are the viewer’s, and the exact one is on hover', async () => {
  const inTokyo = await person.anotherBrowser({
    timezoneId: 'Asia/Tokyo',
    locale: 'en-US',
  });
  const page = await inTokyo.newPage();
  await page.goto(`${fleet.address}/notifications`);
  const time = page.locator('td time').first();
  const [shown, exact] = [await time.innerText(), (await time.getAttribute('title')) ?? ''];
  // Tokyo is nine hours ahead all year.
  const inTokyoNow = new Date(Date.parse(exact) + 9 * 3_600_000).toISOString();
  expect(shown).toBe(inTokyoNow.slice(0, 19).replace('T', ' '));
  await page.getByText('Times are of Asia/Tokyo').waitFor();
  expect(exact).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
  await inTokyo.close();
});

test('without JavaScript the form sends, and the page shows the state on reload', async () => {
  const withoutScripts = await person.anotherBrowser({
    javaScriptEnabled: false,
  });
  const plain = await withoutScripts.newPage();
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
  await withoutScripts.close();
});

test('the HTML of a mail shows in its frame, and its script does not run', async () => {
  const { json } = await fleet.call('POST', '/v1/notifications', {
    user_id: 'u1',
    type: 'email',
    email: 'html@example.org',
    message: 'Hello',
    html: '<p style="color:teal">Hello</p><script>top.document.title = "owned"</script>',
  });
  await page.goto(`${fleet.address}/notifications/${String(json.id)}`);
  await page.getByText('As HTML').click();
  await page.frameLocator('iframe').getByText('Hello').waitFor();
  expect(await page.title()).not.toContain('owned');
  // The browser says that it blocked it, and says so as an error.
  person.ignore(/Blocked script execution/);
});
