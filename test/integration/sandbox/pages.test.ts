import { request } from 'node:http';
import { createTransport } from 'nodemailer';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startSandbox, type Sandbox } from '../../../infra/local/sandbox/sandbox.ts';
import type { Mail } from '../../../infra/local/sandbox/mailbox.ts';

const hostile = '<script>alert(1)</script>"\'&';
let sandbox: Sandbox;
let address: string;

beforeEach(async () => {
  sandbox = await startSandbox({ smtpPort: 0, httpPort: 0, accountSid: 'AC1', authToken: 'token' });
  address = `http://127.0.0.1:${sandbox.httpPort}`;
});
afterEach(() => sandbox.stop());

const get = (path: string, init?: RequestInit) => fetch(`${address}${path}`, init);
const textOf = async (path: string) => (await get(path)).text();

/** Delivers a mail with everything a mail may have, each part hostile. */
async function hostileMail(): Promise<Mail> {
  const client = createTransport({ host: '127.0.0.1', port: sandbox.smtpPort });
  await client.sendMail({
    ...{ from: 'a@example.org', to: 'b@example.org', subject: hostile, text: `text ${hostile}` },
    html: `<p style="color: red">html ${hostile}</p>`,
    attachments: [{ filename: `${hostile}.html`, content: '<b>kept</b>', contentType: 'text/html' }],
    headers: { 'X-Hostile': { prepared: true, value: hostile } },
  });
  client.close();
  const [mail] = sandbox.mailbox.mails();
  if (!mail) throw new Error('no mail arrived');
  return mail;
}
function addText(id: string, body: string): void {
  sandbox.mailbox.add({
    ...{ kind: 'text', id, received_at: new Date(), from: '+15005550006', to: '+15005550009', body },
    ...{ segments: 1, messaging_service_sid: null },
  });
}
/** fetch does not let its caller choose the Host. */
const statusWithHost = (host: string, path = '/') =>
  new Promise<number | undefined>((resolve, reject) => {
    request({ host: '127.0.0.1', port: sandbox.httpPort, path, headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .once('error', reject)
      .end();
  });

test('the list shows mails and SMS newest first, and which recipients make faults', async () => {
  expect(await textOf('/')).toContain('Nothing yet');
  const mail = await hostileMail();
  addText('SM1', 'Code 1234');
  const page = await textOf('/');
  expect(page).not.toContain('<script>');
  expect(page.indexOf('/sms/SM1')).toBeGreaterThan(0);
  expect(page.indexOf('/sms/SM1')).toBeLessThan(page.indexOf(`/mail/${mail.id}`));
  for (const fault of ['bounce@', 'flaky@', 'down@', '+15005550105']) expect(page).toContain(fault);
});
test('the list shows the From that people see, and the mail’s page the envelope’s sender, too', async () => {
  const client = createTransport({ host: '127.0.0.1', port: sandbox.smtpPort });
  const envelope = { from: 'bounce+01a2@bounces.example.org', to: ['b@example.org'] };
  await client.sendMail({ envelope, from: 'Tidings <tidings@example.org>', to: 'b@example.org', text: 'Hi' });
  client.close();
  const list = await textOf('/');
  expect(list).toContain('>Tidings &lt;tidings@example.org&gt;</span>');
  expect(list).not.toContain('bounce+01a2');
  const page = await textOf(`/mail/${sandbox.mailbox.mails()[0]?.id ?? ''}`);
  expect(page).toContain('<dt>From</dt><dd>Tidings &lt;tidings@example.org&gt;</dd>');
  expect(page).toContain('<dt>Sender of the envelope</dt><dd>bounce+01a2@bounces.example.org</dd>');
});
test('faults stand in front of the messages, folded until one is on', async () => {
  addText('SM1', 'Code 1234');
  const page = await textOf('/');
  for (const id of ['switches', 'faults']) {
    const at = page.indexOf(`<details id="${id}"`);
    expect(at).toBeGreaterThan(0);
    expect(at).toBeLessThan(page.indexOf('/sms/SM1'));
  }
  const isOpen = /<details id="switches"\s+open/;
  expect(page).not.toMatch(isOpen);
  sandbox.smtpFault = { delayMs: 1 };
  expect(await textOf('/')).toMatch(isOpen);
});
test('a long list goes on page by page', async () => {
  for (let n = 1; n <= 51; n += 1) addText(`SM${n}`, `text ${n}`);
  const first = await textOf('/');
  expect(first).toContain('/sms/SM2"');
  expect(first).not.toContain('/sms/SM1"');
  const older = /href="(\/\?before=SM\d+)"/.exec(first)?.[1] ?? '';
  expect(await textOf(older)).toContain('/sms/SM1"');
});
test.each(['', '?view=html', '?view=headers', '?view=source', '?view=constructor'])(
  'a mail’s page %s shows nothing of it as markup',
  async (view) => {
    const mail = await hostileMail();
    const page = await textOf(`/mail/${mail.id}${view}`);
    expect(page).toContain('&lt;script&gt;alert(1)');
    expect(page).not.toContain('<script');
    expect(page).not.toMatch(/<[a-z][^>]*\sstyle=/);
    expect(page).toContain('attachments/0');
    expect(page.match(/aria-current="page"/g)).toHaveLength(1);
  },
);
test('every view of a mail shows its own part', async () => {
  const { id } = await hostileMail();
  expect(await textOf(`/mail/${id}`)).toContain('<div class="message">text &lt;script');
  expect(await textOf(`/mail/${id}?view=html`)).toContain(
    `<iframe sandbox title="The mail as HTML" src="/mail/${id}/html">`,
  );
  expect(await textOf(`/mail/${id}?view=headers`)).toContain('<dt>X-Hostile</dt>');
  expect(await textOf(`/mail/${id}?view=source`)).toContain('Content-Type: multipart/mixed');
});
test('a mail’s HTML comes as it is, under a policy that lets nothing of it run or load', async () => {
  const { id } = await hostileMail();
  const response = await get(`/mail/${id}/html`);
  expect(await response.text()).toContain('<script>alert(1)</script>');
  const policy = response.headers.get('content-security-policy');
  expect(policy).toBe(
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox",
  );
});
test('an attachment is a file to keep, whatever it calls itself', async () => {
  const { id } = await hostileMail();
  const response = await get(`/mail/${id}/attachments/0`);
  expect(await response.text()).toBe('<b>kept</b>');
  expect(response.headers.get('content-type')).toBe('application/octet-stream');
  expect(response.headers.get('content-disposition')).toMatch(/^attachment; filename=/);
  expect((await get(`/mail/${id}/attachments/1`)).status).toBe(404);
  expect((await get(`/mail/${id}/attachments/length`)).status).toBe(404);
});
test('an SMS’s page shows its text as text', async () => {
  addText('SM1', hostile);
  const page = await textOf('/sms/SM1');
  expect(page).toContain('&lt;script&gt;alert(1)');
  expect(page).not.toContain('<script');
});
test('a mail that cannot be taken apart is shown as its source', async () => {
  const raw = Buffer.from(`X: ${'x'.repeat(3 * 1024 * 1024)}\r\n\r\nbody`);
  const envelope = { from: '', to: ['b@example.org'] };
  sandbox.mailbox.add({ kind: 'mail', id: 'odd', received_at: new Date(), envelope, raw, accepted: true });
  expect((await get('/')).status).toBe(200);
  const page = await textOf('/mail/odd');
  expect(page).toContain('cannot be taken apart');
  expect(page).toContain('The rest is in the file.');
  expect((await (await get('/api/mails/odd/raw')).arrayBuffer()).byteLength).toBe(raw.length);
});
test('as JSON: the list, the bytes of a mail, and emptying it', async () => {
  const mail = await hostileMail();
  addText('SM1', 'Code 1234');
  const { messages } = (await (await get('/api/messages')).json()) as { messages: object[] };
  expect(messages).toMatchObject([
    { kind: 'text', id: 'SM1', snippet: 'Code 1234' },
    { kind: 'mail', id: mail.id, subject: hostile, from: 'a@example.org', to: 'b@example.org' },
  ]);
  const raw = await (await get(`/api/mails/${mail.id}/raw`)).arrayBuffer();
  expect(Buffer.from(raw).equals(mail.raw)).toBe(true);
  expect((await get('/api/messages', { method: 'DELETE' })).status).toBe(204);
  expect(sandbox.mailbox.all()).toEqual([]);
});
test.each(['/mail/none', '/sms/none', '/api/mails/none/raw', '/nowhere'])(
  '%s is not found, in words',
  async (path) => {
    const response = await get(path);
    expect(response.status).toBe(404);
    expect(await response.text()).toContain('no such message');
  },
);
test('what cannot be read is answered without a path of this machine', async () => {
  for (const path of ['/mail/%E0', '/assets/%2e%2e/mail.ejs', '/assets/none.js']) {
    const response = await get(path);
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(await response.text()).not.toMatch(/node_modules|infra\/|at \w+/);
  }
});
test('pages carry a strict policy, load only our own files, and are nobody else’s to keep', async () => {
  const response = await get('/');
  expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self';/);
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  // A browser with no-referrer sends `Origin: null` with our own form, which the guard refuses.
  expect(response.headers.get('referrer-policy')).toBe('same-origin');
  expect(response.headers.get('cache-control')).toBe('no-store');
  const files = Array.from(
    (await response.text()).matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g),
    ([, path]) => path,
  );
  expect(files).toHaveLength(4);
  for (const path of files) expect([path, (await get(path ?? '')).status]).toEqual([path, 200]);
});
test.each([
  ['127.0.0.1:1', 200],
  ['localhost', 200],
  ['[::1]:80', 200],
  ['rebound.example', 403],
  ['127.0.0.1.rebound.example', 403],
  ['localhost.rebound.example:80', 403],
])('a Host of %s is answered %d', async (host, status) => {
  expect(await statusWithHost(host)).toBe(status);
});
test('other sites can neither change nor listen', async () => {
  addText('SM1', 'Code 1234');
  const foreign: RequestInit[] = [
    { method: 'POST', headers: { origin: 'http://evil.example' } },
    { method: 'POST', headers: { origin: 'null' } },
    { method: 'POST', headers: { 'sec-fetch-site': 'cross-site' } },
    { method: 'POST', headers: { 'sec-fetch-site': 'same-site', origin: address } },
  ];
  for (const init of foreign) expect((await get('/clear', init)).status).toBe(403);
  expect((await get('/live', { headers: { origin: 'http://evil.example' } })).status).toBe(403);
  expect(sandbox.mailbox.all()).toHaveLength(1);
  const own = { method: 'POST', headers: { origin: address, 'sec-fetch-site': 'same-origin' } };
  expect((await get('/clear', { ...own, redirect: 'manual' })).status).toBe(303);
  expect(sandbox.mailbox.all()).toEqual([]);
});
test('an open page hears of what arrives', async () => {
  const response = await get('/live');
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  expect(response.headers.get('cache-control')).toBe('no-store, no-transform');
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  expect((await reader?.read())?.value).toBe('retry: 2000\n\n');
  addText('SM1', 'Code 1234');
  expect((await reader?.read())?.value).toBe('event: changed\ndata: \n\n');
  await reader?.cancel();
});
test('stopping cuts the pages that listen', async () => {
  const page = await get('/live');
  await sandbox.stop();
  await expect(page.text()).rejects.toThrow('terminated');
});
