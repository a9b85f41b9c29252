import {
  codesOf,
  saysSomething,
  smtpVerdict,
  statusOf,
  type ReplyCodes,
  type VerdictName,
} from '../../../shared/verdicts/index.ts';
import { reportedAddress } from './failed-recipient.ts';
import {
  contentTypeOf,
  fieldsOf,
  partsOf,
  textOf,
  withoutComments,
  type MailPart,
} from './mail-structure.ts';

/** The actions of RFC 3464 §2.3.3. */
const ACTIONS = ['failed', 'delivered', 'delayed', 'relayed', 'expanded'] as const;

/** What a delivery status notification (RFC 3464) says of one recipient. */
export interface RecipientReport {
  action: (typeof ACTIONS)[number];
  /** The recipient as it was when the action happened: an alias is resolved to its members by then. */
  recipient: string | undefined;
  /** The code that says most: an enhanced status such as 5.1.1, or else a reply code such as 550. */
  code: string | undefined;
  /** What the decision table says of a failure. */
  verdict: VerdictName;
  /** What the server that refused it said. */
  diagnostic: string | undefined;
}

/** A mail without a result: understood, and about something else; or of a form that is not known. */
export interface NoReport {
  outcome: 'nothing_final' | 'not_understood';
  why: string;
}

/** What a mail that came back is: a report with its recipients, or why it is none. */
export type ReadReport = { reports: RecipientReport[] } | NoReport;

/** Characters of the part that are read; mail servers send some hundred for each recipient. */
const MAX_REPORT_CHARS = 65_536;
const REPORT_TYPES = ['message/delivery-status', 'message/global-delivery-status'];

/**
 * Reads a mail as RFC 6522 and RFC 3464 define a report: by its own structure, so that nothing nested in it, quoted in it or written in
 * its text counts. Undefined where it is no multipart/report.
 */
export function readReport(mail: MailPart): ReadReport | undefined {
  const { type, params } = contentTypeOf(mail);
  if (type !== 'multipart/report') return undefined;
  const reportType = params.get('report-type')?.toLowerCase() ?? 'delivery-status';
  if (!['delivery-status', 'global-delivery-status'].includes(reportType))
    return {
      outcome: 'nothing_final',
      why: `it is a report of the type ${reportType}, which is not about delivery`,
    };
  const part = partsOf(mail).find((one) => REPORT_TYPES.includes(contentTypeOf(one).type));
  if (!part) return notUnderstood('it is a multipart/report without a part message/delivery-status');
  const groups = textOf(part, MAX_REPORT_CHARS).split(/\n(?:[ \t]*\n)+/);
  const reports = groups.map(fieldsOf).filter(isAboutRecipient).map(recipientReport);
  if (reports.length === 0) return notUnderstood('its part message/delivery-status reports on no recipient');
  const understood = reports.filter((one) => 'action' in one);
  const [odd] = reports.filter((one) => 'why' in one);
  return understood.length === 0 && odd ? odd : { reports: understood };
}

function notUnderstood(why: string): NoReport {
  return { outcome: 'not_understood', why };
}

type Fields = ReadonlyMap<string, readonly string[]>;

/** The first group is about the message, and has none of these. */
function isAboutRecipient(fields: Fields): boolean {
  return ['final-recipient', 'action', 'status'].some((name) => fields.has(name));
}

function recipientReport(fields: Fields): RecipientReport | NoReport {
  const value = (name: string): string | undefined => fields.get(name)?.[0];
  const diagnostic = diagnosticOf(value('diagnostic-code'));
  const stated = statusOf(withoutComments(value('status') ?? ''));
  const { code, verdict } = judged(stated, diagnostic);
  const said = withoutComments(value('action') ?? '').toLowerCase();
  const action = ACTIONS.find((one) => one === said) ?? actionBy(stated ?? code);
  if (!action)
    return notUnderstood(
      `its action is ${JSON.stringify(said)}, and its status does not say what became of the mail`,
    );
  // RFC 3464 demands a final recipient. A report without one is about the original one, as far as anybody knows.
  const recipient = reportedAddress(value('final-recipient') ?? value('original-recipient'));
  return { action, recipient, code, verdict, diagnostic: diagnostic.words };
}

/** The text of a Diagnostic-Code, and its codes where it is an SMTP reply. Its text is free, so it holds no comments. */
function diagnosticOf(value: string | undefined): ReplyCodes & { words: string | undefined } {
  const [, type = 'smtp', words] = /^(?:([\w-]+)\s*(?:\([^)]*\)\s*)?;)?\s*(.*)$/s.exec(value ?? '') ?? [];
  const codes = type.toLowerCase() === 'smtp' ? codesOf(words ?? '') : {};
  return { ...codes, words: words === '' ? undefined : words };
}

/**
 * The code that says most, and what it leads to. Where the status of the report and the reply that it quotes contradict each other, the
 * more careful verdict holds: mail servers make 5.1.1 of any 550.
 */
function judged(
  stated: string | undefined,
  { reply, status, words }: ReturnType<typeof diagnosticOf>,
): { code: string | undefined; verdict: VerdictName } {
  const quoted = saysSomething(status) ? status : undefined;
  const isSuccess = stated?.startsWith('2') === true;
  const code = isSuccess || saysSomething(stated) ? stated : (quoted ?? reply?.toString() ?? stated);
  const { verdict } = smtpVerdict(saysSomething(stated) ? { status: stated } : { reply, status }, words);
  if (code?.startsWith('5') !== true) return { code, verdict: 'refused' };
  const ofReply = smtpVerdict({ reply, status: quoted }, words).verdict;
  // A bare reply code says less than the status; only words that blame us say more.
  const counts = quoted !== undefined || ofReply === 'ours';
  return {
    code,
    verdict: CAREFUL.find((one) => one === verdict || (counts && one === ofReply)) ?? 'refused',
  };
}

/** Verdicts from the most careful to the one that suppresses at once. */
const CAREFUL = ['ours', 'busy', 'refused', 'unreachable', 'dead'] as const satisfies VerdictName[];

/** What an action that RFC 3464 does not have, or none, means by its status. Of class 4, only an expired time (X.4.7) is an end. */
function actionBy(code: string | undefined): RecipientReport['action'] | undefined {
  if (code === undefined || !code.includes('.')) return code?.startsWith('5') ? 'failed' : undefined;
  if (code.startsWith('2')) return 'delivered';
  return code.startsWith('5') || code === '4.4.7' ? 'failed' : undefined;
}
