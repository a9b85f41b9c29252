import { SECOND } from '../../shared/runtime/duration.ts';
import { agentFor, ask, NoAnswer } from '../../shared/google/index.ts';
import { ConnectError } from './errors.ts';

/** How long Google may take, in milliseconds. */
const EXCHANGE_MS = 20 * SECOND;

/** What a code is exchanged with. */
export interface Exchange {
  clientId: string;
  clientSecret: string;
  code: string;
  /** Of PKCE. */
  verifier: string;
  redirectUri: string;
  /** What was asked for; Google's user may have left it out. */
  scope: string;
}

/** Exchanges the code for a refresh token. @throws ConnectError that says what Google said, and what to do. */
export async function exchange(url: URL, given: Exchange): Promise<string> {
  const { error, error_description: words, refresh_token: token, scope } = await askGoogle(url, given);
  if (typeof error === 'string')
    throw new ConnectError(
      `Google gives no token for this consent: ${error}${typeof words === 'string' ? ` (${words})` : ''}. Check GMAIL_CLIENT_ID and GMAIL_CLIENT_SECRET, and run it once more.`,
    );
  if (typeof scope === 'string' && !scope.split(' ').includes(given.scope))
    throw new ConnectError(
      `Sending was not allowed: the box beside it stayed empty. Run it once more, and tick it.`,
    );
  if (typeof token !== 'string' || token === '')
    throw new ConnectError(
      'Google gave no refresh token. Take the access of this client back under https://myaccount.google.com/permissions, and run it once more.',
    );
  return token;
}

async function askGoogle(url: URL, given: Exchange): Promise<Record<string, unknown>> {
  const agent = agentFor(url, 1);
  const form = {
    grant_type: 'authorization_code',
    client_id: given.clientId,
    client_secret: given.clientSecret,
    code: given.code,
    code_verifier: given.verifier,
    redirect_uri: given.redirectUri,
  };
  try {
    const { status, fields } = await ask({
      url,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(form).toString(),
      agent,
      time: { signal: AbortSignal.timeout(EXCHANGE_MS) },
    });
    return status === 200 || typeof fields.error === 'string' ? fields : { error: `HTTP ${status}` };
  } catch (thrown) {
    if (thrown instanceof NoAnswer)
      throw new ConnectError(
        `${url.host} cannot be reached: ${thrown.message}. Run it once more when it can.`,
      );
    throw thrown;
  } finally {
    agent.destroy();
  }
}
