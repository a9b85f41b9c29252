import type { Db } from 'mongodb';
import { RateLimiterMongo } from 'rate-limiter-flexible';
import { SECOND } from '../runtime/duration.ts';
import { bounded } from './bounded.ts';

/** What is limited, and how. */
export interface LimiterOptions {
  /** Where it is counted; its indexes are declared with all others. */
  collection: 'sign_in_attempts' | 'recipient_limits';
  /** Tells what is counted there apart. */
  prefix: string;
  /** So many within the window. */
  points: number;
  windowMs: number;
}

/** A limit that all processes count together, in the store; each of its calls comes to an end. */
export function limiterIn(
  db: Db,
  { collection, prefix, points, windowMs }: LimiterOptions,
): RateLimiterMongo {
  return new RateLimiterMongo({
    // Of a client the library wants no more.
    storeClient: { collection: (name: string) => bounded(db.collection(name)) },
    tableName: collection,
    keyPrefix: prefix,
    points,
    duration: windowMs / SECOND,
    disableIndexesCreation: true,
  });
}
