import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { reportMail } from '../../../infra/local/sandbox/delivery-reports.ts';
import { feedbackOf as reportFeedbackOf, readMail } from '../../../services/producer/callbacks/bounces.ts';
import { parseMail } from '../../../services/producer/callbacks/mail-structure.ts';
import { feedbackOf } from '../../../services/producer/callbacks/twilio-status.ts';
import { inboundUrl, statusCallbackFor, statusCallbackUrl } from '../../../shared/contracts/index.ts';
import { newId } from '../../../shared/runtime/ids.ts';
import { ReturnPaths } from '../../../shared/smtp/return-path.ts';

describe('return paths', () => {
  const paths = new ReturnPaths({ domain: 'bounces.example.org', secret: 'a-secret-of-a-fleet' });
  const others = new ReturnPaths({ domain: 'bounces.example.org', secret: 'a-secret-of-another' });
  test('lead back to their notification, also in capitals, and are no longer than SMTP allows', () => {
    const id = newId();
    const path = paths.for(id) ?? '';
    expect(path.indexOf('@')).toBe(64);
    expect(paths.notificationOf(path)).toBe(id);
    expect(paths.notificationOf(path.toUpperCase())).toBe(id);
  });
  test('one that was changed anywhere, or signed by somebody else, leads nowhere', () => {
    const path = paths.for(newId()) ?? '';
    fc.assert(
      fc.property(
        fc.nat(path.length - 1),
        fc.constantFrom(...Array.from('0123456789abcdef+-@.')),
        (at, char) => {
          const changed = path.slice(0, at) + char + path.slice(at + 1);
          if (changed !== path) expect(paths.notificationOf(changed)).toBeUndefined();
        },
      ),
    );
    expect(others.notificationOf(path)).toBeUndefined();
  });
  test('whatever comes leads nowhere, and what is no id of ours gets none', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(paths.notificationOf(text)).toBeUndefined();
      }),
    );
    expect(paths.for('made-by-hand')).toBeUndefined();
  });
});

const ADA = 'ada@example.org';
const usual = reportMail({
  recipient: ADA,
  from: 'bounce@example.org',
  action: 'failed',
  status: '5.1.1',
  diagnostic: '550 5.1.1 no such user',
});
/** What a mail leads to; the reason where it leads to nothing. */
function heard(mail: string, mailed = ADA): object | string | undefined {
  const read = readMail(parseMail(Buffer.from(mail)));
  return 'why' in read ? read.why : reportFeedbackOf('n1', read.reports, mailed);
}
const said = (status: string, diagnostic = '550 no') =>
  heard(usual.replace('5.1.1', status).replace('550 5.1.1 no such user', diagnostic));
const DEAD = { status: 'bounced', code: '5.1.1', isForGood: true };

