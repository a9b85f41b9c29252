/** The codes of an SMTP reply. */
export interface ReplyCodes {
  /** The reply code, such as 550 (RFC 5321 §4.2). */
  reply?: number | undefined;
  /** The enhanced status code, such as 5.1.1 (RFC 3463). */
  status?: string | undefined;
}

/** `status-code` of RFC 3463 §2: no leading zeros, and nothing but white space behind it. */
const STATUS = /^([245]\.(?:0|[1-9]\d{0,2})\.(?:0|[1-9]\d{0,2}))(?=\s|$)/;
/** A reply line: the code, then the enhanced code directly behind its separator (RFC 2034 §4). */
const REPLY = /^([2-5]\d\d)(?:[ -](.*))?$/s;

/** Reads a value that is an enhanced status code, such as a Status field; undefined when it does not begin with one. */
export function statusOf(value: string): string | undefined {
  return STATUS.exec(value.trim())?.[1];
}

/** Reads the codes that a reply begins with. An enhanced code of another class than the reply code is ignored: RFC 2034 forbids it. */
export function codesOf(text: string): ReplyCodes {
  const [, code, rest = ''] = REPLY.exec(text.trimStart()) ?? [];
  if (code === undefined) return {};
  const status = statusOf(rest.replace(/^\s+/, ''));
  return { reply: Number(code), status: status?.startsWith(code.slice(0, 1)) ? status : undefined };
}

/**
 * The words of a reply on one line, without the codes that each of its lines begins with (RFC 5321 §4.2.1). A header that quotes a reply of
 * several lines has them in the midst of one line.
 */
export function wordsOf(reply: string): string {
  const [, code = ''] = /(?:^|\s)([245]\d\d)[- ]/.exec(reply) ?? [];
  const lineStart = new RegExp(`(?:^|\\s)${code}[- ](?:[245]\\.\\d{1,3}\\.\\d{1,3}(?=\\s|$))?`, 'g');
  return (code === '' ? reply : reply.replace(lineStart, ' ')).replace(/\s+/g, ' ').trim();
}

/** Whether a status says something: `x.0.0` is "other undefined status" (RFC 3463 §3.1). */
export function saysSomething(status: string | undefined): status is string {
  return status !== undefined && !status.endsWith('.0.0');
}
