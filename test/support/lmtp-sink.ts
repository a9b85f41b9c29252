import { buffer } from 'node:stream/consumers';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer } from 'smtp-server';
import { until } from './until.ts';

/** A mail that a mail server delivered. */
export interface DeliveredMail {
  from: string;
  to: string;
  mail: Email;
}

/** The mailboxes behind a mail server, which delivers to them by LMTP. */
export class LmtpSink {
  readonly delivered: DeliveredMail[] = [];
  readonly #server: SMTPServer;

  private constructor() {
    this.#server = new SMTPServer({
      lmtp: true,
      disabledCommands: ['AUTH', 'STARTTLS'],
      onData: (stream, { envelope }, callback) => {
        void buffer(stream)
          .then((bytes) => PostalMime.parse(bytes))
          .then((mail) => {
            const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
            for (const { address } of envelope.rcptTo) this.delivered.push({ from, to: address, mail });
            callback();
          }, callback);
      },
    });
  }

  static async start(): Promise<LmtpSink> {
    const sink = new LmtpSink();
    await new Promise<void>((resolve) => void sink.#server.listen(0, '127.0.0.1', resolve));
    return sink;
  }

  /** As `virtual_transport` of Postfix names it. */
  get transport(): string {
    const address = this.#server.server.address();
    return `lmtp:inet:127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}`;
  }

  /** The one mail to an address, once it is there. */
  mailTo(address: string): Promise<DeliveredMail> {
    return until(() => this.delivered.find(({ to }) => to === address));
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }
}
