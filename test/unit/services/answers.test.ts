import { describe, expect, test } from 'vitest';
import { ABORTED, NoAnswer, NoPlace, NoToken } from '../../../shared/google/index.ts';
import {
  classifyGmailAnswer,
  classifyGmailSilence,
} from '../../../services/email/providers/gmail-answers.ts';
import { classifySmtpFailure } from '../../../shared/smtp/index.ts';
import { SMTP_RULES, codesOf } from '../../../shared/verdicts/index.ts';
import {
  classifyTwilioAnswer,
  classifyTwilioSilence,
} from '../../../services/sms/providers/twilio-answers.ts';

describe('SMTP', () => {
  const failure = {
    responseCode: undefined,
    code: undefined,
    command: undefined,
    message: 'm',
    bodyBegan: false,
    ownSender: false,
  };
  test.each([
    ['451 to the message', { responseCode: 451, command: 'DATA', bodyBegan: true }, 'transient'],
    ['452 to RCPT', { responseCode: 452, command: 'RCPT TO' }, 'transient'],
    ['421 anywhere', { responseCode: 421, command: 'MAIL FROM' }, 'transient'],
    ['550 to RCPT', { responseCode: 550, command: 'RCPT TO' }, 'permanent'],
    ['452 to MAIL', { responseCode: 452, command: 'MAIL FROM' }, 'transient'],
    ['550 to MAIL: our account', { responseCode: 550, command: 'MAIL FROM' }, 'transient'],
    ['553 to MAIL: our sender', { responseCode: 553, command: 'MAIL FROM' }, 'transient'],
    ['550 to a sender of its own', { responseCode: 550, command: 'MAIL FROM', ownSender: true }, 'permanent'],
    [
      '530 with a sender of its own',
      { responseCode: 530, command: 'MAIL FROM', ownSender: true },
      'transient',
    ],
    ['552 to MAIL: the size', { responseCode: 552, command: 'MAIL FROM' }, 'permanent'],
    ['552 to the message', { responseCode: 552, command: 'DATA', bodyBegan: true }, 'permanent'],
    ['554 as a greeting: our session, not this mail', { responseCode: 554, command: 'CONN' }, 'transient'],
    [
      '535 to AUTH: our credentials, not this mail',
      { responseCode: 535, command: 'AUTH PLAIN' },
      'transient',
    ],
    ['a refused connection', { code: 'ECONNREFUSED' }, 'transient'],
    ['a cut before the body', { code: 'ECONNECTION' }, 'transient'],
    ['a cut after the body began', { code: 'ECONNECTION', bodyBegan: true }, 'ambiguous'],
    ['a time-out after the body began', { code: 'EABORT', bodyBegan: true }, 'ambiguous'],
    ['a mail that is too large for the server', { code: 'EMESSAGE' }, 'permanent'],
  ])('%s', (_what, change, kind) => {
    expect(classifySmtpFailure({ ...failure, ...change }).kind).toBe(kind);
  });
  test.each([
    ['550 5.1.1 to RCPT', { responseCode: 550, command: 'RCPT TO', status: '5.1.1' }, '5.1.1'],
    ['550 5.7.1 to RCPT', { responseCode: 550, command: 'RCPT TO', status: '5.7.1' }, undefined],
    ['550 5.2.1 to RCPT, when repeated', { responseCode: 550, command: 'RCPT TO', status: '5.2.1' }, '5.2.1'],
    ['550 5.0.0 to RCPT', { responseCode: 550, command: 'RCPT TO', status: '5.0.0' }, undefined],
    ['556 without more, of a domain that takes no mail', { responseCode: 556, command: 'RCPT TO' }, '556'],
    ['550 without more', { responseCode: 550, command: 'RCPT TO' }, undefined],
    ['450 5.1.1, which cannot be', { responseCode: 450, command: 'RCPT TO', status: '5.1.1' }, undefined],
    ['550 5.1.1 to the message', { responseCode: 550, command: 'DATA', status: '5.1.1' }, undefined],
    [
      '550 5.1.1 to a sender of its own',
      { responseCode: 550, command: 'MAIL FROM', status: '5.1.1', ownSender: true },
      undefined,
    ],
  ])('%s suppresses by %s', (_what, change, code) => {
    const { codeForGood } = classifySmtpFailure({ ...failure, ...change }) as { codeForGood?: string };
    expect(codeForGood).toBe(code);
  });
});

