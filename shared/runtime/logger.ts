import winston from 'winston';
import type { Config } from './config.ts';
import { redact, secretsOf } from './redact.ts';

/** What a log line may carry besides its words. `id` is the notification's. `message` would replace the words, so it is refused. */
export type LogFields = Readonly<Record<string, unknown>> & { message?: never };

/** Writes log lines. Every line that concerns one notification carries its `id`. */
export interface Logger {
  error(words: string, fields?: LogFields): void;
  warn(words: string, fields?: LogFields): void;
  info(words: string, fields?: LogFields): void;
  debug(words: string, fields?: LogFields): void;
}

/** Control characters, which could move a terminal's cursor or begin a line that is none of ours. */
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

/** A logger of one service, on standard output unless told otherwise. */
export function createLogger(
  config: Pick<Config, 'LOG_LEVEL' | 'LOG_FORMAT'> & Partial<Config>,
  service: string,
  stream: NodeJS.WritableStream = process.stdout,
): Logger {
  const { combine, timestamp } = winston.format;
  const shape = config.LOG_FORMAT === 'json' ? jsonLine : textLine;
  return winston.createLogger({
    level: config.LOG_LEVEL,
    defaultMeta: { service },
    format: combine(timestamp(), redacted(config)(), shape),
    transports: [new winston.transports.Stream({ stream })],
  });
}

function redacted(config: Partial<Config>): winston.Logform.FormatWrap {
  const masking = { secrets: secretsOf(config), showRecipients: config.LOG_RECIPIENTS === 'full' };
  return winston.format((info) => {
    const clean = redact({ ...info }, masking) as winston.Logform.TransformableInfo;
    // winston finds level and message under symbols, which entries() does not see.
    return Object.assign(info, clean);
  });
}

/** JSON escapes a part of them itself, and takes the others escaped as well. */
const jsonLine = winston.format.combine(
  winston.format.json(),
  winston.format.printf((info) => escaped(String(info[Symbol.for('message')]))),
);

const textLine = winston.format.printf((info) => {
  const { timestamp, level, message, ...fields } = info;
  // The supervisor's prefix says the service already.
  const shown = Object.entries(fields).filter(([key]) => key !== 'service');
  const rest = shown.map(([key, value]) => `${escaped(key)}=${inline(value)}`);
  return [String(timestamp).slice(11, 23), level.padEnd(5), escaped(String(message)), ...rest].join(' ');
});

function inline(value: unknown): string {
  if (typeof value === 'string') return /[\s"]/.test(value) ? escaped(JSON.stringify(value)) : escaped(value);
  // Each line of a stack is one of ours, further in than where a log line begins.
  if (typeof value === 'object' && value !== null && 'stack' in value)
    return String(value.stack).split('\n').map(escaped).join('\n    ');
  return escaped(JSON.stringify(value));
}

function escaped(text: string): string {
  return text.replace(CONTROL, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** A logger that says nothing, for tests and tools. */
export const silentLogger: Logger = { error: noop, warn: noop, info: noop, debug: noop };

function noop(): void {
  // Nothing to say.
}
