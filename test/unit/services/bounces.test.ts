import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { reportMail } from '../../../infra/local/sandbox/delivery-reports.ts';
import { feedbackOf as reportFeedbackOf } from '../../../services/producer/callbacks/bounces.ts';
import { parseReportMail, reportOf } from '../../../services/producer/callbacks/delivery-report.ts';
import { feedbackOf } from '../../../services/producer/callbacks/twilio-status.ts';
import { statusCallbackFor, statusCallbackUrl } from '../../../shared/contracts/index.ts';
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

describe('a delivery report', () => {
  const report = { recipient: 'ada@example.org', from: 'bounce@example.org', action: 'failed' } as const;
  const read = async (mail: string) => {
    const parsed = await parseReportMail(Buffer.from(mail));
    return parsed && reportOf(parsed);
  };
  const usual = reportMail({ ...report, status: '5.1.1', diagnostic: '550 no such user' });

  test('says what happened, and with which words', async () => {
    expect(await read(usual)).toEqual({ action: 'failed', status: '5.1.1', diagnostic: '550 no such user' });
  });
  test('may fold its lines, write names in capitals, and have the status in its words only', async () => {
    const folded = usual
      .replace('Action: failed', 'ACTION: Failed')
      .replace('Status: 5.1.1\r\n', '')
      .replace('smtp; 550 no such user', 'smtp; 550\r\n 5.1.10 no\r\n\tsuch user');
    expect(await read(folded)).toEqual({
      action: 'failed',
      status: '5.1.10',
      diagnostic: '550 5.1.10 no such user',
    });
  });
  test('about several recipients failed when one did', async () => {
    const group = 'Final-Recipient: rfc822; b@example.org\r\nAction: delivered\r\nStatus: 2.0.0\r\n\r\n';
    const several = usual.replace('Final-Recipient', `${group}Final-Recipient`);
    expect(await read(several)).toMatchObject({ action: 'failed', status: '5.1.1' });
  });
  test.each([
    ['an action that nobody knows', usual.replace('Action: failed', 'Action: exploded')],
    ['no part that reports', usual.replace('message/delivery-status', 'text/plain')],
    ['words only', 'Subject: Undelivered\r\n\r\nAction: failed\r\nStatus: 5.1.1\r\n'],
    ['nothing', ''],
  ])('with %s is none', async (_what, mail) => {
    expect(await read(mail)).toBeUndefined();
  });
  test('never throws, whatever bytes come', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.nat(usual.length), async (bytes, at) => {
        const mangled = Buffer.concat([
          Buffer.from(usual.slice(0, at)),
          Buffer.from(bytes),
          Buffer.from(usual.slice(at)),
        ]);
        const parsed = await parseReportMail(mangled);
        if (parsed) reportOf(parsed);
      }),
    );
    // Nested as deep as nobody nests.
    const deep = Array.from(
      { length: 2_000 },
      (_, level) => `Content-Type: multipart/mixed; boundary=b${level}\r\n\r\n--b${level}\r\n`,
    );
    expect(await read(deep.join(''))).toBeUndefined();
  });
});

describe('a report that failed', () => {
  const said = (status: string | undefined) =>
    reportFeedbackOf('x', { action: 'failed', status, diagnostic: undefined });
  test.each(['5.1.1', '5.1.2', '5.1.3', '5.1.6', '5.1.10', '5.2.1'])(
    'with %s is about an address that is gone for good',
    (code) => {
      expect(said(code)).toMatchObject({ status: 'bounced', code, isForGood: true });
    },
  );
  test.each([
    ...['5.0.0', '5.1.0', '5.1.7', '5.1.8', '5.1.100', '5.2.2', '5.2.10', '5.3.4', '5.4.4', '5.5.1', '5.5.4'],
    ...['5.6.1', '5.7.1', '4.4.7', undefined],
  ])('with %s is not', (code) => {
    expect(said(code)).toMatchObject({ status: 'bounced', code: code ?? 'failed' });
    expect(said(code)).not.toHaveProperty('isForGood');
  });
});

describe('Twilio’s words', () => {
  const said = (MessageStatus: string, ErrorCode?: string) =>
    feedbackOf('x', { MessageSid: 'SM1', MessageStatus, ErrorCode });
  test.each(['30005', '30006', '21610', '21614', '21211'])('%s is for good', (code) => {
    expect(said('undelivered', code)).toMatchObject({ status: 'bounced', code, isForGood: true });
  });
  test.each(['30003', '30004', '30007', '30008', undefined])('%s is not', (code) => {
    expect(said('failed', code)).not.toHaveProperty('isForGood');
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
});
