import {
  chromium,
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  type Page,
} from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { startLocalFleet, type LocalFleet } from './local-fleet.ts';
import { until } from './until.ts';

const CHROMIUM_ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Where a person is. */
export interface Here {
  fleet: LocalFleet;
  browser: Browser;
  /** Where this person is signed in. */
  context: BrowserContext;
  /** A page of its own for each test. */
  page: Page;
}

/**
 * A person at a real Chromium, in front of the fleet that `npm start` runs, signed in by the link that it printed: for all tests of a file. Each
 * test ends without a complaint of the browser, and with the sandbox's faults switched off.
 */
export class Person {
  #here: Partial<Here> = {};
  #complaints: string[] = [];

  constructor(settings: Record<string, string>) {
    beforeAll(() => this.#begin(settings));
    afterAll(async () => {
      await this.#here.browser?.close();
      await this.#here.fleet?.stop();
    });
    beforeEach(() => this.#openPage());
    afterEach(async () => {
      const { page, fleet } = this.here;
      await page.close();
      Object.assign(fleet.sandbox, { smtpFault: undefined, smsFault: undefined });
      expect(this.#complaints).toEqual([]);
    });
  }

  get here(): Here {
    return this.#here as Here;
  }

  /** Some complaints are what the test is about. */
  ignore(words: RegExp): void {
    this.#complaints = this.#complaints.filter((complaint) => !words.test(complaint));
  }

  /** Fills the form of a mail, up to its button. */
  async fillMail(to: string): Promise<void> {
    const { page, fleet } = this.here;
    await page.goto(`${fleet.address}/send-notification`);
    await page.getByLabel('Person').fill('u1');
    await page.getByLabel('E-mail address').fill(to);
    await page.getByLabel('Subject').fill('From the form');
    await page.getByLabel('Message').fill('Hello');
  }

  /** Presses it. */
  send(): Promise<void> {
    return this.here.page.getByRole('button', { name: 'Send' }).click();
  }

  /** The state that the page of a notification shows. */
  state(words: string): ReturnType<Page['locator']> {
    return this.here.page.locator('[data-status] .tag', { hasText: words });
  }

  /** Whoever asks for what is dead finds at least one. */
  async leaveADeadLetter(): Promise<void> {
    const { fleet } = this.here;
    const mail = { user_id: 'u-left', type: 'email', email: 'bounce@example.org', message: 'Hello' };
    await fleet.call('POST', '/v1/notifications', mail);
    const dead = async () => (await fleet.call('GET', '/v1/dead-letters')).json.notifications as unknown[];
    await until(async () => (await dead()).length > 0);
  }

  /** Another browser of the same person, signed in as well. */
  async anotherBrowser(options: BrowserContextOptions): Promise<BrowserContext> {
    const { browser, context } = this.here;
    return browser.newContext({ ...options, storageState: await context.storageState() });
  }

  /** Signs another browser in, by a link that an admin makes. */
  async signInElsewhere(context: BrowserContext): Promise<void> {
    const { page, fleet } = this.here;
    await page.goto(`${fleet.address}/accounts`);
    await page.getByRole('button', { name: 'New sign-in link for operator' }).click();
    await followLink(context, await page.locator('[data-link]').innerText());
  }

  async #begin(settings: Record<string, string>): Promise<void> {
    const executablePath = process.env.CHROMIUM_PATH;
    if (executablePath === undefined)
      throw new Error('CHROMIUM_PATH is not set: run the tests with npm test');
    const fleet = await startLocalFleet(settings);
    this.#here = { fleet };
    const browser = await chromium.launch({ executablePath, args: CHROMIUM_ARGS });
    const context = await browser.newContext();
    this.#here = { fleet, browser, context };
    await followLink(context, /http\S+\/sign-in\/link\?secret=\S+/.exec(fleet.output())?.[0] ?? '');
  }

  async #openPage(): Promise<void> {
    const page = await this.here.context.newPage();
    this.#here.page = page;
    this.#complaints = [];
    page.on('console', (message) => {
      if (message.type() === 'error' && !message.text().includes('422'))
        this.#complaints.push(message.text());
    });
    page.on('pageerror', (error) => this.#complaints.push(error.message));
  }
}

async function followLink(context: BrowserContext, link: string): Promise<void> {
  const page = await context.newPage();
  await page.goto(link);
  await page.getByRole('button', { name: 'Sign in as operator' }).click();
  await page.getByRole('heading', { name: 'Tidings' }).waitFor();
  await page.close();
}
