import { SignJWT } from 'jose';
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { ConfigError, required, type Config } from '../runtime/config.ts';
import { HOUR, SECOND } from '../runtime/duration.ts';
import { toError } from '../runtime/errors.ts';

/** The form by which Google gives the next access token. */
export type Grant = () => Promise<Record<string, string>>;

/** What we need of the key file that Google gives for a service account. */
const serviceAccountFile = z.object({
  type: z.literal('service_account'),
  client_email: z.string().min(1),
  private_key_id: z.string().optional(),
  private_key: z.string().min(1),
});

/** The other way to show Google who we are. */
const INSTEAD = 'or else GMAIL_SERVICE_ACCOUNT_FILE and GMAIL_USER';

/**
 * What the settings have to show Google: a service account's key, or client and refresh token.
 * @throws ConfigError that names what is missing or cannot be read.
 */
export function grantOf(config: Config, scope: string, audience: URL): Grant {
  if (config.GMAIL_SERVICE_ACCOUNT_FILE !== undefined)
    return serviceAccountGrant(config.GMAIL_SERVICE_ACCOUNT_FILE, config.GMAIL_USER, scope, audience);
  const given = required(config, 'Gmail', {
    GMAIL_CLIENT_ID: INSTEAD,
    GMAIL_CLIENT_SECRET: INSTEAD,
    GMAIL_REFRESH_TOKEN: `which npm run gmail:connect gets, ${INSTEAD}`,
  });
  const form = {
    grant_type: 'refresh_token',
    client_id: given.GMAIL_CLIENT_ID,
    client_secret: given.GMAIL_CLIENT_SECRET,
    refresh_token: given.GMAIL_REFRESH_TOKEN,
  };
  return () => Promise.resolve(form);
}

/** RFC 7523, as Google wants it: https://developers.google.com/identity/protocols/oauth2/service-account. */
function serviceAccountGrant(file: string, user: string | undefined, scope: string, audience: URL): Grant {
  if (user === undefined)
    throw new ConfigError('GMAIL_USER: is needed beside GMAIL_SERVICE_ACCOUNT_FILE: the mailbox that sends');
  const { client_email: issuer, private_key_id: kid, key } = readAccount(file);
  return async () => {
    const assertion = await new SignJWT({ scope })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', ...(kid !== undefined && { kid }) })
      .setIssuer(issuer)
      .setSubject(user)
      .setAudience(audience.href)
      .setIssuedAt()
      .setExpirationTime(new Date(Date.now() + HOUR - 5 * SECOND))
      .sign(key);
    return { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion };
  };
}

type Account = z.output<typeof serviceAccountFile> & { key: KeyObject };

function readAccount(file: string): Account {
  try {
    const account = serviceAccountFile.parse(JSON.parse(readFileSync(file, 'utf8')));
    return { ...account, key: createPrivateKey(account.private_key) };
  } catch (thrown) {
    throw new ConfigError(
      `GMAIL_SERVICE_ACCOUNT_FILE: ${file} is not the JSON key of a service account: ${whyNot(thrown)}`,
    );
  }
}

/** What does not fit is named, never quoted: it is a secret. */
function whyNot(thrown: unknown): string {
  if (thrown instanceof z.ZodError) return thrown.issues.map(({ path }) => path.join('.')).join(', ');
  return thrown instanceof SyntaxError ? 'no JSON' : toError(thrown).message;
}
