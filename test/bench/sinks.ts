import { Program } from './programs.ts';

/** What a provider has got. */
export interface Received {
  count: number;
  /** When the last one came, in milliseconds since the epoch. */
  lastAt: number;
  /** Milliseconds from the client's clock in the subject to the server's yes; empty where nothing said so. */
  ages: number[];
}

/** A mail server and an SMS API that take everything, in processes of their own. */
export class Sinks {
  readonly smtpPort: number;
  readonly smsPort: number;
  readonly #smtp: Program;
  readonly #sms: Program;

  private constructor(smtp: Started, sms: Started) {
    this.#smtp = smtp.program;
    this.#sms = sms.program;
    this.smtpPort = portOf(smtp);
    this.smsPort = portOf(sms);
  }

  static async start(): Promise<Sinks> {
    return new Sinks(await Program.start('sinks/smtp-sink.ts'), await Program.start('sinks/sms-sink.ts'));
  }

  /** What came since the last `reset`. */
  async received(channel: 'email' | 'sms', options: { reset?: boolean } = {}): Promise<Received> {
    return (await (channel === 'email' ? this.#smtp : this.#sms).ask(options)) as Received;
  }

  async stop(): Promise<void> {
    await Promise.all([this.#smtp.stop(), this.#sms.stop()]);
  }
}

type Started = Awaited<ReturnType<typeof Program.start>>;

/** The port that a program said in its first message. */
export function portOf({ first }: Started): number {
  return (first as { port: number }).port;
}
