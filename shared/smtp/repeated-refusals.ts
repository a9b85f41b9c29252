import { wordsOf } from '../verdicts/index.ts';

/** Different recipients that are refused one after the other before the refusal is about us. */
const RECIPIENTS = 5;
/** "Security or policy" of RFC 3463 §3.8, or 554 without a status: about the recipient or about us, nobody can tell from one. */
const POLICY = /^5\.7\.\d+$/;

/** A refusal of one recipient. */
export interface RecipientRefusal {
  recipient: string;
  reply: number;
  status?: string | undefined;
  /** What the server said. */
  message: string;
}

/**
 * Tells refusals of our account from refusals of one recipient, where no code and no documented words do: a server that refuses one recipient
 * after the other in the same words, and takes none meanwhile, means us. Of one server; only of RCPT, where it has seen no text yet.
 */
export class RepeatedRefusals {
  #words = '';
  readonly #recipients = new Set<string>();

  /** The server has taken a recipient: what it refuses is about each one. */
  taken(): void {
    this.#recipients.clear();
  }

  /** Notes a refusal; answers whether it is about us by now. */
  isAboutUs({ recipient, reply, status, message }: RecipientRefusal): boolean {
    if (!(status === undefined ? reply === 554 : POLICY.test(status))) return false;
    const words = sameWords(message);
    if (words !== this.#words) this.#recipients.clear();
    this.#words = words;
    if (this.#recipients.size < RECIPIENTS) this.#recipients.add(recipient.toLowerCase());
    return this.#recipients.size >= RECIPIENTS;
  }
}

/** Characters of a reply that are compared. */
const COMPARED = 500;

/** The words without what differs from one recipient to the next: addresses, and whatever has a digit. */
function sameWords(message: string): string {
  const words = wordsOf(message.slice(0, COMPARED)).toLowerCase().split(' ');
  return words.filter((word) => !/[@\d]/.test(word)).join(' ');
}
