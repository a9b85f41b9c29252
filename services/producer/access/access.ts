import type { Config } from '../../../shared/runtime/config.ts';
import type { Logger } from '../../../shared/runtime/logger.ts';
import { Keys, RefreshTokens, type Audit, type Store } from '../../../shared/store/index.ts';
import type { SignIn } from '../sign-in/sign-in.ts';
import { AccessTokens } from './access-tokens.ts';
import { AccountTokens } from './account-tokens.ts';
import { ApiKeys } from './api-keys.ts';
import { Gate } from './gate.ts';
import { outsideIssuer } from './outside-issuer.ts';
import { RateLimits } from './rate-limits.ts';

/** Everything by which the API knows who asks. */
export interface Access {
  gate: Gate;
  keys: ApiKeys;
  accessTokens: AccessTokens;
  accountTokens: AccountTokens;
}

/** Puts it together. */
export function createAccess(options: {
  store: Pick<Store, 'db'>;
  config: Config & { API_KEY: string };
  signIn: SignIn;
  audit: Audit;
  log: Logger;
}): Access {
  const { store, config, signIn, audit, log } = options;
  const { db } = store;
  const keys = new ApiKeys({ keys: new Keys(db), audit, log });
  const accessTokens = new AccessTokens({ db, rootKey: config.API_KEY, accounts: signIn.accounts });
  const refresh = new RefreshTokens(db);
  const gate = new Gate({
    rootKey: config.API_KEY,
    trustedProxies: config.TRUSTED_PROXIES,
    keys,
    tokens: accessTokens,
    issuer: outsideIssuer(config, log),
    limits: new RateLimits({
      key: config.KEY_REQUESTS_PER_SECOND,
      bytes: config.KEY_BYTES_PER_SECOND,
      address: config.ADDRESS_REQUESTS_PER_SECOND,
      credentials: config.ADDRESS_REQUESTS_PER_SECOND,
    }),
  });
  const accountTokens = new AccountTokens({ signIn, access: accessTokens, refresh, audit });
  return { gate, keys, accessTokens, accountTokens };
}
