import { importSPKI, jwtVerify } from 'jose';
import type { GoogleAccount } from './google-account.ts';
import type { TokenRefusal } from './google-errors.ts';

/** The form that asks for a token. */
export type TokenForm = Readonly<Record<string, string | undefined>>;

/** What is granted: for how far, and a refresh token when somebody has just agreed. */
export interface Granted {
  scope: string;
  refresh_token?: string;
}

const refusal = (status: number, error: string, error_description: string): TokenRefusal => ({
  status,
  error,
  error_description,
});
const BAD_GRANT = refusal(400, 'invalid_grant', 'Bad Request');

/** Looks at a request for a token as Google does: by a code, a refresh token, or a claim that a service account has signed. */
export async function grant(
  form: TokenForm,
  account: GoogleAccount,
  audience: string,
): Promise<Granted | TokenRefusal> {
  if (form.grant_type === 'urn:ietf:params:oauth:grant-type:jwt-bearer')
    return byClaim(form.assertion ?? '', account, audience);
  const { clientId, clientSecret } = account.client;
  if (form.client_id !== clientId) return refusal(401, 'invalid_client', 'The OAuth client was not found.');
  if (form.client_secret !== clientSecret) return refusal(401, 'invalid_client', 'Unauthorized');
  if (form.grant_type === 'authorization_code') return byCode(form, account);
  if (form.grant_type === 'refresh_token') return byRefreshToken(form.refresh_token ?? '', account);
  return refusal(400, 'unsupported_grant_type', `Invalid grant_type: ${form.grant_type ?? ''}`);
}

function byCode(
  { code = '', redirect_uri = '', code_verifier }: TokenForm,
  account: GoogleAccount,
): Granted | TokenRefusal {
  if (code_verifier === undefined) return refusal(400, 'invalid_grant', 'Missing code verifier.');
  const consent = account.redeem(code, redirect_uri, code_verifier);
  if (!consent) return refusal(400, 'invalid_grant', 'Malformed auth code.');
  return { scope: consent.scope, refresh_token: account.newRefreshToken(consent.scope) };
}

function byRefreshToken(token: string, account: GoogleAccount): Granted | TokenRefusal {
  const scope = account.scopeOf(token);
  return scope === undefined
    ? refusal(400, 'invalid_grant', 'Token has been expired or revoked.')
    : { scope };
}

/** https://developers.google.com/identity/protocols/oauth2/service-account#jwt-auth */
async function byClaim(
  assertion: string,
  { client }: GoogleAccount,
  audience: string,
): Promise<Granted | TokenRefusal> {
  const { serviceAccount } = client;
  if (!serviceAccount) return BAD_GRANT;
  try {
    const key = await importSPKI(serviceAccount.publicKey, 'RS256');
    const { payload } = await jwtVerify(assertion, key, {
      algorithms: ['RS256'],
      issuer: serviceAccount.email,
      audience,
      maxTokenAge: '1h',
      requiredClaims: ['exp', 'iat'],
    });
    if ((payload.exp ?? 0) - (payload.iat ?? 0) > 3600)
      return refusal(
        400,
        'invalid_grant',
        'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.',
      );
    if (payload.sub === undefined || typeof payload.scope !== 'string')
      return refusal(
        401,
        'unauthorized_client',
        'Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested.',
      );
    return { scope: payload.scope };
  } catch {
    return refusal(400, 'invalid_grant', 'Invalid JWT Signature.');
  }
}
