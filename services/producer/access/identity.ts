import {
  SCOPES_OF_ROLE,
  holds,
  meets,
  sendableBy,
  type Account,
  type ApiKeyRecord,
  type Channel,
  type Scope,
} from '../../../shared/contracts/index.ts';

/** Whoever sends a request to the API. */
export interface Identity {
  /** On timelines and in the audit; idempotency keys belong to it. */
  actor: string;
  scopes: readonly Scope[];
  /** The person that a token of an inbox speaks for. It reaches what is that person's, and nothing else. */
  userId?: string;
  /** Requests per second of this very identity, where it has a bound of its own. */
  perSecond?: number;
  /** Bytes per second, likewise. */
  bytesPerSecond?: number;
}

/** Whoever has API_KEY: everything, without a limit. */
export const ROOT: Identity = { actor: 'api', scopes: ['admin'] };

/** Whoever comes without anything, to an address that is open to everybody. */
export const NOBODY: Identity = { actor: 'nobody', scopes: [] };

/** The holder of a key. */
export function identityOfKey({ _id, scopes, per_second, bytes_per_second }: ApiKeyRecord): Identity {
  return {
    actor: `key:${_id}`,
    scopes,
    ...(per_second !== undefined && { perSecond: per_second }),
    ...(bytes_per_second !== undefined && { bytesPerSecond: bytes_per_second }),
  };
}

/** A person with an access token. */
export function identityOfAccount({ _id, role }: Account): Identity {
  return { actor: `account:${_id}`, scopes: SCOPES_OF_ROLE[role] };
}

/** A person with a token for the inbox. */
export function identityOfUser(userId: string): Identity {
  return { actor: `user:${userId}`, scopes: [], userId };
}

/** What a request asks for: the needs of its operation, and whose it is if it is one person's. */
export interface Asked {
  needs: readonly Scope[];
  /** Set where a person's own token is enough. */
  ofUser?: string | undefined;
}

/** Why an identity may not do that, in words; undefined when it may. */
export function refusalOf(identity: Identity, { needs, ofUser }: Asked): string | undefined {
  if (identity.userId !== undefined)
    return ofUser === identity.userId ? undefined : 'This token reaches the inbox of its own person only.';
  const missing = needs.filter((need) => !meets(identity.scopes, need));
  if (missing.length === 0) return undefined;
  const given = identity.scopes.length === 0 ? 'none' : identity.scopes.join(', ');
  return `It needs the scope ${missing.join(' and ')}; yours: ${given}.`;
}

/**
 * Whose notifications an identity reads or acts on: by `caller` its own submissions only. Everybody's with the scope for all, and a person's
 * token, which is for one inbox whoever has submitted what is in it.
 */
export function reachOf({ actor, scopes, userId }: Identity, scope: 'read' | 'retry'): { caller?: string } {
  return userId !== undefined || holds(scopes, `${scope}:all`) ? {} : { caller: actor };
}

/** Why an identity may not send by a channel, in words; undefined when it may. */
export function sendRefusalOf({ scopes }: Identity, channel: Channel): string | undefined {
  const channels = sendableBy(scopes);
  if (channels.includes(channel)) return undefined;
  return `needs the scope send:${channel}; yours are for ${channels.join(', ')}`;
}
