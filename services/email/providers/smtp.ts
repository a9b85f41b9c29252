import { createTransport } from 'nodemailer';
import type { Notification } from '../../../shared/contracts/index.ts';
import type { Outcome } from '../../../shared/delivery/index.ts';
import { SECOND } from '../../../shared/runtime/duration.ts';
import { codeOf, toError } from '../../../shared/runtime/errors.ts';
import { composeMail } from './compose.ts';
import { classifySmtpFailure } from './smtp-answers.ts';

/** Time to connect and be greeted, in milliseconds. Silence later is bounded by the delivery's own time-out. */
const CONNECT_TIMEOUT_MS = 10 * SECOND;

/** How to reach a mail server. */
export interface SmtpOptions {
  url: string;
  /** The From header; its domain makes the Message-IDs. */
  from: string;
  /** Connections kept open at most. */
  connections: number;
}

/** A mail server, over pooled connections. */
export interface SmtpProvider {
  send: (notification: Notification, signal: AbortSignal) => Promise<Outcome>;
  close: () => Promise<void>;
}

/** Makes the provider; it connects with the first message. */
export function createSmtpProvider({ url, from, connections }: SmtpOptions): SmtpProvider {
  const transport = createTransport(
    {
      url,
      pool: true,
      maxConnections: connections,
      maxMessages: Infinity,
      connectionTimeout: CONNECT_TIMEOUT_MS,
      greetingTimeout: CONNECT_TIMEOUT_MS,
    },
    { disableFileAccess: true, disableUrlAccess: true },
  );
  const bodies = trackBodies(transport);
  const domain = domainOf(from);
  return {
    send: async (notification, signal) => {
      const mail = composeMail(notification, { from, domain });
      try {
        const info = await transport.sendMail({ ...mail, signal });
        return { kind: 'sent', provider: 'smtp', provider_message_id: info.messageId, reason: info.response };
      } catch (thrown) {
        return { provider: 'smtp', ...classifySmtpFailure(failureOf(thrown, bodies.began(mail.messageId))) };
      } finally {
        bodies.forget(mail.messageId);
      }
    },
    close: () => {
      transport.close();
      return Promise.resolve();
    },
  };
}

/**
 * Notes when the body of a message begins to be sent. nodemailer reports a reset after DATA like a refused connection, so the stage is
 * taken from where it is exact: the connection reads the message only once the server said 354.
 */
function trackBodies(transport: ReturnType<typeof createTransport>): {
  began: (messageId: string) => boolean;
  forget: (messageId: string) => void;
} {
  const begun = new Set<string>();
  transport.use('stream', (mail, done) => {
    const message = mail.message;
    const messageId = String(mail.data.messageId);
    const createReadStream = message.createReadStream.bind(message);
    message.createReadStream = (...options: Parameters<typeof createReadStream>) => {
      const stream = createReadStream(...options);
      // A stream resumes when it is piped on, and that happens after the 354.
      stream.once('resume', () => begun.add(messageId));
      return stream;
    };
    done();
  });
  return { began: (messageId) => begun.has(messageId), forget: (messageId) => begun.delete(messageId) };
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
