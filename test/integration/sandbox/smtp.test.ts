import { once } from 'node:events';
import { connect } from 'node:net';
import { createTransport, type Transporter } from 'nodemailer';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startSandbox, type Sandbox } from '../../../infra/local/sandbox/sandbox.ts';
import { converse } from './conversation.ts';

let sandbox: Sandbox;
let client: Transporter;

beforeEach(async () => {
  sandbox = await startSandbox({ smtpPort: 0, httpPort: 0, accountSid: 'AC1', authToken: 'token' });
  client = createTransport({ host: '127.0.0.1', port: sandbox.smtpPort });
});
afterEach(async () => {
  client.close();
  await sandbox.stop();
});

const send = (to: string, messageId = '<1@tidings.example>') =>
  client.sendMail({
    from: 'hello@tidings.example',
    to,
    subject: 'Grüße',
    text: 'Hello\n.\nworld',
    messageId,
  });
const answerOf = async (to: string, messageId?: string) => {
  try {
    await send(to, messageId);
    return 250;
  } catch (thrown) {
    const { responseCode, code } = thrown as { responseCode?: number; code?: string };
    return responseCode ?? code;
  }
};

test('an ordinary mail is kept byte by byte, with its envelope', async () => {
  const waiting = sandbox.mailbox.waitFor(({ kind }) => kind === 'mail', 5_000);
  const raw = 'Subject: bytes\r\n\r\n..dots\r\n\xff\xfe\r\n';
  await client.sendMail({
    envelope: { from: 'a@example.org', to: ['b@example.org', 'c@example.org'] },
    raw: Buffer.from(raw, 'latin1'),
  });
  expect(await waiting).toMatchObject({
    accepted: true,
    envelope: { from: 'a@example.org', to: ['b@example.org', 'c@example.org'] },
    raw: Buffer.from(raw, 'latin1'),
  });
});
test.each([
  ['bounce@example.org', 550],
  ['full@example.org', 452],
  ['fail@example.org', 451],
  ['down+2@example.org', 451],
])('to %s is answered %d every time, and nothing arrives', async (to, code) => {
  expect([await answerOf(to), await answerOf(to), await answerOf(to)]).toEqual([code, code, code]);
  expect(sandbox.mailbox.mails()).toEqual([]);
});
test('to flaky@ each Message-ID fails twice and is then accepted', async () => {
  for (const id of ['<1@a.example>', '<2@a.example>']) {
    const answers = [];
    for (let attempt = 0; attempt < 3; attempt += 1) answers.push(await answerOf('flaky+1@x.example', id));
    expect(answers).toEqual([451, 451, 250]);
  }
  expect(sandbox.mailbox.mails()).toHaveLength(2);
});
test('to drop@ the connection ends without a reply, the first time of each Message-ID', async () => {
  expect(await answerOf('drop@example.org', '<1@a.example>')).toBe('ECONNECTION');
  expect(await answerOf('drop@example.org', '<1@a.example>')).toBe(250);
  expect(await answerOf('drop@example.org', '<2@a.example>')).toBe('ECONNECTION');
  expect(sandbox.mailbox.mails()).toHaveLength(1);
});
test('of several magic recipients each shows its fault in turn', async () => {
  const to = 'ada@example.org, drop@example.org, flaky@example.org';
  const answers = [];
  for (let attempt = 0; attempt < 4; attempt += 1) answers.push(await answerOf(to));
  expect(answers).toEqual(['ECONNECTION', 451, 451, 250]);
});
test('while a client hangs or waits, stopping takes no time, and nobody is told that it was accepted', async () => {
  const hanging = Promise.all([answerOf('hang@example.org', '<1@a>'), answerOf('slow@example.org', '<2@a>')]);
  // A third that began after them has been answered, so they are well on their way.
  await answerOf('ada@example.org');
  const before = Date.now();
  await sandbox.stop();
  await sandbox.stop();
  expect(Date.now() - before).toBeLessThan(1_000);
  for (const answer of await hanging) expect(answer).toMatch(/^E[A-Z]+$/);
  await expect(once(connect(sandbox.smtpPort, '127.0.0.1'), 'connect')).rejects.toThrow('ECONNREFUSED');
});
test('a switched fault answers every mail, until it is off', async () => {
  sandbox.smtpFault = { refuse: { at: 'rcpt', code: 554, message: '5.7.1 not today' } };
  expect(await answerOf('ada@example.org')).toBe(554);
  sandbox.smtpFault = { refuse: { at: 'data', code: 421, message: '4.3.2 closing' } };
  expect(sandbox.smtpFault).toMatchObject({ refuse: { at: 'data' } });
  expect(await answerOf('ada@example.org')).toBe(421);
  // Who is always refused stays so.
  expect(await answerOf('bounce@example.org')).toBe(550);
  sandbox.smtpFault = undefined;
  expect(await answerOf('ada@example.org')).toBe(250);
});
test('the answers carry their enhanced code once, and neither STARTTLS nor AUTH is offered', async () => {
  const { say, close } = await converse(sandbox.smtpPort);
  const offers = (await say('EHLO client.example')).map((line) => line.slice(4));
  expect(offers).toContain('SIZE 26214400');
  expect(offers.join()).not.toMatch(/STARTTLS|AUTH/);
  await say('MAIL FROM:<a@example.org>');
  expect(await say('RCPT TO:<bounce@example.org>')).toEqual(['550 5.1.0 not wanted here']);
  expect(await say('RCPT TO:<full@example.org>')).toEqual(['452 4.2.2 mailbox full']);
  await say('RCPT TO:<fail@example.org>');
  await say('DATA');
  expect(await say('Subject: x\r\n\r\nx\r\n.')).toEqual(['451 4.3.0 try again later']);
  close();
});
test('a mail that ends in the middle is not kept, and harms nobody', async () => {
  const { say, write, close } = await converse(sandbox.smtpPort);
  await say('EHLO client.example');
  await say('MAIL FROM:<a@example.org>');
  await say('RCPT TO:<b@example.org>');
  await say('DATA');
  write('Subject: half\r\n\r\nhal');
  close();
  expect(await answerOf('ada@example.org')).toBe(250);
  expect(sandbox.mailbox.mails()).toHaveLength(1);
});
test('a mail over 25 MiB is refused with 552 and not kept', async () => {
  const { say, close } = await converse(sandbox.smtpPort);
  await say('EHLO client.example');
  expect(await say('MAIL FROM:<a@example.org> SIZE=26214401')).toEqual([expect.stringMatching(/^552 /)]);
  // A client that does not announce the size.
  await say('MAIL FROM:<a@example.org>');
  await say('RCPT TO:<b@example.org>');
  await say('DATA');
  const line = `${'x'.repeat(998)}\r\n`;
  expect(await say(`Subject: x\r\n\r\n${line.repeat(26_300)}.`)).toEqual(['552 5.3.4 message is too large']);
  expect(sandbox.mailbox.mails()).toEqual([]);
  close();
});
