import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEmailChannel } from '../../../services/email/channel.ts';
import { startChannelService } from '../../../shared/delivery/index.ts';
import { startTestProducer, testConfig } from '../../support/fleet.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';
import { Visitor, signedIn } from '../../support/visitor.ts';

const PAGES = [
  '/',
  '/send-notification',
  '/notifications',
  '/dead-letters',
  '/suppressions',
  '/stats',
  '/controls',
  '/account',
  '/accounts',
  '/keys',
  '/audit',
  '/no-such-page',
  '/docs',
];
const OPEN = ['/sign-in', '/docs'];
const MAILBOX = 'http://127.0.0.1:1';
const NOTICE = /Sandbox:<\/strong> what smtp and twilio would send reaches nobody/;

let servers: TestServers;
beforeAll(async () => {
  servers = await createTestServers();
});
afterAll(async () => {
  await servers.drop();
});

/** What a person, and somebody who is not signed in, see on each page of a producer with these settings. */
async function pagesOf(settings: Record<string, string>): Promise<Record<string, string>> {
  const producer = await startTestProducer(testConfig(servers, settings));
  const person = new Visitor(producer.address, await signedIn(servers.mongoUri, 'admin'));
  const stranger = new Visitor(producer.address, '');
  const seen: Record<string, string> = {};
  for (const path of PAGES) seen[path] = (await person.open(path)).text;
  for (const path of OPEN) seen[`${path} signed out`] = (await stranger.open(path)).text;
  await producer.stop();
  return seen;
}

describe('while the sandbox delivers', () => {
  test('every page says so', async () => {
    const seen = await pagesOf({ SANDBOX_PROVIDERS: 'smtp,twilio', SANDBOX_URL: MAILBOX });
    const silent = Object.entries(seen).filter(([, text]) => !NOTICE.test(text));
    expect(silent.map(([path]) => path)).toEqual([]);
    expect(seen['/']).toContain(`<a href="${MAILBOX}">Open the mailbox</a>`);
    expect(seen['/sign-in signed out']).not.toContain(MAILBOX);
  });

  test('a consumer says in its log for which of its providers', async () => {
    const lines: [string, unknown][] = [];
    const note = (words: string, more?: unknown): void => {
      lines.push([words, more]);
    };
    const config = testConfig(servers, { SANDBOX_PROVIDERS: 'smtp,twilio', SMTP_URL: 'smtp://127.0.0.1:1' });
    const log = { error: note, warn: note, info: note, debug: note } as never;
    const service = await startChannelService({ config, log }, createEmailChannel(config), {
      concurrency: 1,
    });
    await service.stop();
    expect(lines).toContainEqual([
      'the sandbox delivers: nobody receives what these providers send',
      { providers: ['smtp'] },
    ]);
  });
});

test('no page speaks of a sandbox that delivers nothing', async () => {
  const seen = await pagesOf({ SANDBOX_URL: MAILBOX });
  expect(Object.entries(seen).filter(([, text]) => text.includes('Sandbox:'))).toEqual([]);
});