describe('SMTP by the decision table', () => {
  const answered = (command: string, reply: string, more: object = {}) => {
    const { reply: responseCode, status } = codesOf(reply);
    const failure = { code: undefined, bodyBegan: command === 'DATA', ownSender: false, ...more };
    return classifySmtpFailure({ ...failure, responseCode, status, command, message: reply });
  };
  test('only 5.1.1, 5.1.6, 5.1.10 and 556 suppress at once', () => {
    const atOnce = SMTP_RULES.filter(({ verdict }) => verdict === 'dead').flatMap(({ codes }) => codes);
    expect(atOnce.toSorted()).toEqual(['1.1', '1.10', '1.6', '556']);
    expect(answered('RCPT TO', '550 5.1.1 no')).not.toHaveProperty('suppressAfter');
  });
  test('every row names its source', () => {
    for (const { source, meaning } of SMTP_RULES) expect([source, meaning]).not.toContain('');
  });
  test.each(['550 5.2.1 disabled', '552 5.2.2 full', '550 5.1.2 no such domain', '550 5.1.3 bad syntax'])(
    '%s to RCPT is a dead letter, and suppresses only when it is repeated',
    (reply) => {
      expect(answered('RCPT TO', reply)).toMatchObject({
        kind: 'permanent',
        codeForGood: reply.slice(4, 9),
        suppressAfter: { reports: 3, overDays: 7 },
      });
    },
  );
  test.each([
    '450 4.7.1 <unknown[192.0.2.7]>: Client host rejected: Greylisted, see http://postgrey.example.org',
    '450 4.2.1 mailbox daily message limit exceeded',
    '550-5.2.1 this user is receiving mail at a rate that is too high just now\n550 5.2.1 see ReceivingRatePerm',
    '450-4.2.1 The user you are trying to contact is receiving mail too quickly',
  ])('%s is retried, and neither suppresses nor speaks against the server', (reply) => {
    const outcome = answered('RCPT TO', reply);
    expect(outcome.kind).toBe('transient');
    expect(outcome).not.toHaveProperty('providerFault');
    expect(outcome).not.toHaveProperty('codeForGood');
  });
  test.each([
    ['DATA', '550 5.4.5 Daily user sending limit exceeded'],
    ['RCPT TO', '550 5.4.5 Daily sending quota exceeded'],
    ['RCPT TO', '554 5.7.1 <ada@example.org>: Relay access denied'],
    ['RCPT TO', '550 5.7.1 <ada@example.org>... Relaying denied'],
    ['RCPT TO', '550 relay not permitted'],
    ['RCPT TO', "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)"],
    ['RCPT TO', '554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.spamhaus.org'],
    [
      'DATA',
      '550 5.7.1 messages from [192.0.2.7] weren’t sent: part of their network is on our block list (S3150)',
    ],
    ['RCPT TO', '530 5.7.1 Client was not authenticated'],
    ['RCPT TO', '550 5.3.2 System not accepting network messages'],
    ['DATA', '554 5.3.0 mail system trouble'],
    ['DATA', '550 5.7.26 Unauthenticated email from example.org is not accepted due to its DMARC policy'],
    ['RCPT TO', '550 5.7.606 Access denied, banned sending IP [192.0.2.7]'],
    ['RCPT TO', '550 5.1.8 Access denied, bad outbound sender'],
    ['RCPT TO', '452 4.3.1 Insufficient system storage'],
    ['DATA', '421 4.7.28 unusual rate of mail from your network'],
    // As it is wrapped in reality.
    [
      'DATA',
      '550-5.7.1 [192.0.2.7      12] Our system has detected an unusual rate of\n550-5.7.1 unsolicited mail originating from your IP address. To protect our\n550-5.7.1 users from spam, mail sent from your IP address has been blocked.\n550 5.7.1  gsmtp',
    ],
    [
      'DATA',
      "550-5.7.1 [192.0.2.7] The IP you're using to send mail is not\n550-5.7.1 authorized to send email directly to our servers.\n550 5.7.1 gsmtp",
    ],
    ['RCPT TO', '550-Relaying\n550 denied'],
    ['RCPT TO', '554 5.7.1 <unknown[192.0.2.7]>: Client host rejected: Access denied'],
    ['RCPT TO', '450 4.7.1 Client host rejected: cannot find your hostname, [192.0.2.7]'],
    ['RCPT TO', '504 5.5.2 <app>: Helo command rejected: need fully-qualified hostname'],
    ['RCPT TO', '550-rejected because 192.0.2.7 is in a black list at zen.example.org\n550 see there'],
    ['RCPT TO', '550 5.7.1 Your IP [192.0.2.7] is on our deny list'],
    [
      'RCPT TO',
      "554 Your access to this mail system has been rejected due to the sending MTA's poor reputation.",
    ],
    [
      'DATA',
      '550-5.7.1 this message is likely suspicious due to the very low\n550 5.7.1 reputation of the sending IP address',
    ],
    ['DATA', '421 4.7.0 [TSS04] Messages from 192.0.2.7 temporarily deferred'],
    ['DATA', '554 Message rejected: Sending paused for this account.'],
    ['DATA', '554 Message rejected: Email address is not verified. The following identities failed'],
    ['DATA', '454 Throttling failure: Daily message quota exceeded.'],
  ])('to %s, %s is a provider fault', (command, reply) => {
    expect(answered(command, reply)).toMatchObject({ kind: 'transient', providerFault: true });
  });
  test.each([
    ['RCPT TO', '550 5.7.1 you may not send to this list'],
    ['DATA', '554 5.7.1 this message looks like spam'],
    ['DATA', '554 5.7.9 Message not accepted for policy reasons'],
    ['DATA', '552 5.3.4 message too big'],
    ['DATA', '550 5.6.0 a line is too long'],
    ['RCPT TO', '550 5.1.0 address rejected'],
    ['RCPT TO', '550 no'],
    ['RCPT TO', '550 5.7.1 this account is disabled'],
    ['DATA', '554 5.7.1 this text is on a block list'],
    ['DATA', '554 5.7.1 a link in the text points to a host on a block list'],
    ['DATA', '550 5.7.1 This mail server found a link on a blacklist'],
    ['DATA', '550 5.7.1 <http://x.example> listed at www.spamhaus.org/query/domain/x.example'],
    ['RCPT TO', '550 5.7.1 The sender is in the server block list of the recipient'],
    ['RCPT TO', '550 Recipient daily message limit exceeded'],
    ['RCPT TO', '550 5.7.1 message rate limit exceeded for recipient'],
    ['RCPT TO', '550 Recipient address is not verified'],
    ['RCPT TO', '550 sending is disabled for this recipient'],
  ])('to %s, %s is about this one: a dead letter that suppresses nothing', (command, reply) => {
    const outcome = answered(command, reply);
    expect(outcome.kind).toBe('permanent');
    expect(outcome).not.toHaveProperty('codeForGood');
  });
  test('451 4.3.0 is retried, and no provider fault: it may be about this message', () => {
    expect(answered('DATA', '451 4.3.0 try again later')).toEqual({
      kind: 'transient',
      code: '451',
      reason: '451 4.3.0 try again later',
    });
  });
  test('a refusal of the sender is about this one where the notification chose its own', () => {
    const reply = '550 5.7.26 fails DMARC';
    expect(answered('DATA', reply, { ownFrom: true }).kind).toBe('permanent');
    expect(answered('RCPT TO', '550 5.1.8 bad sender', { ownSender: true }).kind).toBe('permanent');
    expect(answered('RCPT TO', '554 5.7.1 Relay access denied', { ownSender: true }).kind).toBe('transient');
  });
});

