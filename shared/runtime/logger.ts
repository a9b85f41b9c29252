import winston from 'winston';
import type { Config } from './config.ts';

/** What a log line may carry besides its words. `id` is the notification's. `message` would replace the words, so it is refused. */
export type LogFields = Readonly<Record<string, unknown>> & { message?: never };

/** Writes log lines. Every line that concerns one notification carries its `id`. */
export interface Logger {
  error(words: string, fields?: LogFields): void;
  warn(words: string, fields?: LogFields): void;
  info(words: string, fields?: LogFields): void;
  debug(words: string, fields?: LogFields): void;
}

const SECRET_KEY = /pass(word)?|secret|token|authorization|api_?key|cookie/i;
const URL_CREDENTIALS = /\/\/[^\s/:@]*:[^\s/@]+@/g;
const MAX_DEPTH = 5;

/** Takes secrets out of a value: fields by their name, credentials in URLs by their shape. Errors become plain objects with their cause. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return value.replace(URL_CREDENTIALS, '//***@');
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (depth >= MAX_DEPTH) return '…';
  if (value instanceof Error) return redact(errorFields(value), depth);
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  const entries = Object.entries(value).map(([key, inner]): [string, unknown] => [
    key,
    SECRET_KEY.test(key) ? '***' : redact(inner, depth + 1),
  ]);
  return Object.fromEntries(entries);
}

function errorFields(error: Error): Record<string, unknown> {
  const code = 'code' in error ? { code: error.code } : {};
  const cause = error.cause === undefined ? {} : { cause: error.cause };
  return { name: error.name, message: error.message, ...code, stack: error.stack, ...cause };
}

const redacted = winston.format((info) => {
  const clean = redact({ ...info }) as winston.Logform.TransformableInfo;
  // winston finds level and message under symbols, which entries() does not see.
  return Object.assign(info, clean);
});

const textLine = winston.format.printf((info) => {
  const { timestamp, level, message, ...fields } = info;
  // The supervisor's prefix says the service already.
  const shown = Object.entries(fields).filter(([key]) => key !== 'service');
  const rest = shown.map(([key, value]) => `${key}=${inline(value)}`);
  return [String(timestamp).slice(11, 23), level.padEnd(5), String(message), ...rest].join(' ');
});

function inline(value: unknown): string {
  if (typeof value === 'string') return /[\s"]/.test(value) ? JSON.stringify(value) : value;
  if (typeof value === 'object' && value !== null && 'stack' in value) return String(value.stack);
  return JSON.stringify(value);
}

/** A logger of one service, on standard output. */
export function createLogger(config: Pick<Config, 'LOG_LEVEL' | 'LOG_FORMAT'>, service: string): Logger {
  const { combine, timestamp, json } = winston.format;
  const shape = config.LOG_FORMAT === 'json' ? json() : textLine;
  return winston.createLogger({
    level: config.LOG_LEVEL,
    defaultMeta: { service },
    format: combine(timestamp(), redacted(), shape),
    transports: [new winston.transports.Stream({ stream: process.stdout })],
  });
}

/** A logger that says nothing, for tests and tools. */
export const silentLogger: Logger = { error: noop, warn: noop, info: noop, debug: noop };

function noop(): void {
  // Nothing to say.
}
