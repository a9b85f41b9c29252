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

/**
 * Creates the logger of one service, on standard output unless told otherwise. It never throws, whatever it is given: a log line about a bad
 * message must not end the process that received the message.
 */
export function createLogger(
  config: Pick<Config, 'LOG_LEVEL' | 'LOG_FORMAT'> & Partial<Config>,
  service: string,
  stream: NodeJS.WritableStream = process.stdout,
): Logger {
  const { combine, timestamp } = winston.format;
  const lines = winston.createLogger({
    level: config.LOG_LEVEL,
    defaultMeta: { service },
    format: combine(timestamp(), config.LOG_FORMAT === 'json' ? jsonLine : textLine),
    transports: [new winston.transports.Stream({ stream })],
  });
  const masking = { secrets: secretsOf(config), showRecipients: config.LOG_RECIPIENTS === 'full' };
  const write = (level: string, words: string, fields?: LogFields): void => {
    if (!lines.isLevelEnabled(level)) return;
    // Masked before winston sees it, because winston reads the fields as well.
    const shown = redact(fields ?? {}, masking);
    try {
      lines.log({
        ...(typeof shown === 'object' ? shown : { fields: shown }),
        level,
        message: String(redact(words, masking)),
      });
    } catch (thrown) {
      lines.log({ level: 'error', message: 'a log line could not be written', error: redact(thrown) });
    }
  };
  return {
    error: (words, fields) => {
      write('error', words, fields);
    },
    warn: (words, fields) => {
      write('warn', words, fields);
    },
    info: (words, fields) => {
      write('info', words, fields);
    },
    debug: (words, fields) => {
      write('debug', words, fields);
    },
  };
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
  // Of `undefined` there is no JSON, whatever the declaration says.
  return escaped(value === undefined ? 'undefined' : JSON.stringify(value));
}

function escaped(text: string): string {
  return text.replace(CONTROL, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** A logger that says nothing, for tests and tools. */
export const silentLogger: Logger = { error: noop, warn: noop, info: noop, debug: noop };

function noop(): void {
  // Nothing to say.
}
