import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { storedAttachmentOf } from '../../../shared/contracts/index.ts';
import type { Provider } from '../../../shared/delivery/index.ts';
import { readConfig } from '../../../shared/runtime/config.ts';
import { mailServerOf } from '../../../shared/smtp/index.ts';
import { runPeer } from '../../support/python-peers.ts';
import { aRecord } from '../../support/records.ts';
import { submissions, type Submitted } from '../../support/submissions.ts';
import { startStrictMailServer, type StrictMailServer } from '../../support/strict-mail-server.ts';

/** What `read_mails.py` found in a mail. */
interface Read {
  subject: string | null;
  from: [string, string][];
  reply_to: [string, string][];
  to: [string, string][];
  message_id: string;
  body: [string, string][];
  files: { filename: string; type: string; charset: string | null; content: string }[];
  defects: string[];
}

let server: StrictMailServer;
let provider: Provider;

beforeAll(async () => {
  server = await startStrictMailServer();
  const config = readConfig({
    SMTP_URL: server.url,
    MAIL_FROM: 'Tidings <hello@tidings.example>',
    EMAIL_CONCURRENCY: '5',
  });
  provider = mailServerOf(config, { name: 'smtp', url: server.url });
});
afterAll(async () => {
  await provider.close?.();
  await server.stop();
});

/** Sends mails by the product's own code to the strict server, and reads what arrived by Python; in the order in which they were given. */
async function throughTheMail(all: readonly Submitted[]): Promise<Read[]> {
  server.mails.length = 0;
  const records = all.map(({ attachments, ...rest }) =>
    aRecord({ ...rest, ...(attachments && { attachments: attachments.map(storedAttachmentOf) }) }),
  );
  const outcomes = await Promise.all(
    records.map((record) => provider.send(record, AbortSignal.timeout(60_000))),
  );
  for (const [index, outcome] of outcomes.entries())
    expect(outcome.kind, JSON.stringify([outcome, all[index]])).toBe('sent');
  const input = JSON.stringify(server.mails.map((bytes) => bytes.toString('base64')));
  const { code, stderr, lines } = await runPeer('test/peers/read_mails.py', [], { input });
  expect(code, stderr).toBe(0);
  const read = new Map((lines() as Read[]).map((mail) => [mail.message_id, mail]));
  return records.map(({ _id }) => {
    const mail = read.get(`<${_id}@tidings.example>`);
    if (mail === undefined) throw new Error(`${_id} did not arrive`);
    return mail;
  });
}

/** What a reader must see; line ends, and one at the end of a mail, are the mail's own. */
function expectedOf({ subject, message, html, email, from, reply_to, attachments = [] }: Submitted): object {
  const [, name = '', address = from ?? ''] = /^(.*) <(.*)>$/.exec(from ?? '') ?? [];
  const invitations = attachments
    .filter(({ content_type }) => content_type.includes('method='))
    .filter(({ content }) => /^BEGIN:VCALENDAR/.test(Buffer.from(content, 'base64').toString()));
  return {
    subject: subject ?? null,
    from: [from === undefined ? ['Tidings', 'hello@tidings.example'] : [name, address]],
    reply_to: reply_to === undefined ? [] : [['', reply_to]],
    to: [['', email]],
    body: [
      ['text/plain', unified(message)],
      ...(html === undefined ? [] : [['text/html', unified(html)]]),
      ...(invitations.length === 1 ? [['text/calendar', expect.any(String)]] : []),
    ],
    files: attachments.map(({ filename, content_type, content }) => ({
      filename,
      type: typeOf(content_type),
      content,
    })),
    defects: [],
  };
}

function typeOf(declared: string): string {
  return /^(message|multipart)\//.test(declared)
    ? 'application/octet-stream'
    : (declared.split(';')[0] ?? '');
}

function unified(text: string): string {
  return text.replace(/\r\n/g, '\n').replace(/\n$/, '');
}

function foundIn({ body, files, ...rest }: Read): object {
  return {
    subject: rest.subject,
    from: rest.from,
    reply_to: rest.reply_to,
    to: rest.to,
    body: body.map(([type, text]) => [type, type === 'text/calendar' ? text : unified(text)]),
    files: files.map(({ filename, type, content }) => ({ filename, type, content })),
    defects: rest.defects,
  };
}

