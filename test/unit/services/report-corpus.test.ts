import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { feedbackOf, readMail } from '../../../services/producer/callbacks/bounces.ts';
import { parseMail } from '../../../services/producer/callbacks/mail-structure.ts';

/** Mails that come back, composed in the shapes in which mail servers write them, and what each must lead to. */
const FOLDER = join(import.meta.dirname, 'report-corpus');

/** What a mail leads to. `mailed` is the address of the notification, ada@example.org where it is not given. */
type Expected =
  | { status: 'bounced'; suppress: 'at_once' | 'repeated' | 'never'; code: string; mailed?: string }
  | { status: 'delivered'; code: string }
  | { ignored: 'nothing_final' | 'not_understood' };

const CORPUS: Record<string, Expected> = {
  'comments-everywhere': { status: 'bounced', suppress: 'at_once', code: '5.1.1' },
  complaint: { ignored: 'nothing_final' },
  'content-type-comments': { status: 'bounced', suppress: 'at_once', code: '5.1.1' },
  'cut-off': { status: 'bounced', suppress: 'at_once', code: '5.1.1' },
  'eight-bit-latin1': { status: 'bounced', suppress: 'at_once', code: '5.1.1' },
  'exchange-mailbox-full': { status: 'bounced', suppress: 'repeated', code: '5.2.2' },
  'exchange-recipient-not-found': { status: 'bounced', suppress: 'at_once', code: '5.1.1' },
  'exim-5-0-0': { status: 'bounced', suppress: 'at_once', code: '5.1.1' },
  'exim-bare-550': { status: 'bounced', suppress: 'never', code: '550' },
  'exim-delayed': { ignored: 'nothing_final' },
  'exim-old-text': { status: 'bounced', suppress: 'never', code: 'failed' },
  'exim-old-warning': { ignored: 'nothing_final' },
  'exim-relay-not-permitted': { status: 'bounced', suppress: 'never', code: '550' },
  'folded-fields': { status: 'bounced', suppress: 'at_once', code: '5.1.1' },
  'forwarded-report': { ignored: 'not_understood' },
  'global-base64': { status: 'bounced', suppress: 'at_once', code: '5.1.1', mailed: 'grüße@bücher.example' },
  'global-quoted-printable': {
    status: 'bounced',
    suppress: 'at_once',
    code: '5.1.1',
    mailed: 'grüße@bücher.example',
  },
  'gmail-delay': { ignored: 'nothing_final' },
  'gmail-disabled': { status: 'bounced', suppress: 'repeated', code: '5.2.1' },
  'gmail-no-account': { status: 'bounced', suppress: 'at_once', code: '5.1.1' },
  'gmail-rate': { status: 'bounced', suppress: 'never', code: '5.2.1' },
  'gmail-unauthenticated': { status: 'bounced', suppress: 'never', code: '5.7.26' },
  'human-bounce': { ignored: 'not_understood' },
  'line-ends-cr': { status: 'bounced', suppress: 'at_once', code: '5.1.1' },
  'line-ends-cr-cr-lf': { status: 'bounced', suppress: 'at_once', code: '5.1.1' },
  'line-ends-lf': { status: 'bounced', suppress: 'at_once', code: '5.1.1' },
  'no-action': { status: 'bounced', suppress: 'at_once', code: '5.1.1' },
  'office365-directory-block': { status: 'bounced', suppress: 'repeated', code: '5.4.1' },
  'office365-expired': { status: 'bounced', suppress: 'never', code: '5.4.7' },
  'office365-not-found': { status: 'bounced', suppress: 'at_once', code: '5.1.10' },
  'office365-read-receipt': { ignored: 'nothing_final' },
  'opensmtpd-delayed': { ignored: 'nothing_final' },
  'opensmtpd-failed': { status: 'bounced', suppress: 'at_once', code: '5.1.1' },
  'postfix-alias-member': { status: 'bounced', suppress: 'never', code: '5.1.1' },
  'postfix-blocklist': { status: 'bounced', suppress: 'never', code: '5.7.1' },
  'postfix-delayed': { ignored: 'nothing_final' },
  'postfix-delivered': { status: 'delivered', code: '2.0.0' },
  'postfix-given-up': { status: 'bounced', suppress: 'never', code: '4.4.1' },
  'postfix-greylisted': { ignored: 'nothing_final' },
  'postfix-host-not-found': { status: 'bounced', suppress: 'repeated', code: '5.4.4' },
  'postfix-no-such-user': { status: 'bounced', suppress: 'at_once', code: '5.1.1' },
  'postfix-null-mx': { status: 'bounced', suppress: 'never', code: '5.1.0' },
  'postfix-relayed': { ignored: 'nothing_final' },
  'postfix-smtputf8': {
    status: 'bounced',
    suppress: 'at_once',
    code: '5.1.1',
    mailed: 'grüße@xn--bcher-kva.example',
  },
  'qmail-alias-member': { status: 'bounced', suppress: 'never', code: '5.1.1' },
  'qmail-no-mailbox': { status: 'bounced', suppress: 'at_once', code: '5.1.1' },
  'qmail-quoted': { ignored: 'not_understood' },
  'qmail-remote-refusal': { status: 'bounced', suppress: 'at_once', code: '5.1.1' },
  'qmail-too-long-in-queue': { status: 'bounced', suppress: 'never', code: '4.3.0' },
  'report-that-returns-a-report': { ignored: 'nothing_final' },
  'report-without-status-part': { ignored: 'not_understood' },
  'sendmail-deliverable-comment': { status: 'delivered', code: '2.1.5' },
  'sendmail-local-forward': { status: 'bounced', suppress: 'never', code: '5.1.1' },
  'sendmail-status-of-any-550': { status: 'bounced', suppress: 'never', code: '5.1.1' },
  'sendmail-user-unknown': { status: 'bounced', suppress: 'at_once', code: '5.1.1' },
  'sendmail-warning': { ignored: 'nothing_final' },
  'ses-message-too-large': { status: 'bounced', suppress: 'never', code: '5.3.4' },
  'ses-suppressed': { status: 'bounced', suppress: 'at_once', code: '5.1.1' },
  'several-recipients': { status: 'bounced', suppress: 'repeated', code: '5.2.2' },
  'several-recipients-ours-delivered': { status: 'delivered', code: '2.1.5' },
  'unknown-action-class-4': { ignored: 'not_understood' },
  vacation: { ignored: 'nothing_final' },
  'vacation-multipart': { ignored: 'nothing_final' },
  'wrapped-report': { ignored: 'not_understood' },
  'xtext-recipient': {
    status: 'bounced',
    suppress: 'at_once',
    code: '5.1.1',
    mailed: 'ada+news@example.org',
  },
  'yahoo-no-mailbox': { status: 'bounced', suppress: 'never', code: '554' },
  'yahoo-policy': { status: 'bounced', suppress: 'never', code: '5.7.9' },
};

/** What a mail leads to, in the words of the table. */
function resultOf(name: string, mailed = 'ada@example.org'): object {
  const read = readMail(parseMail(readFileSync(join(FOLDER, `${name}.eml`))));
  if ('why' in read) return { ignored: read.outcome };
  const feedback = feedbackOf('n1', read.reports, mailed);
  if (!feedback) return { ignored: 'nothing_final' };
  const { status, code, isForGood, suppressAfter } = feedback;
  if (status === 'delivered') return { status, code };
  return { status, code, suppress: isForGood ? 'at_once' : suppressAfter ? 'repeated' : 'never' };
}

describe('a mail that comes back', () => {
  test('every file of the corpus is in the table', () => {
    const files = readdirSync(FOLDER).map((file) => file.replace(/\.eml$/, ''));
    expect(files.toSorted()).toEqual(Object.keys(CORPUS).toSorted());
    expect(files.length).toBeGreaterThanOrEqual(40);
  });
  test.each(Object.entries(CORPUS))('%s leads to what the table says', (name, expected) => {
    const { mailed, ...result } = { mailed: undefined, ...expected };
    expect(resultOf(name, mailed)).toEqual(result);
  });
});
