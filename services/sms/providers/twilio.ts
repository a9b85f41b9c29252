import { AsyncLocalStorage } from 'node:async_hooks';
import twilio from 'twilio';
import type RequestClient from 'twilio/lib/base/RequestClient.js';

import { wordsOfBody, type Outcome, type Provider } from '../../../shared/delivery/index.ts';
import { required, type Config } from '../../../shared/runtime/config.ts';
import { SECOND } from '../../../shared/runtime/duration.ts';
import { codeOf, toError } from '../../../shared/runtime/errors.ts';
import { retryAfterSecondsOf } from '../../../shared/runtime/retry-after.ts';
import { segmentsOf, statusCallbackFor, statusCallbackUrl } from '../../../shared/contracts/index.ts';
import { Calling } from './calling.ts';
import { classifyTwilioAnswer, classifyTwilioSilence, type TwilioAnswer } from './twilio-answers.ts';

/** How long one request may take, in milliseconds; below the delivery's own time-out, so that the answer is ours to read. */
const REQUEST_TIMEOUT_MS = 10 * SECOND;
/** Words of a 429 that counts requests at once, and not in time. */
const AT_ONCE = /concurren/i;
const TWILIO_API = 'https://api.twilio.com';

/** A Twilio account. */
interface TwilioOptions {
  accountSid: string;
  authToken: string;
  /** Sender, in E.164. */
  from: string;
  /** Another server that speaks the same API. */
  baseUrl?: string | undefined;
  /** Where Twilio reports what becomes of an SMS. */
  callback?: string | undefined;
}

/** The account of the settings. @throws ConfigError when it is not fully given. */
export function twilioProvider(config: Config): Provider {
  const { TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_PHONE_NUMBER } = required(
    config,
    'the provider twilio',
    {
      TWILIO_ACCOUNT_SID: 'as the console of Twilio shows it',
      TWILIO_AUTH_TOKEN: 'as the console of Twilio shows it',
      TWILIO_PHONE_NUMBER: 'such as +15005550006',
    },
  );
  return createTwilio({
    accountSid: TWILIO_ACCOUNT_SID,
    authToken: TWILIO_AUTH_TOKEN,
    from: TWILIO_PHONE_NUMBER,
    baseUrl: config.TWILIO_API_BASE_URL,
    callback: statusCallbackUrl(config),
  });
}

/** Makes the provider; nothing is sent until the first message. Retries belong to the fleet, so the client makes none. */
function createTwilio({ accountSid, authToken, from, baseUrl, callback }: TwilioOptions): Provider {
  const httpClient = new AnswerKeepingClient(baseUrl ?? TWILIO_API, [authToken]);
  const client = twilio(accountSid, authToken, { httpClient });
  return {
    name: 'twilio',
    send: async ({ _id, phone: to = '', message: body }, signal, patience) => {
      if (signal.aborted) return STOPPED;
      const calling = new Calling(signal, patience, REQUEST_TIMEOUT_MS);
      const statusCallback =
        callback === undefined ? {} : { statusCallback: statusCallbackFor(callback, _id) };
      const text = { to, from, body, ...statusCallback };
      try {
        const { sid } = await httpClient.by(calling, () => client.messages.create(text));
        const segments = segmentsOf(body);
        return {
          kind: 'sent',
          provider: 'twilio',
          provider_message_id: sid,
          reason: `${segments.count} segment(s), ${segments.encoding}`,
        };
      } catch (thrown) {
        return { provider: 'twilio', ...classify(thrown, calling) };
      } finally {
        calling.end();
      }
    },
  };
}

/** Nothing was asked of it. */
const STOPPED: Outcome = {
  kind: 'transient',
  provider: 'twilio',
  code: 'stopped',
  reason: 'stopped before it began',
  untried: true,
};

function classify(thrown: unknown, calling: Calling): ReturnType<typeof classifyTwilioAnswer> {
  if (thrown instanceof TwilioRefusal) {
    const isOverLimit = thrown.answer.status === 429 && AT_ONCE.test(thrown.answer.message);
    return { ...classifyTwilioAnswer(thrown.answer), ...(isOverLimit && { overLimit: true }) };
  }
  const code = calling.wasKeptWaiting ? 'ETIMEDOUT' : codeOf(thrown);
  const silence = classifyTwilioSilence(code, toError(thrown).message, calling.isOpen);
  return calling.isOpen ? silence : { ...silence, seen: false };
}

/** The API answered with an error. The package's own exception forgets the headers, and Retry-After is one. */
class TwilioRefusal extends Error {
  override readonly name = 'TwilioRefusal';
  readonly answer: TwilioAnswer;

  constructor(answer: TwilioAnswer) {
    super(answer.message);
    this.answer = answer;
  }
}

type RequestOptions<T> = RequestClient.RequestOptions<T>;

/**
 * The package's HTTP client, pointed at a base URL, that keeps what an error answer said, stops when it is told to, and has its connection
 * looked at: the package has no way to pass that through, so it goes beside the call.
 */
class AnswerKeepingClient extends twilio.RequestClient {
  readonly #baseUrl: string;
  readonly #secrets: readonly string[];
  readonly #callings = new AsyncLocalStorage<Calling>();

  constructor(baseUrl: string, secrets: readonly string[]) {
    super({ timeout: REQUEST_TIMEOUT_MS, keepAlive: true });
    this.#secrets = secrets;
    this.#baseUrl = baseUrl.replace(/\/$/, '');
    this.axios.interceptors.request.use((request) => {
      const calling = this.#callings.getStore();
      return calling ? { ...request, signal: calling.signal, transport: calling } : request;
    });
  }

  /** The request that the work makes goes by this calling. */
  by<T>(calling: Calling, work: () => Promise<T>): Promise<T> {
    return this.#callings.run(calling, work);
  }

  override async request<T>(
    options: RequestOptions<T>,
  ): ReturnType<typeof RequestClient.prototype.request<T>> {
    const response = await super.request<T>({
      ...options,
      uri: options.uri.replace(TWILIO_API, this.#baseUrl),
    });
    if (response.statusCode >= 300) throw new TwilioRefusal(answerOf(response, this.#secrets));
    return response;
  }
}

function answerOf(
  { statusCode, body, headers }: { statusCode: number; body: unknown; headers: unknown },
  secrets: readonly string[],
): TwilioAnswer {
  const fields = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  return {
    status: statusCode,
    code: typeof fields.code === 'number' ? fields.code : undefined,
    // What stands between us and Twilio answers in its own format.
    message: typeof fields.message === 'string' ? fields.message : wordsOfBody(body, secrets),
    retryAfterSeconds: retryAfterSecondsOf((headers as Record<string, unknown> | undefined)?.['retry-after']),
  };
}
