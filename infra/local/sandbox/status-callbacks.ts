import { createHmac } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { pause } from '../../../shared/runtime/backoff.ts';
import { MAGIC_NUMBERS, type StatusReport } from './magic-recipients.ts';
import type { Text } from './mailbox.ts';

/** What becomes of an SMS to any other number. */
const USUAL: readonly StatusReport[] = [{ status: 'queued' }, { status: 'sent' }, { status: 'delivered' }];
/** Between two reports, in milliseconds. */
const APART_MS = 100;
/** How long one may take, in milliseconds; Twilio waits for 15 s. */
const ANSWER_WITHIN_MS = 5_000;

/** Reports what becomes of messages, form-encoded and signed as Twilio does. */
export class StatusCallbacks {
  readonly #accountSid: string;
  readonly #authToken: string;
  readonly #stopping = new AbortController();

  constructor({ accountSid, authToken }: { accountSid: string; authToken: string }) {
    this.#accountSid = accountSid;
    this.#authToken = authToken;
    // Every message with reports to come listens.
    setMaxListeners(0, this.#stopping.signal);
  }

  /** Reports what is to be heard before the sender has its answer. */
  async beforeAnswer(text: Text, address: string | undefined): Promise<void> {
    const first = magicOf(text)?.reportsFirst;
    if (first && address !== undefined) await this.#report(text, address, first);
  }

  /** Reports all else, one after the other. */
  async afterAnswer(text: Text, address: string | undefined): Promise<void> {
    for (const report of magicOf(text)?.reports ?? USUAL) {
      await pause(APART_MS, this.#stopping.signal);
      if (this.#stopping.signal.aborted) return;
      Object.assign(text, { status: report.status, error_code: report.code ?? null });
      if (address !== undefined) await this.#report(text, address, report);
    }
  }

  /** Reports nothing more. */
  stop(): void {
    this.#stopping.abort();
  }

  async #report(text: Text, address: string, { status, code }: StatusReport): Promise<void> {
    if (!isCallable(address)) return;
    const fields = {
      AccountSid: this.#accountSid,
      ApiVersion: '2010-04-01',
      From: text.from,
      MessageSid: text.id,
      MessageStatus: status,
      SmsSid: text.id,
      SmsStatus: status,
      To: text.to,
      ...(code !== undefined && { ErrorCode: String(code) }),
    };
    const headers = { 'x-twilio-signature': this.#sign(address, fields) };
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]);
    // As Twilio does by itself: who does not answer is not called again.
    await fetch(address, { method: 'POST', headers, body: new URLSearchParams(fields), signal }).catch(
      () => undefined,
    );
  }

  /** Twilio's documented way: the address, then every field with its value, by name; HMAC-SHA1 with the token. */
  #sign(address: string, fields: Readonly<Record<string, string>>): string {
    const signed = Object.entries(fields)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .reduce((text, [name, value]) => text + name + value, address);
    return createHmac('sha1', this.#authToken).update(signed).digest('base64');
  }
}

function magicOf({ to }: Text): (typeof MAGIC_NUMBERS)[number] | undefined {
  return MAGIC_NUMBERS.find(({ number }) => number === to);
}

/** Whether the sandbox calls this address: nothing leaves this machine. */
function isCallable(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname } = new URL(address);
  return protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(hostname);
}
