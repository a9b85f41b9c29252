import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Sandbox } from '../../../infra/local/sandbox/sandbox.ts';
import { createEmailChannel } from '../../../services/email/channel.ts';
import { readConfig } from '../../../shared/runtime/config.ts';
import { startCommand, type StartedCommand } from '../../support/command.ts';
import { GOOGLE_CLIENT, gmailSettings, googleUrl, startGoogleSandbox } from '../../support/google.ts';
import { aRecord } from '../../support/records.ts';
import { until } from '../../support/until.ts';

let sandbox: Sandbox;
let folder = '';
const commands: StartedCommand[] = [];

beforeEach(async () => {
  sandbox = await startGoogleSandbox();
  folder = mkdtempSync(join(tmpdir(), 'tidings-connect-'));
});
afterEach(async () => {
  await Promise.all(commands.splice(0).map((command) => command.stop()));
  await sandbox.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** As `npm run gmail:connect -- …` does, behind the build. */
function connect(args: string[], more: Record<string, string> = {}): StartedCommand {
  const command = startCommand(['dist/infra/gmail/main.js', 'gmail:connect', ...args], {
    PATH: process.env.PATH,
    GOOGLE_API_BASE_URL: googleUrl(sandbox),
    GMAIL_CLIENT_ID: GOOGLE_CLIENT.clientId,
    GMAIL_CLIENT_SECRET: GOOGLE_CLIENT.clientSecret,
    ...more,
  });
  commands.push(command);
  return command;
}
const addressIn = (command: StartedCommand) =>
  until(() => / (http:\S+\/o\/oauth2\/v2\/auth\S+)/.exec(command.output())?.[1], 30_000);
/** What a person does in a browser: reads the page, presses a button, and is led back. */
async function decide(
  address: string,
  decision: 'allow' | 'deny',
): Promise<{ status: number; text: string }> {
  const page = await (await fetch(address)).text();
  expect(page).toContain(`value="${decision}"`);
  const answer = await fetch(address, { method: 'POST', body: new URLSearchParams({ decision }) });
  return { status: answer.status, text: await answer.text() };
}

test('consent leads to a refresh token for sending only, by which a mail is sent', async () => {
  const command = connect([]);
  const address = new URL(await addressIn(command));
  const asked = Object.fromEntries(address.searchParams);
  expect(asked).toMatchObject({
    scope: 'https://www.googleapis.com/auth/gmail.send',
    code_challenge_method: 'S256',
    access_type: 'offline',
    prompt: 'consent',
  });
  expect(asked.redirect_uri).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
  // Whoever guesses the port but not the state gets nowhere, and stops nothing.
  const guess = await fetch(`${asked.redirect_uri ?? ''}?code=stolen&state=guessed`);
  expect(guess.status).toBe(400);
  expect(await decide(address.href, 'allow')).toEqual({
    status: 200,
    text: 'Google agrees. You can close this window.\n',
  });
  expect(await command.ended).toBe(0);
  const [, token = ''] = /^GMAIL_REFRESH_TOKEN=(\S+)$/m.exec(command.output()) ?? [];
  const config = readConfig({ ...gmailSettings(sandbox), GMAIL_REFRESH_TOKEN: token });
  const channel = createEmailChannel(config);
  expect((await channel.deliver(aRecord(), new AbortController().signal)).kind).toBe('sent');
  await channel.stop?.();
});
test('--write puts it into a file that only its owner may read, and leaves the rest of it', async () => {
  const file = join(folder, '.env');
  writeFileSync(file, 'PORT=3000\nGMAIL_REFRESH_TOKEN=old\n# mine\n', { mode: 0o644 });
  const command = connect(['--write', file, '--smtp']);
  const address = await addressIn(command);
  expect(new URL(address).searchParams.get('scope')).toBe('https://mail.google.com/');
  await decide(address, 'allow');
  expect(await command.ended).toBe(0);
  expect(readFileSync(file, 'utf8')).toMatch(/^PORT=3000\nGMAIL_REFRESH_TOKEN=1\/\/0\S{43}\n# mine\n$/);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(command.output()).not.toContain('1//0');
});
test('who does not agree, and a client that Google does not know, are told what to do', async () => {
  const denied = connect([]);
  const wrong = connect([], { GMAIL_CLIENT_SECRET: 'GOCSPX-canary-wrong' });
  const answer = await decide(await addressIn(denied), 'deny');
  expect(answer.text).toContain('Google did not agree');
  expect(await denied.ended).toBe(1);
  expect(denied.output()).toMatch(/Consent was refused: .*Run it once more/);
  await decide(await addressIn(wrong), 'allow');
  expect(await wrong.ended).toBe(1);
  expect(wrong.output()).toMatch(
    /invalid_client \(Unauthorized\)\. Check GMAIL_CLIENT_ID and GMAIL_CLIENT_SECRET/,
  );
  expect(wrong.output()).not.toContain('canary');
});
test('what is missing, taken, wrong or in vain ends it with one sentence', async () => {
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const taken = String((holder.address() as AddressInfo).port);
  const results = [
    [connect([], { GMAIL_CLIENT_ID: '' }), /GMAIL_CLIENT_ID and GMAIL_CLIENT_SECRET are needed first/],
    [connect(['--port', taken]), /Port \d+ of 127\.0\.0\.1: is taken by another program/],
    [connect(['--wait', '1']), /Nobody came back from Google within 1 s/],
    [connect(['--wait', 'x']), /--wait must be a whole number/],
    [connect(['--nonsense']), /Unknown option '--nonsense'/],
  ] as const;
  for (const [command, words] of results) {
    expect(await command.ended).toBe(1);
    expect(command.output()).toMatch(words);
    expect(command.output()).not.toMatch(/\n +at /);
  }
  holder.close();
});
