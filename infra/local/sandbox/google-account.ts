import { createHash, randomBytes } from 'node:crypto';
import { SECOND } from '../../../shared/runtime/duration.ts';

/** The client that Google's sandbox knows, and what its user has granted already. */
export interface GoogleClient {
  clientId: string;
  clientSecret: string;
  /** Granted for sending, as if somebody had agreed before. */
  refreshToken: string;
  /** May act for everybody of the domain (domain-wide delegation). */
  serviceAccount?: {
    email: string;
    /** PEM. */
    publicKey: string;
  };
}

/** What somebody agreed to, until the code is exchanged. */
export interface Consent {
  redirectUri: string;
  scope: string;
  /** PKCE, S256. */
  challenge: string;
}

/** Seconds that an access token holds. */
export const TOKEN_SECONDS = 3599;
const SEND_ONLY = 'https://www.googleapis.com/auth/gmail.send';

/** The codes and tokens that were given out. */
export class GoogleAccount {
  readonly client: GoogleClient;
  /** Access tokens that were given out, and requests for one, for tests. */
  issued = 0;
  asked = 0;
  readonly #access = new Map<string, { scope: string; endsAt: number }>();
  readonly #refresh: Map<string, string>;
  readonly #codes = new Map<string, Consent>();

  constructor(client: GoogleClient) {
    this.client = client;
    this.#refresh = new Map([[client.refreshToken, SEND_ONLY]]);
  }

  /** A code for what somebody agreed to; good once. */
  newCode(consent: Consent): string {
    const code = `4/0A${randomBytes(24).toString('base64url')}`;
    this.#codes.set(code, consent);
    return code;
  }

  /** What a code stands for, if it is known, and the verifier that belongs to its challenge. It is spent either way. */
  redeem(code: string, redirectUri: string, verifier: string): Consent | undefined {
    const consent = this.#codes.get(code);
    this.#codes.delete(code);
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    return consent?.redirectUri === redirectUri && consent.challenge === challenge ? consent : undefined;
  }

  newRefreshToken(scope: string): string {
    const token = `1//0${randomBytes(32).toString('base64url')}`;
    this.#refresh.set(token, scope);
    return token;
  }

  /** The scope that a refresh token was granted. */
  scopeOf(refreshToken: string): string | undefined {
    return this.#refresh.get(refreshToken);
  }

  newAccessToken(scope: string, seconds: number): string {
    const token = `ya29.${randomBytes(48).toString('base64url')}`;
    this.#access.set(token, { scope, endsAt: Date.now() + seconds * SECOND });
    this.issued += 1;
    return token;
  }

  /** The scope of an access token that holds. */
  scopeOfAccess(token: string): string | undefined {
    const known = this.#access.get(token);
    return known && known.endsAt > Date.now() ? known.scope : undefined;
  }

  /** Takes back all access tokens, as Google may at any time. */
  revokeAccess(): void {
    this.#access.clear();
  }

  /** Takes back what users granted, as they may at any time. */
  revokeGrants(): void {
    this.#refresh.clear();
    this.revokeAccess();
  }
}