/** Sends submissions and compares each with what arrived. */
async function arriveAsSubmitted(all: readonly Submitted[], note = ''): Promise<void> {
  const found = await throughTheMail(all);
  for (const [index, submitted] of all.entries()) {
    const mail = found[index];
    expect(mail && foundIn(mail), `${note} ${JSON.stringify(submitted)}`).toEqual(expectedOf(submitted));
  }
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const hello: Submitted = { message: 'Hello', email: 'ada@example.org' };
/** A mail as a file: line feeds alone, letters in 8 bits, and a line of 3 000 octets. */
const MINUTES = `From: a@example.com\nTo: b@example.org\nSubject: Minutes\nContent-Type: text/plain; charset=utf-8\n\nGrüße\n${'z'.repeat(3_000)}\n`;
const CALENDAR = 'BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nSUMMARY:Grüße\r\nEND:VCALENDAR\r\n';

describe('A mail', () => {
  test('arrives as it was submitted at a strict server, whatever it says', async () => {
    const seed = Date.now() % 1_000_000;
    await arriveAsSubmitted(fc.sample(submissions, { numRuns: 300, seed }), `seed ${seed}:`);
  }, 120_000);

  test.each([
    ['998 letters', 'x'.repeat(998)],
    ['998 letters beyond ASCII', 'ü'.repeat(998)],
    ['words as long as a line', `${'y'.repeat(80)} ${'z'.repeat(990 - 80)}`],
    ['an encoded word', '=?UTF-8?B?WW91ciBhY2NvdW50IGlzIGNsb3NlZA==?='],
    ['an encoded word of another charset', 'Re: =?iso-8859-1?Q?a=20b?= and more'],
    ['the beginning of an encoded word', 'What is =?utf-8?q?'],
    ['spaces at both ends and in a row', '  a   b  '],
    ['spaces only', '   '],
    ['quotes and brackets', '"A" <b@example.org> (c) \\d; e, f: g'],
  ])('arrives with a subject of %s', async (_what, subject) => {
    await arriveAsSubmitted([{ ...hello, subject }]);
  });

  test.each([
    ['an encoded word', '=?UTF-8?Q?Your_bank?='],
    ['200 letters', 'n'.repeat(200)],
    ['letters beyond ASCII', `Zoë ${'漢'.repeat(150)}`],
    ['a quote and a slash', "O'Hara & Sons / 50 % off!"],
  ])('arrives from a name of %s', async (_what, name) => {
    await arriveAsSubmitted([{ ...hello, from: `${name} <shop@example.org>` }]);
  });

  test.each([
    'message/rfc822',
    'Message/RFC822',
    'message/global',
    'multipart/mixed; boundary=x',
    'text/plain',
    'text/x-diff; charset=iso-8859-1',
    'application/octet-stream',
  ])('arrives with a file of type %s, byte for byte', async (content_type) => {
    const file = { filename: 'minutes.eml', content_type, content: base64(MINUTES) };
    const [mail] = await throughTheMail([{ ...hello, attachments: [file] }]);
    expect(mail?.files).toMatchObject([{ filename: 'minutes.eml', content: file.content }]);
    expect(mail?.defects).toEqual([]);
  });

  test('names the charset of a text file in UTF-8 that does not', async () => {
    const files = ['text/plain', 'text/csv; charset=utf-16', 'text/html', 'application/json'];
    const attachments = files.map((content_type) => ({ filename: 'a', content_type, content: base64('ü') }));
    const [mail] = await throughTheMail([{ ...hello, attachments }]);
    expect(mail?.files.map(({ charset }) => charset)).toEqual(['utf-8', 'utf-16', 'utf-8', null]);
  });

  test('shows an invitation as the last alternative, and carries it as a file', async () => {
    const file = {
      filename: 'invitation.ics',
      content_type: 'text/calendar; method=REQUEST',
      content: base64(CALENDAR),
    };
    const [mail] = await throughTheMail([{ ...hello, html: '<p>Hello</p>', attachments: [file] }]);
    expect(mail?.body.map(([type]) => type)).toEqual(['text/plain', 'text/html', 'text/calendar']);
    expect(mail?.body.at(-1)?.[1]).toBe(CALENDAR);
    expect(mail?.files).toMatchObject([
      { filename: 'invitation.ics', type: 'text/calendar', content: file.content },
    ]);
  });

  test.each([
    ['a calendar without a method', [['text/calendar', CALENDAR]]],
    [
      'two invitations',
      [
        ['text/calendar; method=REQUEST', CALENDAR],
        ['text/calendar; method=CANCEL', CALENDAR],
      ],
    ],
    ['a file that is no calendar', [['text/calendar; method=REQUEST', 'Hello']]],
  ] as const)('carries %s as files only', async (_what, files) => {
    const attachments = files.map(([content_type, text]) => ({
      filename: 'a.ics',
      content_type,
      content: base64(text),
    }));
    const [mail] = await throughTheMail([{ ...hello, attachments }]);
    expect(mail?.body.map(([type]) => type)).toEqual(['text/plain']);
    expect(mail?.files).toHaveLength(files.length);
  });
});
