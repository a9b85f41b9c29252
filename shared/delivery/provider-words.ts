import { redact } from '../runtime/redact.ts';

/** How much of a body is looked at, and how much of it is kept, in characters. */
const MAX_READ = 8_192;
const MAX_KEPT = 500;

/** Where APIs put what they say to people, in the order in which it helps: RFC 9457 problems, OAuth errors, and what else is common. */
const FIELDS = [
  'message',
  'detail',
  'title',
  'error_description',
  'error_message',
  'error',
  'errors',
  'reason',
];

/**
 * What a provider says in the body of an answer whose format we do not know: JSON or text. Bounded, in one line, without tags, and without
 * secrets and recipients, for it is kept on the record.
 */
export function wordsOfBody(body: unknown, secrets: readonly string[] = []): string {
  const words = wordsOf(body).slice(0, MAX_READ);
  const line = words
    .replace(/<(?:script|style)[^<]*<\/[^>]*>|<[^>]*>/gi, ' ')
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim();
  return String(redact(line, { secrets })).slice(0, MAX_KEPT);
}

function wordsOf(body: unknown): string {
  if (typeof body === 'string') return wordsOfText(body.slice(0, MAX_READ));
  if (Array.isArray(body)) return body.slice(0, 5).map(wordsOf).filter(Boolean).join('; ');
  if (typeof body !== 'object' || body === null) return '';
  const fields = body as Record<string, unknown>;
  const said = FIELDS.map((name) => wordsOf(fields[name])).filter(Boolean);
  return said.length > 0 ? [...new Set(said)].join(': ') : JSON.stringify(body).slice(0, MAX_READ);
}

/** Text may be JSON that nobody has parsed yet. */
function wordsOfText(text: string): string {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return wordsOf(JSON.parse(text) as unknown);
  } catch {
    return text;
  }
}
