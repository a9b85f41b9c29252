import { HOUR, MINUTE, SECOND } from '../runtime/duration.ts';
import { toError } from '../runtime/errors.ts';
import { agentFor, ask, type Answer } from './ask.ts';
import type { Grant } from './grants.ts';
import { inTime, NoAnswer, type Time } from './time.ts';

/** How long Google may take to give one, in milliseconds. */
const ASK_MS = 10 * SECOND;
/** One that ends within this time is replaced, while it is still used; milliseconds. */
const RENEW_BEFORE_MS = 5 * MINUTE;
/** One that ends within this time is used no more: it could end on the way. Milliseconds. */
const LAST_MS = 30 * SECOND;
/** How long one is good that does not say so (RFC 6749 §5.1 leaves it out where it is known otherwise): as long as Google's are. Milliseconds. */
const USUAL_MS = HOUR;
/** After a refusal nobody asks again for so long, in milliseconds: all who come meanwhile share the refusal. */
const REST_MS = SECOND;

/** There is no access token to be had: Google refuses to give one, or cannot be reached. */
export class NoToken extends Error {
  override readonly name = 'NoToken';
  /** Such as `invalid_grant`, or ECONNREFUSED. */
  readonly code: string;

  constructor(code: string, why: string) {
    super(`Google gives no access token: ${code}${why === '' ? '' : ` (${why})`}${adviceFor(code)}`);
    this.code = code;
  }
}

/** Google has answered, and will not answer otherwise a moment later. */
class Refused extends NoToken {}

function refusalOf({ status, fields }: Answer): NoToken {
  const { error, error_description: words } = fields;
  if (typeof error !== 'string') return new NoToken(`http_${status}`, 'no answer that could be read');
  return new Refused(error, typeof words === 'string' ? words.slice(0, 200) : '');
}

/** What an operator can do about it. */
function adviceFor(code: string): string {
  if (code === 'invalid_grant')
    return '. Consent has ended or was taken back: npm run gmail:connect, put the new GMAIL_REFRESH_TOKEN in place and restart the e-mail consumer';
  if (code === 'invalid_client')
    return '. GMAIL_CLIENT_ID and GMAIL_CLIENT_SECRET are not those of a client that Google knows';
  if (code === 'unauthorized_client')
    return '. The client may not act for this user: see docs/gmail.md for the delegation of a service account';
  return '';
}

interface Token {
  value: string;
  /** Unix time, in milliseconds. */
  endsAt: number;
}

/** A question to Google that is under way. */
interface Asking {
  token: Promise<Token>;
  /** How many wait for it. */
  waiting: number;
  /** Whether it was answered. */
  isOver: boolean;
  stop: AbortController;
}

/** Access tokens, one at a time: asked for once for all who need one, kept, and replaced before it ends. */
export class AccessTokens {
  readonly #grant: Grant;
  readonly #url: URL;
  readonly #agent;
  #token: Token | undefined;
  #asking: Asking | undefined;

  constructor(url: URL, grant: Grant) {
    this.#url = url;
    this.#grant = grant;
    this.#agent = agentFor(url, 1);
  }

  /** The token that is good now. @throws NoToken; NoAnswer when the time is up before. */
  async get(time: Time): Promise<string> {
    const left = (this.#token?.endsAt ?? 0) - Date.now();
    if (this.#token && left > RENEW_BEFORE_MS) return this.#token.value;
    if (!this.#token || left <= LAST_MS) return this.#waitForNext(time);
    // A refusal is told to whoever needs the new one.
    this.#next().token.catch(() => undefined);
    return this.#token.value;
  }

  /** Forgets one that was refused, so that the next is a new one. */
  refused(value: string): void {
    if (this.#token?.value === value) this.#token = undefined;
  }

  /** Closes its connection. */
  close(): void {
    this.#agent.destroy();
  }

  async #waitForNext(time: Time): Promise<string> {
    const asking = this.#next();
    asking.waiting += 1;
    try {
      return (await inTime(asking.token, time)).value;
    } finally {
      asking.waiting -= 1;
      // Whoever comes next does not wait for an answer that kept all others waiting in vain.
      if (asking.waiting === 0 && !asking.isOver) this.#end(asking);
    }
  }

  #next(): Asking {
    if (this.#asking) return this.#asking;
    const stop = new AbortController();
    const token = this.#ask(AbortSignal.any([stop.signal, AbortSignal.timeout(ASK_MS)]));
    const asking: Asking = { token, waiting: 0, isOver: false, stop };
    this.#asking = asking;
    token.then(
      (given) => {
        asking.isOver = true;
        this.#token = given;
        this.#end(asking);
      },
      (thrown: unknown) => {
        asking.isOver = true;
        if (thrown instanceof Refused) setTimeout(this.#end.bind(this, asking), REST_MS).unref();
        else this.#end(asking);
      },
    );
    return asking;
  }

  #end(asking: Asking): void {
    if (this.#asking === asking) this.#asking = undefined;
    asking.stop.abort();
  }

  async #ask(signal: AbortSignal): Promise<Token> {
    const askedAt = Date.now();
    const answer = await this.#answer(signal);
    const { access_token: value, expires_in: seconds } = answer.fields;
    if (answer.status !== 200 || typeof value !== 'string') throw refusalOf(answer);
    return { value, endsAt: askedAt + (typeof seconds === 'number' ? seconds * SECOND : USUAL_MS) };
  }

  async #answer(signal: AbortSignal): Promise<Answer> {
    try {
      return await ask({
        url: this.#url,
        headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
        body: new URLSearchParams(await this.#grant()).toString(),
        agent: this.#agent,
        time: { signal },
      });
    } catch (thrown) {
      if (thrown instanceof NoAnswer) throw new NoToken(thrown.code, thrown.message);
      throw new NoToken('no_grant', toError(thrown).message);
    }
  }
}