describe('the fault of the mail server', () => {
  const failure = {
    responseCode: undefined,
    code: undefined,
    command: undefined,
    message: 'm',
    bodyBegan: false,
    ownSender: false,
  };
  const isFault = (change: object): boolean =>
    classifySmtpFailure({ ...failure, ...change }).providerFault === true;
  test.each([
    ['a refused connection', { code: 'ECONNREFUSED' }],
    ['a failed TLS handshake', { code: 'ETLS' }],
    ['535 to AUTH', { responseCode: 535, command: 'AUTH PLAIN' }],
    ['421 to MAIL', { responseCode: 421, command: 'MAIL FROM' }],
    ['554 as a greeting', { responseCode: 554, command: 'CONN' }],
    ['452 to MAIL', { responseCode: 452, command: 'MAIL FROM' }],
    ['550 to MAIL', { responseCode: 550, command: 'MAIL FROM' }],
  ])('is %s', (_what, change) => {
    expect(isFault(change)).toBe(true);
  });
  test.each([
    ['550 to RCPT', { responseCode: 550, command: 'RCPT TO' }],
    ['451 to the message', { responseCode: 451, command: 'DATA', bodyBegan: true }],
    ['421 to RCPT', { responseCode: 421, command: 'RCPT TO' }],
    ['552 to MAIL', { responseCode: 552, command: 'MAIL FROM' }],
    ['452 to a sender of its own', { responseCode: 452, command: 'MAIL FROM', ownSender: true }],
    ['550 to a sender of its own', { responseCode: 550, command: 'MAIL FROM', ownSender: true }],
    ['a cut after the body began', { code: 'ECONNECTION', bodyBegan: true }],
    ['a delivery that we gave up', { code: 'EABORT' }],
    ['a mail that the client refused', { code: 'EMESSAGE' }],
  ])('is not %s', (_what, change) => {
    expect(isFault(change)).toBe(false);
  });
});