describe('a delivery report', () => {
  test('says what happened, and with which words', () => {
    expect(heard(usual)).toMatchObject({ ...DEAD, actor: 'callback:dsn', reason: '550 5.1.1 no such user' });
  });
  test('may fold its lines, write names in capitals, and have the status in its diagnostic only', () => {
    const folded = usual
      .replace('Action: failed', 'ACTION: Failed')
      .replace('Status: 5.1.1\r\n', '')
      .replace('smtp; 550 5.1.1 no such user', 'smtp; 550\r\n 5.1.10 no\r\n\tsuch user');
    expect(heard(folded)).toMatchObject({
      code: '5.1.10',
      reason: '550 5.1.10 no such user',
      isForGood: true,
    });
  });
  test.each([
    ['Action: failed (permanent failure)', 'Action: failed', 'Action: failed (permanent failure)'],
    [
      'a comment with parentheses and quotes',
      'Action: failed',
      'Action: (a \\( "b) failed (it (really) did)',
    ],
    ['a comment that is not closed', 'Action: failed', 'Action: failed (permanent'],
    ['Status: 5.1.1 (bad mailbox)', 'Status: 5.1.1', 'Status: 5.1.1 (bad mailbox)'],
    ['a comment in the address', 'rfc822; ada@example.org', 'RFC822 (Internet); ada@example.org (Ada)'],
    ['no Action, judged by its status', 'Action: failed\r\n', ''],
    ['an unknown action, judged by its status', 'Action: failed', 'Action: expired'],
  ])('is read with %s', (_what, from, to) => {
    expect(usual).toContain(from);
    expect(heard(usual.replace(from, to))).toMatchObject(DEAD);
  });
  test.each([
    ['delivered (to mailbox)', '2.1.5', { status: 'delivered', code: '2.1.5' }],
    ['arrived', '2.0.0', { status: 'delivered' }],
    ['expired', '4.4.7', { status: 'bounced', code: '4.4.7' }],
  ])('with Action: %s and Status: %s ends the notification', (action, status, expected) => {
    const mail = usual.replace('Action: failed', `Action: ${action}`).replace('5.1.1', status);
    expect(heard(mail)).toMatchObject(expected);
  });
  test.each([
    ['delayed', '4.4.1', 'it says delayed, which is not final'],
    ['relayed', '2.0.0', 'it says relayed, which is not final'],
    ['deferred', '4.4.1', 'its action is "deferred", and its status does not say what became of the mail'],
  ])('with Action: %s and Status: %s changes nothing, and says why', (action, status, why) => {
    const mail = usual.replace('Action: failed', `Action: ${action}`).replace('5.1.1', status);
    expect(heard(mail.replace('550 5.1.1 no such user', '450 try later'))).toEqual(
      action === 'deferred' ? why : undefined,
    );
  });
  test('about several recipients is decided by the one that was mailed', () => {
    const group = (recipient: string, action: string, status: string) =>
      `Final-Recipient: rfc822; ${recipient}\r\nAction: ${action}\r\nStatus: ${status}\r\n\r\n`;
    const several = (...groups: string[]) =>
      usual.replace('Final-Recipient', `${groups.join('')}Final-Recipient`);
    expect(heard(several(group('b@example.org', 'delivered', '2.0.0')))).toMatchObject(DEAD);
    expect(heard(several(group('b@example.org', 'failed', '5.1.1')), 'c@example.org')).not.toHaveProperty(
      'isForGood',
    );
    const delivered = several(group('c@example.org', 'delivered', '2.0.0'));
    expect(heard(delivered, 'c@example.org')).toMatchObject({ status: 'delivered' });
  });
  test.each([
    ['a part of another type', usual.replace('message/delivery-status', 'text/plain'), /without a part/],
    ['a read receipt', usual.replace('=delivery-status', '=disposition-notification'), /disposition/],
    ['another top-level type', usual.replace('multipart/report', 'multipart/mixed'), /multipart\/mixed/],
    ['a vacation', 'Auto-Submitted: auto-replied\r\n\r\nAction: failed\r\nStatus: 5.1.1', /robot/],
    ['words only', 'Subject: Undelivered\r\n\r\nAction: failed\r\nStatus: 5.1.1\r\n', /text\/plain/],
    ['nothing', '', /text\/plain/],
    [
      'a report that is nested',
      `Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n${usual}\r\n--x--\r\n`,
      /multipart\/mixed/,
    ],
    [
      'a returned report within a report without one',
      `Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n\r\n--x\r\nContent-Type: message/rfc822\r\n\r\n${usual}\r\n--x--\r\n`,
      /without a part/,
    ],
  ])('is none when it is %s, and the reason is true', (_what, mail, why) => {
    expect(heard(mail)).toMatch(why);
  });
  test('never throws, whatever bytes come', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(usual.length), (bytes, at) => {
        heard(usual.slice(0, at) + Buffer.from(bytes).toString('latin1') + usual.slice(at));
      }),
    );
    // Nested as deep as nobody nests.
    const deep = Array.from(
      { length: 2_000 },
      (_, level) => `Content-Type: multipart/mixed; boundary=b${level}\r\n\r\n--b${level}\r\n`,
    );
    expect(heard(deep.join(''))).toMatch(/multipart\/mixed/);
    expect(heard('x'.repeat(4_000_000))).toMatch(/text\/plain/);
    expect(heard('(('.repeat(1_000_000) + '\n'.repeat(1_000_000))).toMatch(/text\/plain/);
  });
});

describe('the failed recipient', () => {
  const named = (value: string, mailed: string) =>
    heard(usual.replace('rfc822; ada@example.org', value), mailed) as { isForGood?: true; status: string };
  test.each([
    ['rfc822;<ada@example.org>', 'ada@example.org'],
    ['rfc822; ADA@Example.ORG', 'ada@example.org'],
    ['rfc822; ada@example.org.', 'ada@example.org'],
    ['ada@example.org', 'ada@example.org'],
    ['rfc822; "ada"@example.org', 'ada@example.org'],
    ['rfc822; ada+2Bnews@example.org', 'ada+news@example.org'],
    ['rfc822; ada+news@example.org', 'ada+news@example.org'],
    ['utf-8; ad\\x{E4}@example.org', 'adä@example.org'],
    ['utf-8; adä@bücher.example', 'adä@xn--bcher-kva.example'],
    ['rfc822; a(b)da@example.org', 'ada@example.org'],
  ])('%s is %s', (value, mailed) => {
    expect(named(value, mailed)).toMatchObject({ status: 'bounced', isForGood: true });
  });
  test.each([
    ['rfc822; former.colleague@members.example.com', 'ada@example.org'],
    ['rfc822; ada@mail.example.org', 'ada@example.org'],
    ['rfc822; ada@example.org', 'ada+news@example.org'],
    ['x400; /c=org/ada@example.org', 'ada@example.org'],
    ['X-LOCAL; ada', 'ada@example.org'],
    ['', 'ada@example.org'],
  ])('%s is not %s: it bounces, and suppresses nothing', (value, mailed) => {
    expect(named(value, mailed).status).toBe('bounced');
    expect(named(value, mailed)).not.toHaveProperty('isForGood');
  });
  test('is the final one: a member of an alias says nothing of the alias', () => {
    const member = usual.replace(
      'Final-Recipient: rfc822; ada@example.org',
      'Original-Recipient: rfc822; ada@example.org\r\nFinal-Recipient: rfc822; bob@example.com',
    );
    expect(heard(member)).toMatchObject({
      status: 'bounced',
      reason: 'a recipient other than the address that was mailed failed: 550 5.1.1 no such user',
    });
    expect(heard(member)).not.toHaveProperty('isForGood');
  });
  test('is the original one in a report without a final one', () => {
    expect(heard(usual.replace('Final-Recipient', 'Original-Recipient'))).toMatchObject(DEAD);
  });
});

