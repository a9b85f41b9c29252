import type { Feedback } from '../../../shared/contracts/index.ts';
import type { Logger } from '../../../shared/runtime/logger.ts';
import type { Heard } from '../../../shared/store/index.ts';
import type { ReturnPaths } from '../../../shared/smtp/return-path.ts';
import { effectsOf } from '../../../shared/verdicts/index.ts';
import { readReport, type NoReport, type ReadReport, type RecipientReport } from './delivery-report.ts';
import { isSameAddress } from './failed-recipient.ts';
import type { FeedbackDesk } from './feedback-desk.ts';
import { contentTypeOf, fieldOf, parseMail, partsOf, type MailPart } from './mail-structure.ts';
import { readPlainBounce } from './plain-bounces.ts';
import { suppressionIn } from './suppression-in.ts';

/** Bytes that a report may have: it may bring the whole mail back. */
export const MAX_REPORT_BYTES = 4 * 1024 * 1024;

/** Header fields in which servers put the address that a mail really went to, the surest first. */
const RECIPIENT_FIELDS = ['delivered-to', 'x-original-to', 'envelope-to', 'x-envelope-to', 'to'];

/** What became of a mail that came in. */
export type Received = { outcome: 'heard'; heard: Heard } | NoReport | { outcome: 'no_marker' };

/** Receives mail that came back, by SMTP or HTTP, and finds the notification that it is about by the return path. */
export class Bounces {
  readonly #paths: ReturnPaths;
  readonly #desk: FeedbackDesk;
  readonly #mailedTo: (id: string) => Promise<string | undefined>;
  readonly #log: Logger;

  /** `mailedTo`: the e-mail address of a notification; undefined where it is gone or had none. */
  constructor(options: {
    paths: ReturnPaths;
    desk: FeedbackDesk;
    mailedTo: (id: string) => Promise<string | undefined>;
    log: Logger;
  }) {
    this.#paths = options.paths;
    this.#desk = options.desk;
    this.#mailedTo = options.mailedTo;
    this.#log = options.log;
  }

  /** Whether mail to this address is about one of our notifications. */
  isOurs(address: string): boolean {
    return this.#paths.notificationOf(address) !== undefined;
  }

  /** Receives one mail; what it changes is in the store when this resolves. Without `recipient`, its header says where it went. */
  async receive(raw: Buffer, recipient?: string): Promise<Received> {
    if (recipient !== undefined && !this.isOurs(recipient)) return { outcome: 'no_marker' };
    const mail = parseMail(raw);
    const id = this.#notificationOf(recipient === undefined ? recipientsOf(mail) : [recipient]);
    if (id === undefined) return { outcome: 'no_marker' };
    const read = readMail(mail);
    if (!('reports' in read)) return this.#ignored(id, read, mail);
    const feedback = feedbackOf(id, read.reports, await this.#mailedTo(id));
    if (feedback) return { outcome: 'heard', heard: await this.#desk.hear(feedback) };
    const why = `it says ${read.reports[0]?.action ?? 'nothing'}, which is not final`;
    return this.#ignored(id, { outcome: 'nothing_final', why }, mail);
  }

  async #ignored(id: string, received: NoReport, mail: MailPart): Promise<Received> {
    if (received.outcome === 'not_understood')
      await this.#desk.noteUnread(id, `${received.why}: ${subjectOf(mail)}`);
    const level = received.outcome === 'not_understood' ? 'warn' : 'info';
    this.#log[level]('a mail that came back changes nothing', { id, why: received.why });
    return received;
  }

  #notificationOf(addresses: readonly string[]): string | undefined {
    return addresses.map((address) => this.#paths.notificationOf(address)).find((id) => id !== undefined);
  }
}

function subjectOf(mail: MailPart): string {
  return `subject ${JSON.stringify((fieldOf(mail, 'subject') ?? '').slice(0, 200))}`;
}

function recipientsOf({ header }: MailPart): string[] {
  return RECIPIENT_FIELDS.flatMap((name) => header.get(name) ?? []).flatMap((value) =>
    value.split(/[\s,<>]+/).filter((word) => word.includes('@')),
  );
}

/** What a mail reports; or why it reports nothing. */
export function readMail(mail: MailPart): ReadReport {
  const read = readReport(mail);
  if (read) return read;
  const reports = readPlainBounce(mail);
  if (reports) return { reports };
  const { type } = contentTypeOf(mail);
  return isAutomatic(mail) && !holdsReport(mail)
    ? { outcome: 'nothing_final', why: 'it is an automatic answer of a robot, and no delivery report' }
    : {
        outcome: 'not_understood',
        why: `it is ${type}, and no delivery report (multipart/report, RFC 3464)`,
      };
}

/** Whether a report may be inside: a gateway wrapped it, or somebody forwards it. It is not believed, and it is no robot's answer. */
function holdsReport(mail: MailPart): boolean {
  return partsOf(mail).some((part) => /^(?:multipart\/report|message\/)/.test(contentTypeOf(part).type));
}

/** What programs mark their answers with: RFC 3834 §5, and what came before it. */
function isAutomatic(mail: MailPart): boolean {
  const submitted = fieldOf(mail, 'auto-submitted') ?? 'no';
  const precedence = fieldOf(mail, 'precedence') ?? '';
  return (
    !/^no\b/i.test(submitted) ||
    /^(?:bulk|junk|auto_reply)\b/i.test(precedence) ||
    ['x-autoreply', 'x-autorespond', 'x-autogenerated'].some((name) => mail.header.has(name))
  );
}

/** Puts a report into our words; undefined where it says nothing final. `mailed`: the address that the notification was sent to. */
export function feedbackOf(
  notification_id: string,
  reports: readonly RecipientReport[],
  mailed: string | undefined,
): Feedback | undefined {
  const isOurs = ({ recipient }: RecipientReport): boolean =>
    mailed !== undefined && recipient !== undefined && isSameAddress(recipient, mailed);
  const report = finalOf(reports.filter(isOurs)) ?? finalOf(reports);
  if (!report) return undefined;
  const { action, code, diagnostic, verdict } = report;
  const said = { notification_id, actor: 'callback:dsn', provider: 'smtp', code: code ?? action };
  const reason = diagnostic === undefined ? {} : { reason: diagnostic.slice(0, 500) };
  if (action === 'delivered') return { ...said, ...reason, status: 'delivered' };
  if (isOurs(report))
    return { ...said, ...reason, status: 'bounced', ...suppressionIn(effectsOf(verdict).suppressAfter) };
  // A member of an alias, a forwarding: that says nothing of the address itself.
  const words = `a recipient other than the address that was mailed failed: ${diagnostic ?? said.code}`;
  return { ...said, reason: words.slice(0, 500), status: 'bounced' };
}

/** The report that ends it: a failure of one recipient outweighs what others got. */
function finalOf(reports: readonly RecipientReport[]): RecipientReport | undefined {
  return (['failed', 'delivered'] as const).flatMap((action) =>
    reports.filter((one) => one.action === action),
  )[0];
}
