import { codesOf, saysSomething, smtpVerdict, statusOf } from '../../../shared/verdicts/index.ts';
import type { RecipientReport } from './delivery-report.ts';
import { contentTypeOf, fieldOf, textOf, type MailPart } from './mail-structure.ts';

/** Characters of a text that are read: a bounce says what it is in the beginning. */
const MAX_TEXT_CHARS = 16_384;

/**
 * Reads the two kinds of bounce without RFC 3464 whose form is documented, so that structure proves them: qmail's and old Exim's. Undefined
 * for every other text, however much it looks like a bounce.
 */
export function readPlainBounce(mail: MailPart): RecipientReport[] | undefined {
  if (contentTypeOf(mail).type !== 'text/plain') return undefined;
  const text = textOf(mail, MAX_TEXT_CHARS);
  const reports = qmailReports(text) ?? eximReports(mail, text);
  return reports?.length ? reports : undefined;
}

/** qmail-send bounce message format (cr.yp.to/proto/qsbmf.txt): an introduction, then a paragraph for each recipient. */
function qmailReports(text: string): RecipientReport[] | undefined {
  const [introduction = '', ...paragraphs] = text.trimStart().split(/\n{2,}/);
  if (!introduction.startsWith('Hi. This is the ')) return undefined;
  const end = paragraphs.findIndex((one) => one.startsWith('-'));
  // The break paragraph is required: what has none may be anything.
  return end < 0 ? undefined : paragraphs.slice(0, end).flatMap((one) => qmailReport(one) ?? []);
}

function qmailReport(paragraph: string): RecipientReport | undefined {
  const [, recipient, words = ''] = /^<([^\s<>]+)>:\n(.*)$/s.exec(paragraph) ?? [];
  if (!recipient?.includes('@')) return undefined;
  // "(#5.1.1)" at the end of a line: cr.yp.to/proto/hcmssc.txt.
  const status = statusOf(/\(#(\d\.\d{1,3}\.\d{1,3})\)\s*$/m.exec(words)?.[1] ?? '');
  const [, reply = ''] = /^Remote host said: (.*)$/m.exec(words) ?? [];
  const codes = saysSomething(status) ? { status } : codesOf(reply);
  const code = saysSomething(codes.status) ? codes.status : codesOf(reply).reply?.toString();
  const verdict = code?.startsWith('5') ? smtpVerdict(codes, words).verdict : 'refused';
  return { action: 'failed', recipient, code, verdict, diagnostic: words.trim().replace(/\s+/g, ' ') };
}

/** Exim before 4.85 names who failed in a field of its own. Its text is free, so it never suppresses. */
function eximReports(mail: MailPart, text: string): RecipientReport[] | undefined {
  const failed = fieldOf(mail, 'x-failed-recipients');
  const isExim = text.startsWith('This message was created automatically by mail delivery software');
  if (failed === undefined || !isExim || !text.includes('This is a permanent error')) return undefined;
  return failed.split(',').map((recipient) => ({
    action: 'failed',
    recipient: recipient.trim(),
    code: undefined,
    verdict: 'refused',
    diagnostic: eximWords(text, recipient.trim()),
  }));
}

/** What follows an address, in lines that are indented further. */
function eximWords(text: string, recipient: string): string | undefined {
  const lines = text.split('\n');
  const at = lines.indexOf(`  ${recipient}`);
  const words = lines.slice(at + 1);
  const end = words.findIndex((line) => !line.startsWith('    '));
  return at < 0 || end === 0
    ? undefined
    : words.slice(0, Math.max(end, 1)).join(' ').replace(/\s+/g, ' ').trim();
}