describe('Twilio', () => {
  const answer = { status: 400, code: undefined, message: 'm', retryAfterSeconds: undefined };
  test.each([
    ['21211, an invalid number', { code: 21211 }, 'permanent'],
    ['21610, unsubscribed', { code: 21610 }, 'permanent'],
    ['21606, our own sender', { code: 21606 }, 'transient'],
    ['20003, our own credentials', { status: 401, code: 20003 }, 'transient'],
    ['21602, a text that is missing', { code: 21602 }, 'permanent'],
    ['a code that nobody knows', { code: 29999 }, 'transient'],
    ['429 without Retry-After', { status: 429, code: 20429 }, 'deferred'],
    ['503 with Retry-After', { status: 503, retryAfterSeconds: 7 }, 'deferred'],
    ['503 without', { status: 503 }, 'transient'],
    ['500', { status: 500 }, 'transient'],
    ['504 of a gateway: it may have been passed on', { status: 504 }, 'ambiguous'],
  ])('%s', (_what, change, kind) => {
    expect(classifyTwilioAnswer({ ...answer, ...change }).kind).toBe(kind);
  });
  test.each([
    ['21610, unsubscribed', { code: 21610 }, '21610'],
    ['21612, not from this sender', { code: 21612 }, undefined],
    ['30005 of a status, which an answer does not have', { code: 30005 }, undefined],
  ])('%s suppresses by %s', (_what, change, code) => {
    const { codeForGood } = classifyTwilioAnswer({ ...answer, ...change }) as { codeForGood?: string };
    expect(codeForGood).toBe(code);
  });
  test('Retry-After says how long to hold', () => {
    expect(classifyTwilioAnswer({ ...answer, status: 429, retryAfterSeconds: 7 })).toMatchObject({
      afterMs: 7_000,
    });
  });
  test.each([
    ['500', { status: 500 }, true],
    ['401', { status: 401, code: 20003 }, true],
    ['429: all of us are to wait', { status: 429, code: 20429 }, true],
    ['21211, an invalid number', { code: 21211 }, false],
    ['21606, a sender of ours', { code: 21606 }, true],
    ['20005, an account that is not active', { status: 403, code: 20005 }, true],
    ['21611, a full queue of ours', { code: 21611 }, true],
    ['402 without a code', { status: 402 }, true],
    ['21610, unsubscribed', { code: 21610 }, false],
    ['a code that nobody knows', { code: 29999 }, false],
  ])('the fault of the API, or not: %s', (_what, change, fault) => {
    expect(classifyTwilioAnswer({ ...answer, ...change }).providerFault === true).toBe(fault);
  });
  test.each([
    ['refused', 'ECONNREFUSED', false, 'transient', true],
    ['with a certificate of nobody', 'DEPTH_ZERO_SELF_SIGNED_CERT', false, 'transient', true],
    ['that never came about', 'ETIMEDOUT', false, 'transient', true],
    ['cut while TLS was agreed upon', 'ECONNRESET', false, 'transient', true],
    ['that we gave up before it was there', 'ERR_CANCELED', false, 'transient', false],
    ['that we gave up later', 'ERR_CANCELED', true, 'ambiguous', false],
    ['that was cut', 'ECONNRESET', true, 'ambiguous', false],
    ['without an answer', 'ECONNABORTED', true, 'ambiguous', true],
    ['that ended somehow', undefined, true, 'ambiguous', false],
  ])('a connection %s', (_what, code, wasOpen, kind, fault) => {
    const outcome = classifyTwilioSilence(code, 'm', wasOpen);
    expect([outcome.kind, outcome.providerFault === true]).toEqual([kind, fault]);
  });
});

