import type { Outcome, Provider } from '../../../shared/delivery/index.ts';
import type { Config } from '../../../shared/runtime/config.ts';
import { SECOND } from '../../../shared/runtime/duration.ts';
import { composeMail, domainOf, mailBytes } from '../../../shared/smtp/index.ts';
import {
  AccessTokens,
  agentFor,
  ask,
  googleAddresses,
  grantOf,
  SEND_ONLY,
  type Answer,
  type Time,
} from '../../../shared/google/index.ts';
import { classifyGmailAnswer, classifyGmailSilence, isGmailSilence } from './gmail-answers.ts';

/** How long a mail waits for one of the places; below the delivery's own time-out, which is the provider's. Milliseconds. */
const PLACE_MS = 5 * SECOND;

/** The Gmail API, as the mailbox that the settings may send for. @throws ConfigError that names what is missing. */
export function gmailProvider(config: Config): Provider {
  const addresses = googleAddresses(config);
  const tokens = new AccessTokens(addresses.token, grantOf(config, SEND_ONLY, addresses.token));
  const agent = agentFor(addresses.send, config.GMAIL_CONCURRENCY);
  const sender = { from: config.MAIL_FROM, domain: domainOf(config.MAIL_FROM) };
  return {
    name: 'gmail',
    send: async (notification, signal, patience) => {
      try {
        const raw = await mailBytes(composeMail(notification, sender));
        const body = JSON.stringify({ raw: raw.toString('base64url') });
        return outcomeOf(await handOver(body, { signal, patience }));
      } catch (thrown) {
        if (!isGmailSilence(thrown)) throw thrown;
        return { provider: 'gmail', ...classifyGmailSilence(thrown) };
      }
    },
    close: () => {
      agent.destroy();
      tokens.close();
      return Promise.resolve();
    },
  };

  /** A token may end before its time: then once more, with a new one. A 401 took nothing. */
  async function handOver(body: string, time: Time): Promise<Answer> {
    const token = await tokens.get(time);
    const answer = await post(body, token, time);
    if (answer.status !== 401) return answer;
    tokens.refused(token);
    return post(body, await tokens.get(time), time);
  }

  function post(body: string, token: string, time: Time): Promise<Answer> {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    return ask({ url: addresses.send, headers, body, agent, time, placeWithinMs: PLACE_MS });
  }
}

function outcomeOf(answer: Answer): Outcome {
  const { id } = answer.fields;
  if (answer.status === 200 && typeof id === 'string')
    return { kind: 'sent', provider: 'gmail', provider_message_id: id };
  return { provider: 'gmail', ...classifyGmailAnswer(answer) };
}