describe('the status of a failure', () => {
  test.each(['5.1.1', '5.1.6', '5.1.10'])('%s suppresses at once', (code) => {
    expect(said(code)).toMatchObject({ status: 'bounced', code, isForGood: true });
  });
  test.each(['5.1.2', '5.1.3', '5.2.1', '5.2.2', '5.4.4'])(
    '%s suppresses only when it is repeated',
    (code) => {
      expect(said(code)).toMatchObject({
        status: 'bounced',
        code,
        suppressAfter: { reports: 3, overDays: 7 },
      });
      expect(said(code)).not.toHaveProperty('isForGood');
    },
  );
  test.each([
    ...['5.1.0', '5.1.7', '5.1.8', '5.1.100', '5.2.10', '5.3.0', '5.3.4', '5.4.5', '5.5.1', '5.6.1', '5.7.1'],
    ...['4.4.7', '4.1.1', '4.2.2'],
  ])('%s suppresses never', (code) => {
    expect(said(code)).toMatchObject({ status: 'bounced', code });
    expect(said(code)).not.toHaveProperty('isForGood');
    expect(said(code)).not.toHaveProperty('suppressAfter');
  });
  test.each([
    ['5.0.0', '550-5.1.1 The account does not exist. 550 5.1.1 Check', '5.1.1', true],
    ['5.0.0 (undefined)', '550 5.0.0 no', '550', false],
    ['5.0.0', '556 no mail here', '556', true],
    ['5.0.0', '550 no such user: 550 5.1.1 said another host', '550', false],
    ['5.0.0', '550 #5.1.1 no', '550', false],
    ['5.01.1', '550 no', '550', false],
    ['5.1.1x', '550 no', '550', false],
    ['see 5.1.1', '550 no', '550', false],
    ['5.0.0', '450 5.1.1 later', '450', false],
    ['5.1.1', '550 5.7.1 rejected as spam', '5.1.1', false],
    ['5.7.1', '550 5.1.1 no such user', '5.7.1', false],
    ['5.1.1', '554 Client host [192.0.2.7] blocked using zen.spamhaus.org', '5.1.1', false],
    ['5.2.1', '550-5.2.1 the user is receiving mail at a rate that is too high', '5.2.1', false],
    // As a header holds a reply of several lines.
    [
      '5.2.1',
      '550-5.2.1 the user is receiving mail 550-5.2.1 at a rate that 550 5.2.1 is too high',
      '5.2.1',
      false,
    ],
    ['5.1.1', '554-Client host [192.0.2.7] 554-blocked 554 using zen.example.org', '5.1.1', false],
  ])('%s with the diagnostic %s is %s; suppressed: %s', (status, diagnostic, code, isForGood) => {
    const feedback = said(status, diagnostic) as { code: string; isForGood?: true; suppressAfter?: object };
    expect([feedback.code, feedback.isForGood === true]).toEqual([code, isForGood]);
    expect(feedback.suppressAfter).toBeUndefined();
  });
});

