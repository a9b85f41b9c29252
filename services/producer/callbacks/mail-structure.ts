/** A mail, or a part of one, split into its header and its body. The strings hold one byte in each character. */
export interface MailPart {
  /** Fields by their names in lower case, unfolded, in their order. */
  header: ReadonlyMap<string, readonly string[]>;
  body: string;
}

/** A media type with its parameters, names in lower case. */
export interface ContentType {
  type: string;
  params: ReadonlyMap<string, string>;
}

/** Characters of a header that are read; mail servers send some thousand. */
const MAX_HEADER_CHARS = 256 * 1024;

/** Parts of a mail that are read; a report has three. */
const MAX_PARTS = 20;

/**
 * Splits a mail into header and body. Any line end counts as one: CRLF, a bare LF or CR, and the CR CR LF that some gateways make.
 * `postal-mime` does not show which part is inside which, and that is what decides whether a mail is a report.
 */
export function parseMail(raw: Buffer): MailPart {
  return partOf(withLineFeeds(raw.toString('latin1')));
}

/** Ends each line with one LF. CRs are matched as a run: one by one, a long run of them takes quadratic time. */
function withLineFeeds(text: string): string {
  return text.replace(/\r+\n?|\n/g, (end) => (end.endsWith('\n') ? '\n' : '\n'.repeat(end.length)));
}

/** The first empty line ends the header; a part may begin with it, and then has none. */
function partOf(text: string): MailPart {
  if (text.startsWith('\n')) return { header: new Map(), body: text.slice(1) };
  const end = text.indexOf('\n\n');
  const head = end < 0 ? text : text.slice(0, end);
  return { header: fieldsOf(head.slice(0, MAX_HEADER_CHARS)), body: end < 0 ? '' : text.slice(end + 2) };
}

/** Header fields by their names in lower case. A line that begins with white space continues the one before it. */
export function fieldsOf(text: string): Map<string, string[]> {
  const fields = new Map<string, string[]>();
  for (const line of text.replace(/\n[ \t]+/g, ' ').split('\n')) {
    const colon = line.indexOf(':');
    if (colon < 1) continue;
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    const values = fields.get(name);
    if (values) values.push(value);
    else fields.set(name, [value]);
  }
  return fields;
}

/** The first value of a field. */
export function fieldOf({ header }: Pick<MailPart, 'header'>, name: string): string | undefined {
  return header.get(name)?.[0];
}

/** Removes comments (RFC 822 §3.4.3) from a value; parentheses within a quoted string are none. What an unclosed one holds is removed. */
export function withoutComments(value: string): string {
  let kept = '';
  let depth = 0;
  let isQuoted = false;
  for (let at = 0; at < value.length; at += 1) {
    const char = value.charAt(at);
    const taken = char === '\\' ? value.slice(at, at + 2) : char;
    at += taken.length - 1;
    if (taken === '"' && depth === 0) isQuoted = !isQuoted;
    else if (taken === '(' && !isQuoted) depth += 1;
    if (depth === 0) kept += taken;
    if (taken === ')' && !isQuoted && depth > 0) depth -= 1;
  }
  return kept.trim();
}

const PARAMETER = /;\s*([^\s=;]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]+))/g;

/** The media type of a part; text/plain where none is given (RFC 2045 §5.2). */
export function contentTypeOf(part: MailPart): ContentType {
  const value = withoutComments(fieldOf(part, 'content-type') ?? 'text/plain');
  const [type = ''] = value.split(';', 1);
  const params = [...value.matchAll(PARAMETER)].map(([, name = '', quoted, plain = '']) => {
    return [name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? plain] as const;
  });
  return { type: type.trim().toLowerCase(), params: new Map(params) };
}

/** The parts directly inside a multipart, and none that is nested in them (RFC 2046 §5.1.1). Empty where there is no boundary. */
export function partsOf(part: MailPart): MailPart[] {
  const boundary = contentTypeOf(part).params.get('boundary');
  if (boundary === undefined || boundary === '') return [];
  const pieces: string[] = [];
  let begin: number | undefined;
  for (const { at, end, isLast } of delimitersIn(part.body, `--${boundary}`)) {
    if (begin !== undefined) pieces.push(part.body.slice(begin, Math.max(begin, at - 1)));
    begin = end;
    if (isLast || pieces.length >= MAX_PARTS) return pieces.map(partOf);
  }
  // Cut off on its way: what is there counts.
  if (begin !== undefined) pieces.push(part.body.slice(begin));
  return pieces.map(partOf);
}

/** The delimiter lines of a boundary; nothing but white space stands behind it. */
function* delimitersIn(
  body: string,
  delimiter: string,
): Generator<{ at: number; end: number; isLast: boolean }> {
  for (let at = body.indexOf(delimiter); at >= 0; at = body.indexOf(delimiter, at + 1)) {
    if (at > 0 && body[at - 1] !== '\n') continue;
    const newline = body.indexOf('\n', at);
    const end = newline < 0 ? body.length : newline + 1;
    const rest = body.slice(at + delimiter.length, end).trimEnd();
    if (rest === '' || rest === '--') yield { at, end, isLast: rest === '--' };
  }
}

/** The text of a part: its transfer encoding undone, read as UTF-8 (RFC 6533 §6.3), at most so many characters. */
export function textOf(part: MailPart, maxChars: number): string {
  const encoding = withoutComments(fieldOf(part, 'content-transfer-encoding') ?? '').toLowerCase();
  const encoded = part.body.slice(0, 2 * maxChars);
  return withLineFeeds(decoded(encoded, encoding).toString('utf8')).slice(0, maxChars);
}

function decoded(text: string, encoding: string): Buffer {
  if (encoding === 'base64') return Buffer.from(text, 'base64');
  if (encoding !== 'quoted-printable') return Buffer.from(text, 'latin1');
  const unquoted = text
    .replace(/=[ \t]*\n/g, '')
    .replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(unquoted, 'latin1');
}
