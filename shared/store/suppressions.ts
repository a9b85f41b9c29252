import type { Collection, Db, Filter } from 'mongodb';
import {
  OPT_OUT,
  SUPPRESSIBLE,
  addressOf,
  type Notification,
  type SuppressibleChannel,
  type Suppression,
  type SuppressionFilter,
  type SuppressionQuery,
} from '../contracts/index.ts';
import type { SuppressAfter } from '../verdicts/index.ts';
import { bounded } from './bounded.ts';
import { isDuplicate } from './duplicate.ts';
import { digestOfRecipient } from './recipients.ts';
import { SoftBounces } from './soft-bounces.ts';

/** What is stored of somebody whose address is suppressed, beside the digest of the address. */
const PERSONAL = { address: '', reason: '', notification_id: '', user_id: '' } as const;

/** The id of the suppression of an address, whether there is one or not. */
export function suppressionIdOf(channel: SuppressibleChannel, address: string): string {
  return `${channel}:${digestOfRecipient(channel, address)}`;
}

/** The suppression that a notification's trouble leads to; undefined where it goes to no address. */
export function suppressionOf(
  notification: Pick<Notification, '_id' | 'type' | 'email' | 'phone' | 'user_id'>,
  by: Pick<Suppression, 'actor' | 'code' | 'reason' | 'provider'>,
): Suppression | undefined {
  const to = addressOf(notification);
  if (!to) return undefined;
  const { _id: notification_id, user_id } = notification;
  const _id = suppressionIdOf(to.channel, to.address);
  return { _id, ...to, ...by, since: new Date(), notification_id, user_id };
}

/** The addresses that nothing is handed over to. */
export class Suppressions {
  readonly #suppressions: Collection<Suppression>;
  /** Refusals that count towards a suppression. */
  readonly softBounces: SoftBounces;

  constructor(db: Db) {
    this.#suppressions = bounded(db.collection<Suppression>('suppressions'));
    this.softBounces = new SoftBounces(db);
  }

  /**
   * Suppresses an address; an address that is suppressed already stays as it is. With `after`, one refusal is no proof: it is counted, and
   * the address is suppressed once it was refused so often. Safe to repeat: a day counts once. Answers whether it is suppressed now and
   * was not before.
   */
  async add(suppression: Suppression, after?: SuppressAfter): Promise<boolean> {
    if (after && !(await this.softBounces.count(suppression._id, after))) return false;
    const isNew = await this.#insert(suppression);
    if (after) await this.softBounces.forget(suppression._id);
    return isNew;
  }

  async #insert({ _id, ...suppression }: Suppression): Promise<boolean> {
    try {
      const added = { $setOnInsert: suppression };
      return (await this.#suppressions.updateOne({ _id }, added, { upsert: true })).upsertedCount > 0;
    } catch (thrown) {
      // Another process did the same at the same time.
      if (!isDuplicate(thrown)) throw thrown;
      return false;
    }
  }

