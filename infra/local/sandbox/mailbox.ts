import { EventEmitter } from 'node:events';
import { toError } from '../../../shared/runtime/errors.ts';

/** A mail as it arrived. */
export interface Mail {
  kind: 'mail';
  id: string;
  received_at: Date;
  envelope: { from: string; to: string[] };
  /** Byte by byte, without the dots that SMTP adds to lines that begin with one. */
  raw: Buffer;
  /** What was refused is not kept. */
  accepted: true;
  /** It was taken, and its sender was not told. */
  unanswered?: true;
}

/** An SMS as it arrived. */
export interface Text {
  kind: 'text';
  /** Twilio's message SID. */
  id: string;
  received_at: Date;
  from: string;
  to: string;
  body: string;
  segments: number;
  /** It was taken, and its sender was not told. */
  unanswered?: true;
  messaging_service_sid: string | null;
  /** Where Twilio would have it by now. */
  status?: string;
  error_code?: number | null;
}

/** Kept at most; the oldest go first. */
const CAPACITY = 1_000;
/** Bytes of mail kept at most: a thousand mails of the largest size would be 25 GB. The newest always stays. */
const CAPACITY_BYTES = 256 * 1024 * 1024;

/** Everything that the sandbox accepted, newest first. */
export class Mailbox extends EventEmitter<{ arrived: [Mail | Text]; cleared: [] }> {
  #items: (Mail | Text)[] = [];
  #bytes = 0;

  /** Keeps an item and tells listeners. */
  add(item: Mail | Text): void {
    this.#items.unshift(item);
    this.#bytes += bytesOf(item);
    while (this.#items.length > CAPACITY || (this.#bytes > CAPACITY_BYTES && this.#items.length > 1))
      this.#bytes -= bytesOf(this.#items.pop());
    this.emit('arrived', item);
  }

  /** Mails and SMS, newest first. */
  all(): readonly (Mail | Text)[] {
    return this.#items;
  }

  /** Mails, newest first. */
  mails(): Mail[] {
    return this.#items.filter((item) => item.kind === 'mail');
  }

  /** SMS, newest first. */
  texts(): Text[] {
    return this.#items.filter((item) => item.kind === 'text');
  }

  /** One item by its id. */
  find(id: string): Mail | Text | undefined {
    return this.#items.find((item) => item.id === id);
  }

  /** Forgets everything. */
  clear(): void {
    this.#items = [];
    this.#bytes = 0;
    this.emit('cleared');
  }

  /** Resolves with the first item that is or comes to be true; rejects after `timeoutMs`. */
  waitFor(isIt: (item: Mail | Text) => boolean, timeoutMs: number): Promise<Mail | Text> {
    const present = this.#items.find(isIt);
    if (present) return Promise.resolve(present);
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        this.off('arrived', look);
      };
      const look = (item: Mail | Text): void => {
        try {
          if (!isIt(item)) return;
          resolve(item);
        } catch (thrown) {
          // The mistake is the waiting one's, and must not become an answer to the sender.
          reject(toError(thrown));
        }
        end();
      };
      const timer = setTimeout(() => {
        end();
        reject(new Error(`nothing arrived within ${timeoutMs} ms that matches`));
      }, timeoutMs);
      this.on('arrived', look);
    });
  }
}

function bytesOf(item: Mail | Text | undefined): number {
  return item?.kind === 'mail' ? item.raw.length : 0;
}
