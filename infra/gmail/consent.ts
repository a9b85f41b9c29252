import { createHash, randomBytes } from 'node:crypto';

/** A question to Google's user, which is asked once. */
export interface Consent {
  /** Comes back with the answer; whoever does not know it is not Google. */
  state: string;
  /** PKCE (RFC 7636): whoever sees the code on its way back cannot use it without this. */
  verifier: string;
  urlFor(redirectUri: string): string;
}

/** Makes the question. `user` is the mailbox to be chosen, when it is known. */
export function newConsent({
  address,
  clientId,
  scope,
  user,
}: {
  address: URL;
  clientId: string;
  scope: string;
  user: string | undefined;
}): Consent {
  const [state, verifier] = [secret(), secret()];
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  return {
    state,
    verifier,
    urlFor: (redirectUri) => {
      const url = new URL(address);
      const asked = {
        client_id: clientId,
        redirect_uri: redirectUri,
        response_type: 'code',
        scope,
        state,
        code_challenge: challenge,
        code_challenge_method: 'S256',
        // A refresh token is given with these two only, and with the first consent otherwise.
        access_type: 'offline',
        prompt: 'consent',
        ...(user !== undefined && { login_hint: user }),
      };
      for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value);
      return url.href;
    },
  };
}

/** 43 characters of 256 random bits. */
function secret(): string {
  return randomBytes(32).toString('base64url');
}
