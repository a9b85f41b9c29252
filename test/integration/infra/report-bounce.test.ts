import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { findProgram } from '../../../infra/local/provision/run.ts';

/** The command of a Postfix pipe, with a server that answers what a test wants. */
const SCRIPT = 'infra/mail/report-bounce.sh';
const RECIPIENT = 'bounce+0123-abcd@bounces.example.org';
const MAIL = 'Subject: Undelivered\n\nÿ\u0001\n';
const VALIDATION = '{"status":400,"code":"validation_failed","errors":[{"field":"recipient"}]}';

const hasCurl = findProgram('curl') !== undefined;
if (!hasCurl) console.warn('skipped: report-bounce.sh, because curl is not installed');

let server: Server;
let folder: string;
let asked: { url: string; headers: IncomingMessage['headers']; body: Buffer }[];
let answer: { status: number; body: string };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'report-bounce-'));
  server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      asked.push({ url: request.url ?? '', headers: request.headers, body: Buffer.concat(pieces) });
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
beforeEach(() => {
  asked = [];
  answer = { status: 200, body: '{"heard":"moved"}' };
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

const address = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/callbacks/email/dsn`;
function settingsFile(text: string): string {
  const file = join(folder, 'report-bounce.conf');
  writeFileSync(file, text);
  return file;
}
const good = () => settingsFile(`URL=${address()}\nKEY=the-key\n`);

function run(args: string[], env = process.env): Promise<{ code: number | null; said: string }> {
  return new Promise((resolve) => {
    const child = spawn('/bin/sh', [SCRIPT, ...args], { stdio: ['pipe', 'pipe', 'pipe'], env });
    let said = '';
    child.stdout.on('data', (piece: Buffer) => (said += piece.toString()));
    child.stderr.on('data', (piece: Buffer) => (said += piece.toString()));
    child.stdin.on('error', () => undefined).end(MAIL);
    child.once('close', (code) => {
      resolve({ code, said });
    });
  });
}

/** What the server answers, with which code the script ends, and what it says to Postfix. */
const ANSWERS: [status: number, body: string, code: number, words: RegExp][] = [
  [400, VALIDATION, 67, /^5\.1\.1 /],
  [413, '', 65, /^5\.3\.4 /],
  [400, '<html>a proxy says no</html>', 75, /^4\.3\.0 .* answered 400: <html>/],
  ...[302, 401, 403, 404, 405, 408, 415, 429, 500, 502, 503].map((status): (typeof ANSWERS)[number] => [
    status,
    '',
    75,
    new RegExp(`^4\\.3\\.0 .* answered ${status}`),
  ]),
];

describe.skipIf(!hasCurl)('report-bounce.sh', () => {
  test('hands the mail over as it is, with the key, and the plus of the return path escaped', async () => {
    expect(await run(['-c', good(), RECIPIENT])).toEqual({ code: 0, said: '' });
    const [one] = asked;
    expect(new URL(one?.url ?? '', address()).searchParams.get('recipient')).toBe(RECIPIENT);
    expect(one?.headers).toMatchObject({
      authorization: 'Bearer the-key',
      'content-type': 'message/rfc822',
    });
    expect(one?.body.toString()).toBe(MAIL);
  });
  test.each(ANSWERS)('answers %i %s with exit code %i', async (status, body, code, words) => {
    answer = { status, body };
    const finished = await run(['-c', good(), RECIPIENT]);
    expect([finished.code, finished.said]).toEqual([code, expect.stringMatching(words)]);
    expect(finished.said).not.toContain('the-key');
  });
  test.each([
    [
      'a port where nobody listens',
      () => settingsFile('URL=http://127.0.0.1:1/\nKEY=k\n'),
      /cannot be reached/,
    ],
    ['a name that does not exist', () => settingsFile('URL=http://x.invalid/\nKEY=k\n'), /cannot be reached/],
    ['no URL', () => settingsFile('KEY=k\n'), /no line URL=/],
    ['no key', () => settingsFile(`URL=${address()}\n`), /no line KEY=/],
    ['no file', () => join(folder, 'missing.conf'), /cannot be read/],
  ])('exits with 75 with %s', async (_what, file, words) => {
    const finished = await run(['-c', file(), RECIPIENT]);
    expect([finished.code, finished.said]).toEqual([75, expect.stringMatching(words)]);
  });
  test('exits with 75 with several recipients, or none', async () => {
    for (const recipients of [[RECIPIENT, RECIPIENT], []])
      expect(await run(['-c', good(), ...recipients])).toMatchObject({
        code: 75,
        said: expect.stringContaining('destination_recipient_limit') as string,
      });
  });
});
