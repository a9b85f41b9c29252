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
    if (path !== '/docs') expect([path, overflow <= 0]).toEqual([path, true]);
  }
  await page.goto(`http://127.0.0.1:${fleet.sandbox.httpPort}/`);
  await page.getByRole('heading', { name: 'Mailbox' }).waitFor();
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
