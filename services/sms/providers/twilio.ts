import twilio from 'twilio';
import type RequestClient from 'twilio/lib/base/RequestClient.js';

import type { Outcome } from '../../../shared/delivery/index.ts';
import { SECOND } from '../../../shared/runtime/duration.ts';
import { codeOf, toError } from '../../../shared/runtime/errors.ts';
import { segmentsOf } from '../../../shared/contracts/index.ts';
import { classifyTwilioAnswer, classifyTwilioSilence, type TwilioAnswer } from './twilio-answers.ts';

/** How long one request may take, in milliseconds; below the delivery's own time-out, so that the answer is ours to read. */
const REQUEST_TIMEOUT_MS = 10 * SECOND;
const TWILIO_API = 'https://api.twilio.com';

/** A Twilio account. */
export interface TwilioOptions {
  accountSid: string;
  authToken: string;
  /** Sender, in E.164. */
  from: string;
  /** Another server that speaks the same API. */
  baseUrl?: string | undefined;
}

/** An SMS to hand over. */
export interface OutgoingText {
  /** Recipient, in E.164. */
  to: string;
  body: string;
  /** Where Twilio reports what becomes of it. */
  statusCallback?: string | undefined;
}

/** Hands SMS to Twilio. */
export interface TwilioProvider {
  send: (text: OutgoingText) => Promise<Outcome>;
}

/** Makes the provider; nothing is sent until the first message. Retries belong to the fleet, so the client makes none. */
export function createTwilioProvider({
  accountSid,
  authToken,
  from,
  baseUrl,
}: TwilioOptions): TwilioProvider {
  const httpClient = new AnswerKeepingClient(baseUrl ?? TWILIO_API);
  const client = twilio(accountSid, authToken, { httpClient });
  return {
    send: async ({ to, body, statusCallback }) => {
      try {
        const { sid } = await client.messages.create({
          to,
          from,
          body,
          ...(statusCallback !== undefined && { statusCallback }),
        });
        const segments = segmentsOf(body);
        return {
          kind: 'sent',
          provider: 'twilio',
          provider_message_id: sid,
          reason: `${segments.count} segment(s), ${segments.encoding}`,
        };
      } catch (thrown) {
        return { provider: 'twilio', ...classify(thrown) };
      }
    },
  };
}

function classify(thrown: unknown): ReturnType<typeof classifyTwilioAnswer> {
  if (thrown instanceof TwilioRefusal) return classifyTwilioAnswer(thrown.answer);
  return classifyTwilioSilence(codeOf(thrown), toError(thrown).message);
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

/** The package's HTTP client, pointed at a base URL, that keeps what an error answer said. */
class AnswerKeepingClient extends twilio.RequestClient {
  readonly #baseUrl: string;

  constructor(baseUrl: string) {
    super({ timeout: REQUEST_TIMEOUT_MS, keepAlive: true });
    this.#baseUrl = baseUrl.replace(/\/$/, '');
  }

  override async request<T>(
    options: RequestOptions<T>,
  ): ReturnType<typeof RequestClient.prototype.request<T>> {
    const response = await super.request<T>({
      ...options,
      uri: options.uri.replace(TWILIO_API, this.#baseUrl),
    });
    if (response.statusCode >= 300) throw new TwilioRefusal(answerOf(response));
    return response;
  }
}

function answerOf({
  statusCode,
  body,
  headers,
}: {
  statusCode: number;
  body: unknown;
  headers: unknown;
}): TwilioAnswer {
  const fields = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const retryAfter = Number((headers as Record<string, unknown> | undefined)?.['retry-after']);
  return {
    status: statusCode,
    code: typeof fields.code === 'number' ? fields.code : undefined,
    message: typeof fields.message === 'string' ? fields.message : '',
    retryAfterSeconds: Number.isFinite(retryAfter) && retryAfter >= 0 ? retryAfter : undefined,
  };
}
