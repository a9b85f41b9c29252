import { ConfigError, type Config } from '../runtime/config.ts';
import { SECOND } from '../runtime/duration.ts';
import type { SmtpOAuth } from '../smtp/index.ts';
import { AccessTokens } from './access-tokens.ts';
import { googleAddresses, WHOLE_MAILBOX } from './addresses.ts';
import { grantOf } from './grants.ts';

/** How long a connection waits for its token, in milliseconds; Google has less. */
const SIGN_IN_MS = 15 * SECOND;

/** How the settings sign in to a mail server of Google; undefined without SMTP_OAUTH. @throws ConfigError that names what is missing. */
export function smtpOAuthOf(config: Config): SmtpOAuth | undefined {
  if (config.SMTP_OAUTH === undefined) return undefined;
  const { GMAIL_USER: user } = config;
  if (user === undefined) throw new ConfigError('GMAIL_USER: is needed beside SMTP_OAUTH: who signs in');
  const { token } = googleAddresses(config);
  const tokens = new AccessTokens(token, grantOf(config, WHOLE_MAILBOX, token));
  let last = '';
  return {
    user,
    accessToken: async (renew) => {
      if (renew) tokens.refused(last);
      last = await tokens.get({ signal: AbortSignal.timeout(SIGN_IN_MS) });
      return last;
    },
    close: () => {
      tokens.close();
    },
  };
}
