import type { Config } from './config.ts';
import { rabbitmqUrlOf } from './rabbitmq-url.ts';

const SECRET_KEY = /pass(word)?|secret|token|authorization|api_?key|cookie/i;
/** What is a secret by its look: credentials in URLs, bearers, our own keys, signed tokens. */
const SECRET_SHAPES: readonly [RegExp, string][] = [
  [/\/\/[^\s/:@]{0,256}:[^\s/@]{1,256}@/g, '//***@'],
  [/\b(Bearer|Basic) +[\w.~+/=-]{8,}/gi, '$1 ***'],
  [/\btidk_[0-9a-f]{12}_[\w-]{43}/g, 'tidk_***'],
  // Google's: access and refresh tokens, secrets of clients.
  [/\b(ya29\.|1\/\/|GOCSPX-)[\w-]{8,}/g, '$1***'],
  [/\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, '***'],
];
/** The look-behind keeps it linear: a long run of letters is looked at from its beginning only. */
const EMAIL = /(?<![\w.%+'-])(?<local>[\w.%+'-]{1,64})@(?<domain>[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+)/gi;
const PHONE = /(?<![\w.+])\+[1-9]\d{6,14}(?!\d)/g;
/** The local part of our own Message-IDs, by which a mail is found again: nobody's address. */
const MESSAGE_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const MAX_DEPTH = 5;
/** Items of an array, and fields of an object, that a log line shows. */
const MAX_ITEMS = 200;
/** Characters of one text that a log line shows; a request may be a megabyte long. */
const MAX_TEXT = 16_384;
/** Characters behind the cut that are looked at: what is masked may begin before it. */
const BEYOND_CUT = 4_096;
/** Stands for a value whose getter, proxy or conversion throws. */
const UNREADABLE = '[unreadable]';
/** What is shown of an error. Most of these do not enumerate. */
const ERROR_FIELDS = ['name', 'message', 'code', 'stack', 'cause'] as const;
/** A secret of fewer characters is no secret, and masking it would mask words. */
const LEAST_SECRET = 6;

/** What is to be masked beyond what shows by its shape. */
export interface Masking {
  /** Very values that must not be seen. */
  secrets?: readonly string[];
  /** Whether e-mail addresses and phone numbers are to be seen. */
  showRecipients?: boolean;
}

/**
 * Copies a value for a log line: plain data that JSON can hold, without secrets and recipients. Fields are masked by their name, texts by
 * what is in them. Errors become plain objects with their cause. Never throws: what cannot be read is replaced by a note in brackets.
 */
export function redact(value: unknown, masking: Masking = {}, depth = 0): unknown {
  try {
    return copyOf(value, masking, depth);
  } catch {
    return UNREADABLE;
  }
}

function copyOf(value: unknown, masking: Masking, depth: number): unknown {
  if (typeof value === 'string') return redactText(value, masking);
  if (typeof value === 'object') return value === null ? null : copyOfObject(value, masking, depth);
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'bigint' || typeof value === 'symbol') return redactText(String(value), masking);
  return typeof value === 'function' ? '[function]' : value;
}

function copyOfObject(value: object, masking: Masking, depth: number): unknown {
  if (depth >= MAX_DEPTH) return '…';
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? '[invalid date]' : value.toISOString();
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) return copyOfArray(value, masking, depth);
  const keys = value instanceof Error ? ERROR_FIELDS.filter((key) => key in value) : Object.keys(value);
  return Object.fromEntries(
    keys.slice(0, MAX_ITEMS).map((key): [string, unknown] => [key, copyOfField(value, key, masking, depth)]),
  );
}

/** By index, because an array may lie about its iterator. */
function copyOfArray(value: readonly unknown[], masking: Masking, depth: number): unknown[] {
  const items = Array.from({ length: Math.min(value.length, MAX_ITEMS) }, (_, index) =>
    copyOfField(value, String(index), masking, depth),
  );
  return value.length > MAX_ITEMS ? [...items, `[${value.length - MAX_ITEMS} more]`] : items;
}

/** Each field by itself: one getter that throws must not hide the others. */
function copyOfField(owner: object, key: string, masking: Masking, depth: number): unknown {
  if (SECRET_KEY.test(key)) return '***';
  try {
    return redact(Reflect.get(owner, key), masking, depth + 1);
  } catch {
    return UNREADABLE;
  }
}

/** The secrets that the settings hold. */
export function secretsOf(config: Partial<Config>): string[] {
  const { RABBITMQ_URL = '', RABBITMQ_MANAGEMENT_URL = '', MONGO_URI = '' } = config;
  const {
    SMTP_URL = '',
    SMTP_BACKUP_URL = '',
    TWILIO_STATUS_CALLBACK_URL = '',
    TWILIO_INBOUND_URL = '',
  } = config;
  const nodes = RABBITMQ_URL === '' ? [] : rabbitmqUrlOf(RABBITMQ_URL).nodes;
  const servers = [
    RABBITMQ_MANAGEMENT_URL,
    MONGO_URI,
    SMTP_URL,
    SMTP_BACKUP_URL,
    ...nodes.map(({ url }) => url),
  ];
  const passwords = [
    ...[...servers, TWILIO_STATUS_CALLBACK_URL, TWILIO_INBOUND_URL].flatMap(passwordsOf),
    ...nodes.map(({ password }) => password),
  ];
  const google = [config.GMAIL_CLIENT_SECRET, config.GMAIL_REFRESH_TOKEN];
  const values = [config.API_KEY, config.TWILIO_AUTH_TOKEN, config.BOUNCE_SECRET, ...google, ...passwords];
  return [...new Set(values)].filter((value): value is string => (value?.length ?? 0) >= LEAST_SECRET);
}

/** Masks first and cuts then: half a secret is one as well. Where the text goes on behind what is looked at, so much of the end is left out. */
function redactText(whole: string, masking: Masking): string {
  const masked = maskText(whole.slice(0, MAX_TEXT + BEYOND_CUT), masking);
  if (whole.length <= MAX_TEXT) return masked;
  const isWhole = whole.length <= MAX_TEXT + BEYOND_CUT;
  return `${masked.slice(0, isWhole ? MAX_TEXT : Math.min(MAX_TEXT, Math.max(0, masked.length - BEYOND_CUT)))}[cut]`;
}

function maskText(text: string, { secrets = [], showRecipients = false }: Masking): string {
  const known = secrets.reduce((left, secret) => left.replaceAll(secret, '***'), text);
  const open = SECRET_SHAPES.reduce((left, [shape, mask]) => left.replace(shape, mask), known);
  if (showRecipients) return open;
  return open
    .replace(EMAIL, maskEmail)
    .replace(PHONE, (number) => `${number.slice(0, 3)}***${number.slice(-2)}`);
}

function maskEmail(address: string, local: string, domain: string): string {
  return MESSAGE_ID.test(local) ? address : `${local.slice(0, 1)}***@${domain}`;
}

/** As it is written there, and as it is meant. */
function passwordsOf(url: string): string[] {
  const [, written = ''] = /\/\/[^\s/:@]*:([^\s/@]+)@/.exec(url) ?? [];
  try {
    return [written, decodeURIComponent(written)];
  } catch {
    return [written];
  }
}