describe('Gmail', () => {
  const NOW = Date.parse('2026-01-01T10:00:00Z');
  const answered = (
    status: number,
    reason?: string,
    more: { retryAfterSeconds?: number; message?: string } = {},
  ) => {
    const { message = 'm', retryAfterSeconds } = more;
    const error = { code: status, message, ...(reason !== undefined && { errors: [{ reason, message }] }) };
    return classifyGmailAnswer({ status, retryAfterSeconds, fields: { error } }, NOW);
  };
  test.each([
    ['an address that is none', 400, 'invalidArgument', 'permanent', false],
    ['a mail that is too large', 413, undefined, 'permanent', false],
    ['a mailbox without mail service: ours', 400, 'failedPrecondition', 'transient', true],
    ['a token that does not hold', 401, 'authError', 'transient', true],
    ['403 by a quota', 403, 'rateLimitExceeded', 'deferred', true],
    ['403 by the quota of a user', 403, 'userRateLimitExceeded', 'deferred', true],
    ['403 by the quota of a day', 403, 'dailyLimitExceeded', 'deferred', true],
    ['403 by a scope', 403, 'insufficientPermissions', 'transient', true],
    ['403 by an API that is off', 403, 'accessNotConfigured', 'transient', true],
    ['429 without a reason', 429, undefined, 'deferred', true],
    ['500', 500, 'backendError', 'transient', true],
    ['503', 503, 'backendError', 'transient', true],
    ['504 of a gateway: it may have been passed on', 504, undefined, 'ambiguous', true],
    ['200 of something that is not Gmail', 200, undefined, 'ambiguous', true],
    ['what nobody knows', 409, 'aborted', 'transient', false],
  ])('%s', (_what, status, reason, kind, fault) => {
    const outcome = answered(status, reason);
    expect([outcome.kind, outcome.providerFault === true]).toEqual([kind, fault]);
  });
  test.each([
    ['by Retry-After', answered(429, 'rateLimitExceeded', { retryAfterSeconds: 7 }), 7_000],
    ['by Retry-After of a 503', answered(503, 'backendError', { retryAfterSeconds: 9 }), 9_000],
    [
      'by its words',
      answered(403, 'userRateLimitExceeded', {
        message: 'User-rate limit exceeded.  Retry after 2026-01-01T10:15:00.000Z',
      }),
      15 * 60_000,
    ],
    [
      'by words of a time that is over',
      answered(429, 'rateLimitExceeded', { message: 'Retry after 2025-01-01T10:15:00.000Z' }),
      1_000,
    ],
    ['a minute by a quota that does not say', answered(403, 'rateLimitExceeded'), 60_000],
    ['an hour by the quota of a day', answered(403, 'dailyLimitExceeded'), 3_600_000],
  ])('it says how long to wait: %s', (_how, outcome, afterMs) => {
    expect(outcome).toMatchObject({ kind: 'deferred', afterMs });
  });
  test('what never was on its way was not taken; what was may have been', () => {
    const silence = (code: string, mayHaveArrived: boolean) =>
      classifyGmailSilence(new NoAnswer(Object.assign(new Error('m'), { code }), mayHaveArrived));
    expect(silence('ECONNREFUSED', false)).toMatchObject({ kind: 'transient', providerFault: true });
    expect(silence('ECONNRESET', true)).toMatchObject({ kind: 'ambiguous' });
    expect(silence(ABORTED, true)).toMatchObject({ kind: 'ambiguous' });
    expect(silence(ABORTED, false)).toMatchObject({ kind: 'transient' });
    expect(silence(ABORTED, false)).not.toHaveProperty('providerFault');
  });
  test('no token is the provider’s fault; no place is nobody’s', () => {
    expect(classifyGmailSilence(new NoToken('invalid_grant', 'revoked'))).toMatchObject({
      kind: 'transient',
      code: 'invalid_grant',
      providerFault: true,
    });
    expect(classifyGmailSilence(new NoPlace())).toMatchObject({
      kind: 'deferred',
      untried: true,
      isOurs: true,
    });
  });
});