describe('a bounce without RFC 3464', () => {
  const qmail = (words: string) =>
    [
      'Hi. This is the qmail-send program at mx.example.net.',
      "I'm afraid I wasn't able to deliver your message to the following addresses.\n",
      `<ada@example.org>:\n${words}\n`,
      '--- Below this line is a copy of the message.\n',
    ].join('\n');
  test.each([
    ['Sorry, no mailbox here by that name. (#5.1.1)', '5.1.1', true],
    ['192.0.2.7 does not like recipient.\nRemote host said: 550 5.1.1 unknown\nGiving up.', '5.1.1', true],
    ['192.0.2.7 does not like recipient.\nRemote host said: 550 unknown\nGiving up.', '550', false],
    ['I am not going to try again; this message has been in the queue too long.', 'failed', false],
  ])('of qmail is read: %s', (words, code, isForGood) => {
    const feedback = heard(`\n${qmail(words)}`) as { status: string; code: string; isForGood?: true };
    expect([feedback.status, feedback.code, feedback.isForGood === true]).toEqual([
      'bounced',
      code,
      isForGood,
    ]);
  });
  test.each([
    ['quoted in an answer', `Subject: Re\n\nThey told me:\n${qmail('no. (#5.1.1)')}`],
    ['without its end', `\n${qmail('no. (#5.1.1)').replace('---', '')}`],
    ['in HTML', `Content-Type: text/html\n\n${qmail('no. (#5.1.1)')}`],
  ])('of qmail is not believed %s', (_where, mail) => {
    expect(heard(mail)).toMatch(/no delivery report/);
  });
  test('of old Exim bounces, and suppresses nothing', () => {
    const words = [
      'This message was created automatically by mail delivery software.\n',
      'A message that you sent could not be delivered to one or more of its',
      'recipients. This is a permanent error. The following address(es) failed:\n',
      '  ada@example.org',
      '    SMTP error from remote mail server after RCPT TO:<ada@example.org>:',
      '    host mx.example.org [192.0.2.7]: 550 5.1.1 no such user\n',
    ].join('\n');
    const feedback = heard(`X-Failed-Recipients: ada@example.org\nAuto-Submitted: auto-replied\n\n${words}`);
    expect(feedback).toMatchObject({
      status: 'bounced',
      reason: expect.stringContaining('550 5.1.1 no such user') as string,
    });
    expect(feedback).not.toHaveProperty('isForGood');
    expect(heard(`Auto-Submitted: auto-replied\n\n${words}`)).toMatch(/robot/);
  });
});

describe('Twilio’s words', () => {
  const said = (MessageStatus: string, ErrorCode?: string) =>
    feedbackOf('x', { MessageSid: 'SM1', MessageStatus, ErrorCode });
  test.each(['30005', '21610', '21614', '21211'])('%s is for good', (code) => {
    expect(said('undelivered', code)).toMatchObject({ status: 'bounced', code, isForGood: true });
  });
  test('30006, a landline or a carrier out of reach, suppresses only when it is repeated', () => {
    expect(said('undelivered', '30006')).toMatchObject({ suppressAfter: { reports: 3, overDays: 7 } });
    expect(said('undelivered', '30006')).not.toHaveProperty('isForGood');
  });
  test.each(['30003', '30004', '30007', '30008', '30002', '99999', undefined])('%s is not', (code) => {
    expect(said('failed', code)).not.toHaveProperty('isForGood');
    expect(said('failed', code)).not.toHaveProperty('suppressAfter');
  });
  test('a callback address has the notification, behind whatever else it has, and before what is for Twilio', () => {
    expect(statusCallbackFor('https://t.example/cb?fleet=a#rc=3&rp=5xx', 'n1')).toBe(
      'https://t.example/cb?fleet=a&id=n1#rc=3&rp=5xx',
    );
  });
  test.each([
    [{}, undefined],
    [{ PUBLIC_URL: 'http://127.0.0.1:3000' }, undefined],
    [{ PUBLIC_URL: 'https://t.example' }, 'https://t.example/v1/callbacks/twilio/status'],
    [{ PUBLIC_URL: 'https://t.example', TWILIO_STATUS_CALLBACK_URL: 'off' }, undefined],
    [
      { PUBLIC_URL: 'https://t.example', TWILIO_STATUS_CALLBACK_URL: 'https://in.example/x' },
      'https://in.example/x',
    ],
  ])('with %j it is %s', (settings, expected) => {
    expect(statusCallbackUrl(settings)).toBe(expected);
  });
  test.each([
    [{}, undefined],
    [{ PUBLIC_URL: 'https://t.example' }, 'https://t.example/v1/callbacks/twilio/inbound'],
    [
      { PUBLIC_URL: 'https://t.example', TWILIO_STATUS_CALLBACK_URL: 'off' },
      'https://t.example/v1/callbacks/twilio/inbound',
    ],
    [
      { TWILIO_STATUS_CALLBACK_URL: 'https://in.example/x/v1/callbacks/twilio/status?a=b#rc=3' },
      'https://in.example/x/v1/callbacks/twilio/inbound?a=b#rc=3',
    ],
    [{ TWILIO_STATUS_CALLBACK_URL: 'https://in.example/x' }, undefined],
    [{ PUBLIC_URL: 'https://t.example', TWILIO_INBOUND_URL: 'https://in.example/y' }, 'https://in.example/y'],
  ])('with %j, texts come to %s', (settings, expected) => {
    expect(inboundUrl(settings)).toBe(expected);
  });
});
