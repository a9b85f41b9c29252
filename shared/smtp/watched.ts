import type { Readable } from 'node:stream';
import type { Mail } from './compose.ts';

/** A mail on its way, and how far the conversation with the server got. */
export interface Watched {
  mail: Mail;
  /** Whether the server took the sender, so that the next thing it hears of is the recipient. */
  senderTaken: () => boolean;
  /** Whether a byte of the message was on its way. */
  bodyBegan: () => boolean;
}

/** What the envelope says besides the recipient. */
export interface EnvelopeOptions {
  /** Where the mail comes back to, when that is not its From. */
  returnPath?: string | undefined;
  /** Octets of the mail, which MAIL announces to a server that offers SIZE (RFC 1870). */
  size: number;
  /** Whether the notification chose its sender itself: a refusal for good is about that one, then, and not about the connection. */
  ownSender: boolean;
  /** Called when the server has taken the recipient and asks for the message. */
  onBody?: () => void;
}

/**
 * Watches a mail. nodemailer reports a reset after DATA like a refused connection, and says of a mail that was given up not how far it got, so
 * the stage is taken from where it is exact: the connection reads the message only once the server said 354, and writes into the envelope what
 * was answered to MAIL.
 */
export function watch(mail: Mail, options: EnvelopeOptions): Watched {
  const streams: Readable[] = [];
  let envelope: WatchedEnvelope | undefined;
  return {
    mail: {
      messageId: () => mail.messageId(),
      getHeader: (name) => mail.getHeader(name),
      getEnvelope: () => (envelope = new WatchedEnvelope(mail.getEnvelope(), options)),
      createReadStream: () => {
        const stream = mail.createReadStream();
        streams.push(stream);
        // Its first reader is the connection, behind the server's 354.
        if (options.onBody) stream.once('resume', options.onBody);
        return stream;
      },
    },
    senderTaken: () => envelope?.senderTaken ?? false,
    bodyBegan: () => streams.some((stream) => stream.readableDidRead),
  };
}

/** An envelope as nodemailer's connection takes it. The connection reads `pipelined` once when it begins, and once for each answer that it got. */
class WatchedEnvelope {
  readonly to: string[];
  readonly size: number;
  from: string | false;
  readonly #ownSender: boolean;
  #pipelined = false;
  #reads = 0;
  #mailError: MailError | undefined;

  constructor(
    { from, to }: ReturnType<Mail['getEnvelope']>,
    { returnPath, size, ownSender }: EnvelopeOptions,
  ) {
    this.from = returnPath ?? from;
    this.to = to;
    this.size = size;
    this.#ownSender = ownSender;
  }

  get senderTaken(): boolean {
    return this.#reads > 1 && this.#mailError === undefined;
  }

  get pipelined(): boolean {
    this.#reads += 1;
    return this.#pipelined;
  }

  set pipelined(value: boolean) {
    this.#pipelined = value;
  }

  get mailError(): MailError | undefined {
    return this.#mailError;
  }

  /**
   * A connection that refuses MAIL is replaced (RFC 5321 §3.8: a session may be over although its connection is not). Told as a lost connection,
   * the pool closes it, and sends the mail by a new one when this one had sent mails before. Not where the refusal is about this mail.
   */
  set mailError(error: MailError | undefined) {
    this.#mailError = error;
    const code = error?.responseCode ?? 0;
    if (error && (code < 500 || !(this.#ownSender || code === TOO_LARGE))) error.code = 'ECONNECTION';
  }
}

/** nodemailer's error of a refused MAIL. */
type MailError = Error & { responseCode?: number; code?: string };
/** RFC 1870 §6.1: the size that MAIL announced. */
const TOO_LARGE = 552;