  /** Makes a provider's suppression one by another reason; answers whether it did. What a person has added stays theirs. */
  async replaceReason(
    _id: string,
    by: Pick<Suppression, 'actor' | 'code' | 'reason' | 'provider'>,
  ): Promise<boolean> {
    // An opt-out stays one.
    const ofProvider = { _id, actor: /^(?:callback|consumer):/, code: { $nin: [by.code, OPT_OUT] } };
    const change = { $set: by, ...(by.provider === undefined && { $unset: { provider: '' as const } }) };
    return (await this.#suppressions.updateOne(ofProvider, change)).modifiedCount > 0;
  }

  /** Those of the ids that are suppressed. */
  async among(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const found = this.#suppressions.find({ _id: { $in: [...ids] } }, { projection: { _id: 1 } });
    return new Set(await found.map(({ _id }) => _id).toArray());
  }

  /** One. */
  async get(id: string): Promise<Suppression | undefined> {
    return (await this.#suppressions.findOne({ _id: id })) ?? undefined;
  }

  /** A page, newest first, and where the next one begins. */
  async list({ address, cursor, limit, ...filter }: SuppressionQuery): Promise<{
    suppressions: Suppression[];
    nextCursor: string | null;
  }> {
    const channels = filter.channel === undefined ? SUPPRESSIBLE : [filter.channel];
    const ids = address === undefined ? undefined : channels.map((one) => suppressionIdOf(one, address));
    const found = await this.#suppressions
      .find({ $and: [matching(filter), ids ? { _id: { $in: ids } } : {}, olderThan(cursor)] })
      .sort({ since: -1, _id: -1 })
      .limit(limit + 1)
      .toArray();
    const suppressions = found.slice(0, limit);
    const last = found.length > limit ? suppressions.at(-1) : undefined;
    return { suppressions, nextCursor: last ? `${last.since.getTime()}_${last._id}` : null };
  }

  /** Lifts one; what it was, or undefined where there is none. With `codes`, only a suppression by one of them. */
  async lift(id: string, codes?: readonly string[]): Promise<Suppression | undefined> {
    const which = { _id: id, ...(codes && { code: { $in: [...codes] } }) };
    return (await this.#suppressions.findOneAndDelete(which)) ?? undefined;
  }

  /** How many a removal by this filter would remove. */
  countRemovable(filter: SuppressionFilter): Promise<number> {
    return this.#suppressions.countDocuments(removable(filter));
  }

  /** Removes those that match now, in steps; answers how many. */
  async removeAll(filter: SuppressionFilter): Promise<number> {
    // An address that is suppressed meanwhile is not meant.
    const which = { $and: [removable(filter), { since: { $lte: new Date() } }] };
    let removed = 0;
    for (;;) {
      const found = await this.#suppressions
        .find(which, { projection: { _id: 1 } })
        .limit(REMOVED_AT_ONCE)
        .toArray();
      if (found.length === 0) return removed;
      const ids = found.map(({ _id }) => _id);
      removed += (await this.#suppressions.deleteMany({ $and: [which, { _id: { $in: ids } }] })).deletedCount;
    }
  }

  /** Those that notifications of one person have led to. */
  ofUser(userId: string): Promise<Suppression[]> {
    return this.#suppressions.find({ user_id: userId }).sort({ since: -1 }).toArray();
  }

  /** Forgets whom they were about. The digests stay: an address that takes nothing, or does not want anything, does not change by that. */
  async forget(userId: string): Promise<void> {
    const erased = { $unset: PERSONAL, $set: { erased_at: new Date() } };
    await this.#suppressions.updateMany({ user_id: userId }, erased);
  }
}

/** Suppressions that are removed in one step. */
const REMOVED_AT_ONCE = 500;

/** The index has the channel first, so each is named: what it answers is in order then. */
function matching({ channel, code, provider, reason, from, to }: SuppressionFilter): Filter<Suppression> {
  return {
    channel: { $in: channel === undefined ? [...SUPPRESSIBLE] : [channel] },
    ...(code !== undefined && { code }),
    ...(provider !== undefined && { provider }),
    ...(reason !== undefined && { reason: new RegExp(escaped(reason), 'i') }),
    ...((from ?? to) && { since: { ...(from && { $gte: from }), ...(to && { $lt: to }) } }),
  };
}

/** An opt-out is removed only by a filter that names it: nobody must get what they stopped because others were suppressed by mistake. */
function removable(filter: SuppressionFilter): Filter<Suppression> {
  return { $and: [matching(filter), filter.code === undefined ? { code: { $ne: OPT_OUT } } : {}] };
}

/** A text as a regular expression that matches it. */
function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function olderThan(cursor: string | undefined): Filter<Suppression> {
  const { ms, id } = /^(?<ms>\d{1,15})_(?<id>.+)$/.exec(cursor ?? '')?.groups ?? {};
  if (ms === undefined || id === undefined) return {};
  const since = new Date(Number(ms));
  return { $or: [{ since: { $lt: since } }, { since, _id: { $lt: id } }] };
}
