import PostalMime, { type Email } from 'postal-mime';

/** What RFC 3464 §2.3.3 lets a server say of a mail. */
const ACTIONS = ['failed', 'delivered', 'delayed', 'relayed', 'expanded'] as const;

/** What a delivery status notification (RFC 3464) says. */
export interface DeliveryReport {
  action: (typeof ACTIONS)[number];
  /** Enhanced status code, such as 5.1.1 */
  status: string | undefined;
  /** What the server that refused it said. */
  diagnostic: string | undefined;
}

/** Levels and bytes of a report that are read; what servers send has three levels. */
const BOUNDS = { maxNestingDepth: 16, maxHeadersSize: 256 * 1024 };
/** Characters of the part that is read; what servers send has some hundred. */
const MAX_REPORT_CHARS = 65_536;
const REPORT_TYPES = ['message/delivery-status', 'message/global-delivery-status'];
const STATUS = /\b([245]\.\d{1,3}\.\d{1,3})\b/;

/** A mail that may be a report, taken apart; undefined where it cannot be. */
export async function parseReportMail(raw: Buffer): Promise<Email | undefined> {
  try {
    return await PostalMime.parse(raw, BOUNDS);
  } catch {
    return undefined;
  }
}

/** What a mail reports; undefined where it is no report, but an answer of a robot, say. */
export function reportOf({ attachments }: Email): DeliveryReport | undefined {
  const part = attachments.find(({ mimeType }) => REPORT_TYPES.includes(mimeType));
  if (!part) return undefined;
  const text = typeof part.content === 'string' ? part.content : new TextDecoder().decode(part.content);
  const reports = text
    .slice(0, MAX_REPORT_CHARS)
    .split(/\r?\n[ \t]*\r?\n/)
    .flatMap((group) => recipientReport(group) ?? []);
  // Our mails have one recipient; where that one is several, one of whom did not get it, it came back.
  return ACTIONS.flatMap((action) => reports.filter((one) => one.action === action))[0];
}

/** What is said of one recipient; undefined for the part that is about the message. */
function recipientReport(group: string): DeliveryReport | undefined {
  const fields = fieldsOf(group);
  const said = fields.get('action')?.toLowerCase();
  const action = ACTIONS.find((one) => one === said);
  if (!action) return undefined;
  const diagnostic = fields.get('diagnostic-code')?.replace(/^[\w-]+;\s*/, '');
  const status = STATUS.exec(fields.get('status') ?? '')?.[1] ?? STATUS.exec(diagnostic ?? '')?.[1];
  return { action, status, diagnostic };
}

/** Header fields by their names in small letters; a line that begins with a blank goes on with the one before. */
function fieldsOf(group: string): Map<string, string> {
  const lines = group.replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/);
  return new Map(
    lines.flatMap((line) => {
      const colon = line.indexOf(':');
      return colon < 1 ? [] : [[line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]];
    }),
  );
}
