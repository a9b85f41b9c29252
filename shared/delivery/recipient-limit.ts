import type { Db } from 'mongodb';
import { RateLimiterRes, type RateLimiterMongo } from 'rate-limiter-flexible';
import { CHANNELS, type Notification } from '../contracts/index.ts';
import { withDeadline } from '../runtime/deadline.ts';
import { HOUR, MINUTE, SECOND } from '../runtime/duration.ts';
import { digestOfRecipient, limiterIn } from '../store/index.ts';
import { isStoreChannel, type DeliveryChannel, type StoreChannel } from './channel.ts';
import type { Deferred, Outcome } from './outcome.ts';
import { untilStoreAnswers } from './store-silent.ts';

/** Those that were held come back within so long after the hour, in milliseconds: not all at once. */
const SPREAD_MS = MINUTE;
/** How long to wait for the count, in milliseconds: far less than a lease holds. */
const TAKE_WITHIN_MS = 2 * SECOND;
/** Outcomes after which the recipient may have got it. */
const REACHED: readonly Outcome['kind'][] = ['sent', 'ambiguous'];

/**
 * The same channel, with a bound on what one recipient gets in each hour that begins with the first: what is more is held, and expires if it goes
 * on so. All consumers count together, in the store.
 */
export function withRecipientLimit(
  channel: DeliveryChannel | StoreChannel,
  { db, perHour }: { db: Db; perHour: number },
): DeliveryChannel {
  const limit = limiterIn(db, {
    collection: 'recipient_limits',
    prefix: channel.name,
    points: perHour,
    windowMs: HOUR,
  });
  const inner = isStoreChannel(channel) ? handedOver(channel) : channel;
  return {
    ...inner,
    deliver: async (notification, signal) => {
      const refusal = await take(limit, notification, channel.provider);
      if (refusal) return refusal;
      // The claim may have been lost while we asked: then somebody else delivers it.
      const outcome = signal.aborted
        ? unknown(channel.provider, notification)
        : await inner.deliver(notification, signal);
      // Who got nothing has lost nothing. Not noted, it counts against them for an hour: the safe side.
      if (!REACHED.includes(outcome.kind)) await limit.reward(digestOf(notification)).catch(() => undefined);
      return outcome;
    },
  };
}

/** Where our own store is the provider, recording it is the hand-over. */
function handedOver({ name, provider }: StoreChannel): DeliveryChannel {
  return { name, provider, deliver: () => Promise.resolve({ kind: 'sent', provider }) };
}

async function take(
  limit: RateLimiterMongo,
  notification: Notification,
  provider: string,
): Promise<Deferred | undefined> {
  try {
    await withDeadline(
      limit.consume(digestOf(notification)),
      TAKE_WITHIN_MS,
      () => new Error('the store did not answer in time'),
    );
    return undefined;
  } catch (thrown) {
    const spread = Math.random() * SPREAD_MS;
    if (thrown instanceof RateLimiterRes)
      return {
        kind: 'deferred',
        provider,
        code: 'recipient_limit',
        reason: `this recipient had ${limit.points} within the hour`,
        afterMs: thrown.msBeforeNext + spread,
        untried: true,
      };
    return unknown(provider, notification);
  }
}

/** Nobody counts now, so nothing is sent now. */
function unknown(provider: string, notification: Notification): Deferred {
  const reason = 'the store that counts what recipients get did not answer in time';
  return untilStoreAnswers(notification, { provider, code: 'recipient_limit_unknown', reason });
}

function digestOf(notification: Notification): string {
  const { recipient = 'user_id' } = CHANNELS[notification.type];
  return digestOfRecipient(notification.type, notification[recipient] ?? '');
}
