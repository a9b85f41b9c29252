import type { Email } from 'postal-mime';
import type { Feedback } from '../../../shared/contracts/index.ts';
import type { Logger } from '../../../shared/runtime/logger.ts';
import type { Heard } from '../../../shared/store/index.ts';
import { isHardBounce } from '../../../shared/smtp/hard-bounce.ts';
import type { ReturnPaths } from '../../../shared/smtp/return-path.ts';
import { parseReportMail, reportOf, type DeliveryReport } from './delivery-report.ts';
import type { FeedbackDesk } from './feedback-desk.ts';

/** Bytes that a report may have: it may bring the whole mail back. */
export const MAX_REPORT_BYTES = 4 * 1024 * 1024;

/** Header fields in which servers put the address that a mail really went to, the surest first. */
const RECIPIENT_FIELDS = ['delivered-to', 'x-original-to', 'envelope-to', 'x-envelope-to', 'to'];

/** What became of a mail that came in. */
export type Received =
  | { outcome: 'heard'; heard: Heard }
  /** A report that says nothing final, or no report at all. */
  | { outcome: 'nothing_final'; why: string }
  | { outcome: 'no_marker' };

/** Takes mails that came back, by whichever way, and finds out which notification they are about by the address that they came to. */
export class Bounces {
  readonly #paths: ReturnPaths;
  readonly #desk: FeedbackDesk;
  readonly #log: Logger;

  constructor({ paths, desk, log }: { paths: ReturnPaths; desk: FeedbackDesk; log: Logger }) {
    this.#paths = paths;
    this.#desk = desk;
    this.#log = log;
  }

  /** Whether mail to this address is about one of ours. */
  isOurs(address: string): boolean {
    return this.#paths.notificationOf(address) !== undefined;
  }

  /** Takes one mail; what it changes is in the store when this resolves. Without `recipient`, its header says whom it went to. */
  async receive(raw: Buffer, recipient?: string): Promise<Received> {
    const mail = await parseReportMail(raw);
    const id = this.#notificationOf(recipient === undefined ? recipientsOf(mail) : [recipient]);
    if (id === undefined) return { outcome: 'no_marker' };
    const report = mail && reportOf(mail);
    const feedback = report && feedbackOf(id, report);
    if (feedback) return { outcome: 'heard', heard: await this.#desk.hear(feedback) };
    const why = report
      ? `it says ${report.action}, which is not final`
      : 'it has no part message/delivery-status: an answer of a robot, or a server that reports in words only';
    this.#log.info('a mail that came back changes nothing', { id, why });
    return { outcome: 'nothing_final', why };
  }

  #notificationOf(addresses: readonly string[]): string | undefined {
    return addresses.map((address) => this.#paths.notificationOf(address)).find((id) => id !== undefined);
  }
}

function recipientsOf(mail: Email | undefined): string[] {
  const fields = mail?.headers ?? [];
  return RECIPIENT_FIELDS.flatMap((name) => fields.filter(({ key }) => key === name)).flatMap(({ value }) =>
    value.split(/[\s,<>]+/).filter((word) => word.includes('@')),
  );
}

/** Puts a report into our words; undefined where it says nothing final. */
export function feedbackOf(
  notification_id: string,
  { action, status, diagnostic }: DeliveryReport,
): Feedback | undefined {
  if (action !== 'failed' && action !== 'delivered') return undefined;
  const code = status ?? action;
  const said = {
    notification_id,
    actor: 'callback:dsn',
    provider: 'smtp',
    code,
    ...(diagnostic !== undefined && { reason: diagnostic.slice(0, 500) }),
  };
  if (action === 'delivered') return { ...said, status: 'delivered' };
  return { ...said, status: 'bounced', ...(isHardBounce(code) && { isForGood: true }) };
}
