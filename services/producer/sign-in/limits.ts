import type { Db } from 'mongodb';
import { RateLimiterRes, type RateLimiterMongo } from 'rate-limiter-flexible';
import { accountNameSchema } from '../../../shared/contracts/index.ts';
import { MINUTE, SECOND } from '../../../shared/runtime/duration.ts';
import { limiterIn } from '../../../shared/store/index.ts';
import { Problem } from '../api/problem.ts';

const WINDOW_MS = 15 * MINUTE;
/** Wrong passwords of one name within that time, wherever they come from; a one-time link opens the account all the same. */
const PER_NAME = 10;
/** Attempts of one address, whatever the name: what bcrypt may cost us. */
const PER_ADDRESS = 100;

/** How often somebody may try to sign in: counted in the store, so that all producers count together. */
export class SignInLimits {
  readonly #byName: RateLimiterMongo;
  readonly #byAddress: RateLimiterMongo;

  constructor(db: Db) {
    const limiter = (prefix: string, points: number): RateLimiterMongo =>
      limiterIn(db, { collection: 'sign_in_attempts', prefix, points, windowMs: WINDOW_MS });
    this.#byName = limiter('name', PER_NAME);
    this.#byAddress = limiter('address', PER_ADDRESS);
  }

  /** Counts an attempt before it is looked at, so that many at once are counted too. @throws Problem when there were too many. */
  async count(name: string, address: string): Promise<void> {
    await consume(this.#byAddress, address);
    // What can be nobody's name is counted as one: a key is stored before anybody has signed in.
    await consume(this.#byName, accountNameSchema.safeParse(name).success ? name : 'nobody’s name');
  }

  /** Whoever knew the password begins anew. */
  async forget(name: string, address: string): Promise<void> {
    await this.#byName.delete(name);
    await this.#byAddress.reward(address);
  }
}

async function consume(limiter: RateLimiterMongo, key: string): Promise<void> {
  try {
    await limiter.consume(key);
  } catch (thrown) {
    if (!(thrown instanceof RateLimiterRes)) throw thrown;
    const seconds = Math.ceil(thrown.msBeforeNext / SECOND);
    throw new Problem('too_many_requests', {
      detail: `Too many attempts. Try again in ${Math.ceil(seconds / 60)} minutes, or ask an admin for a sign-in link.`,
      headers: {
        'retry-after': String(seconds),
        // Instead of those that say how many requests of any kind are left.
        'ratelimit-policy': `"sign-in";q=${limiter.points};w=${WINDOW_MS / SECOND}`,
        ratelimit: `"sign-in";r=0;t=${seconds}`,
      },
    });
  }
}
