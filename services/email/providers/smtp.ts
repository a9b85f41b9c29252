import SMTPPool from 'nodemailer/lib/smtp-pool';
import type { Readable } from 'node:stream';
import type { Notification } from '../../../shared/contracts/index.ts';
import type { Outcome } from '../../../shared/delivery/index.ts';
import { SECOND } from '../../../shared/runtime/duration.ts';
import { codeOf, toError } from '../../../shared/runtime/errors.ts';
import { composeMail, type Mail } from './compose.ts';
import { classifySmtpFailure } from './smtp-answers.ts';

/** Time to connect and be greeted, in milliseconds. Silence later is bounded by the delivery's own time-out. */
const CONNECT_TIMEOUT_MS = 10 * SECOND;

/** How to reach a mail server. */
export interface SmtpOptions {
  url: string;
  /** The From header; its domain makes the Message-IDs. */
  from: string;
  /** Where a mail comes back to; without it, to the address of From. */
  returnPath?: ((notificationId: string) => string | undefined) | undefined;
  /** Connections kept open at most. */
  connections: number;
}

/** A mail server, over pooled connections. */
export interface SmtpProvider {
  send: (notification: Notification, signal: AbortSignal) => Promise<Outcome>;
  close: () => Promise<void>;
}

/** Makes the provider; it connects with the first message. */
export function createSmtpProvider({ url, from, returnPath, connections }: SmtpOptions): SmtpProvider {
  const pool = new SMTPPool({
    url,
    maxConnections: connections,
    maxMessages: Infinity,
    connectionTimeout: CONNECT_TIMEOUT_MS,
    greetingTimeout: CONNECT_TIMEOUT_MS,
  });
  const domain = domainOf(from);
  return {
    send: async (notification, signal) => {
      const composed = composeMail(notification, { from, domain });
      const { mail, bodyBegan } = tracked(withReturnPath(composed, returnPath?.(notification._id)));
      try {
        const reason = await handOver(pool, mail, signal);
        return { kind: 'sent', provider: 'smtp', provider_message_id: mail.messageId(), reason };
      } catch (thrown) {
        return { provider: 'smtp', ...classifySmtpFailure(failureOf(thrown, bodyBegan())) };
      }
    },
    close: () => {
      pool.close();
      return Promise.resolve();
    },
  };
}

/**
 * Straight to nodemailer's pool: its `sendMail` would compose each mail once more, which takes three times as long as handing it over. Of a
 * mail the pool reads `data.signal`, the envelope, the Message-ID and the stream; nodemailer's version is pinned, because that is between it
 * and its own composer.
 */
function handOver(pool: SMTPPool, message: Mail, signal: AbortSignal): Promise<string> {
  type PoolMail = Parameters<SMTPPool['send']>[0];
  return new Promise((resolve, reject) => {
    pool.send({ data: { signal }, message } as unknown as PoolMail, (error, info) => {
      if (error) reject(error);
      else resolve(info?.response ?? '');
    });
  });
}

/** The same mail, which comes back to an address of its own. */
function withReturnPath(mail: Mail, from: string | undefined): Mail {
  if (from === undefined) return mail;
  return {
    getEnvelope: () => ({ ...mail.getEnvelope(), from }),
    messageId: () => mail.messageId(),
    getHeader: (name) => mail.getHeader(name),
    createReadStream: () => mail.createReadStream(),
  };
}

/**
 * Notes whether the body began to be sent. nodemailer reports a reset after DATA like a refused connection, so the stage is taken from where
 * it is exact: the connection reads the message only once the server said 354.
 */
function tracked(mail: Mail): { mail: Mail; bodyBegan: () => boolean } {
  const streams: Readable[] = [];
  return {
    mail: {
      getEnvelope: () => mail.getEnvelope(),
      messageId: () => mail.messageId(),
      getHeader: (name) => mail.getHeader(name),
      createReadStream: () => {
        const stream = mail.createReadStream();
        streams.push(stream);
        return stream;
      },
    },
    bodyBegan: () => streams.some((stream) => stream.readableDidRead),
  };
}

function failureOf(thrown: unknown, bodyBegan: boolean): Parameters<typeof classifySmtpFailure>[0] {
  const error: Error & { responseCode?: unknown; command?: unknown; originalCode?: unknown } =
    toError(thrown);
  return {
    responseCode: typeof error.responseCode === 'number' ? error.responseCode : undefined,
    code: typeof error.originalCode === 'string' ? error.originalCode : codeOf(error),
    command: typeof error.command === 'string' ? error.command : undefined,
    message: error.message,
    bodyBegan,
  };
}

function domainOf(from: string): string {
  return /@([^\s>@]+)>?\s*$/.exec(from)?.[1] ?? 'localhost';
}
