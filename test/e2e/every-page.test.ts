import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { beforeEach, expect, test } from 'vitest';
import type { LocalFleet } from '../support/local-fleet.ts';
import { Person } from '../support/person.ts';

const person = new Person({ RETRY_DELAYS: '1s,1s' });
let fleet: LocalFleet;
let page: Page;

beforeEach(() => {
  ({ fleet, page } = person.here);
});

test('every page opens at phone width without scrolling sideways, and without complaint', async () => {
  await page.setViewportSize({ width: 390, height: 800 });
  await person.leaveADeadLetter();
  for (const path of [
    '/',
    '/send-notification',
    '/notifications',
    '/dead-letters',
    '/suppressions',
    '/dead-letters/redrive?all=yes',
    '/stats',
    '/controls',
    '/account',
    '/accounts',
    '/keys',
    '/audit',
    '/docs',
  ]) {
    await page.goto(`${fleet.address}${path}`, { waitUntil: 'networkidle' });
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    if (path !== '/docs') {
      const top = await page.evaluate(() => document.querySelector('h1')?.getBoundingClientRect().top ?? 0);
      // Behind the ways and the notice that there is no password.
      expect([path, overflow <= 0, top > 0 && top < 200]).toEqual([path, true, true]);
    }
  }
  await page.goto(`http://127.0.0.1:${fleet.sandbox.httpPort}/`);
  await page.getByRole('heading', { name: 'Mailbox' }).waitFor();
});

test('at a desk, fields stand in a line, and addresses and choices are whole', async () => {
  await page.setViewportSize({ width: 1280, height: 860 });
  const mail = { user_id: 'u1', type: 'email', email: 'example@example.com', message: 'Hello' };
  await fleet.call('POST', '/v1/notifications', mail);
  await fleet.call('POST', '/v1/keys', { name: 'a key', scopes: ['read'] });
  await person.leaveADeadLetter();
  await page.goto(`${fleet.address}/notifications`);
  const tops = await Promise.all(
    ['Channel', 'Person'].map(async (label) => (await page.getByLabel(label).boundingBox())?.y),
  );
  expect(tops[0]).toBe(tops[1]);
  const to = page.locator('td.wide bdi', { hasText: 'example@example.com' }).first();
  expect(await to.evaluate((words) => words.getClientRects().length)).toBe(1);
  await page.goto(`${fleet.address}/keys`);
  // As wide as it wants to be, which is as its longest choice is.
  const widths = await page
    .locator('td select')
    .first()
    .evaluate((select) => {
      const shown = select.getBoundingClientRect().width;
      (select as HTMLElement).style.cssText = 'position: absolute';
      return [shown, select.getBoundingClientRect().width];
    });
  expect(widths[0]).toBe(widths[1]);
});

test('the API’s document leads back, and is as dark as the pages are', async () => {
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.goto(`${fleet.address}/docs`);
  const background = () =>
    page.locator('body').evaluate((body) => {
      const own = getComputedStyle(body).backgroundColor;
      return own === 'rgba(0, 0, 0, 0)' ? getComputedStyle(body.parentElement ?? body).backgroundColor : own;
    });
  await page.getByRole('heading', { name: 'Notifications' }).waitFor();
  const [red = 255] = (await background()).match(/\d+/g)?.map(Number) ?? [];
  expect(red).toBeLessThan(64);
  await page.getByRole('link', { name: 'Tidings', exact: true }).click();
  await page.getByRole('heading', { name: 'The last notifications' }).waitFor();
});

test.each(['light', 'dark'] as const)(
  'nothing on any page shuts people out, as far as axe can tell (%s)',
  async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    const { json } = await fleet.call('POST', '/v1/notifications', {
      user_id: 'u1',
      type: 'in_app',
      message: 'Hi',
      send_at: new Date(Date.now() + 3_600_000).toISOString(),
    });
    await person.leaveADeadLetter();
    for (const path of [
      '/',
      '/send-notification',
      '/notifications',
      '/notifications?from=yesterday',
      `/notifications/${String(json.id)}`,
      `/notifications/${String(json.id)}/cancel`,
      `/notifications/${String(json.id)}/retry`,
      '/dead-letters',
      '/dead-letters/redrive?all=yes',
      '/suppressions',
      '/stats',
      '/controls',
      '/controls/channel%3Aemail',
      '/account',
      '/accounts',
      '/keys',
      '/audit',
      '/sign-in',
      '/nowhere',
    ]) {
      await page.goto(fleet.address + path);
      await page
        .locator(path.startsWith('/dead-letters') ? 'td' : 'h1')
        .first()
        .waitFor();
      // Not as a script of the page, which its policy would refuse.
      await page.evaluate(axe.source);
      const found = await page.evaluate(async () => {
        const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run();
        return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
      });
      expect([path, found]).toEqual([path, []]);
    }
    // The browser notes each of the pages that are meant to be errors.
    person.ignore(/status of (404|409|422)/);
  },
);
