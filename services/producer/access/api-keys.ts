import { randomBytes } from 'node:crypto';
import type { ApiKeyRecord, KeyRequest } from '../../../shared/contracts/index.ts';
import { MINUTE, SECOND } from '../../../shared/runtime/duration.ts';
import { toError } from '../../../shared/runtime/errors.ts';
import type { Logger } from '../../../shared/runtime/logger.ts';
import type { Audit, Keys } from '../../../shared/store/index.ts';
import { digestOf, isDigestOf, newSecret } from '../sign-in/secrets.ts';
import { isWithin } from './address.ts';
import { identityOfKey, type Identity } from './identity.ts';
import { Recent } from './recent.ts';

/** What a key looks like: a prefix that scanners of leaked secrets find, the public half, and 256 random bits. */
const KEY = /^tidk_(?<id>[0-9a-f]{12})_(?<secret>[\w-]{43})$/;
/** That a key was used is noted so often at most, in milliseconds. */
const NOTE_USE_EVERY_MS = MINUTE;

/** A key and what its holder sends, which is known at this moment only. */
export interface IssuedKey {
  record: ApiKeyRecord;
  key: string;
}

/** The keys of the API: made, rotated, revoked, and recognised. */
export class ApiKeys {
  readonly #keys: Keys;
  readonly #audit: Audit;
  readonly #log: Logger;
  readonly #recent: Recent<ApiKeyRecord>;
  readonly #notedAt = new Map<string, number>();

  constructor({ keys, audit, log }: { keys: Keys; audit: Audit; log: Logger }) {
    this.#keys = keys;
    this.#audit = audit;
    this.#log = log;
    this.#recent = new Recent((id) => keys.get(id));
  }

  /** All of them, newest first. */
  all(): Promise<ApiKeyRecord[]> {
    return this.#keys.all();
  }

  /** Makes one; undefined when there is one of that id, for a form that was sent twice means one key. */
  async make(request: KeyRequest, actor: string, id = newKeyId()): Promise<IssuedKey | undefined> {
    const secret = newSecret();
    const { name, scopes, expires_at, allow_from, per_second, bytes_per_second } = request;
    const record: ApiKeyRecord = {
      _id: id,
      name,
      scopes,
      digest: digestOf(secret),
      ...(expires_at && { expires_at }),
      ...(allow_from && { allow_from }),
      ...(per_second !== undefined && { per_second }),
      ...(bytes_per_second !== undefined && { bytes_per_second }),
      created_at: new Date(),
      created_by: actor,
    };
    if (!(await this.#keys.add(record))) return undefined;
    await this.#audit.note({ actor, act: 'key_made', subject: `key:${id}`, detail: scopes.join(' ') });
    return { record, key: keyOf(id, secret) };
  }

  /**
   * Gives one another secret; the old one works on for so long. `seen`: when it was last rotated, as far as whoever orders it has seen; null:
   * never. Undefined where there is none that is not revoked, or it was rotated since.
   */
  async rotate(
    id: string,
    { graceSeconds, seen }: { graceSeconds: number; seen?: Date | null },
    actor: string,
  ): Promise<IssuedKey | undefined> {
    const secret = newSecret();
    const until = new Date(Date.now() + graceSeconds * SECOND);
    const record = await this.#keys.rotate(id, { digest: digestOf(secret), until, seen });
    if (!record) return undefined;
    const detail = `the old secret works until ${until.toISOString()}`;
    await this.#audit.note({ actor, act: 'key_rotated', subject: `key:${id}`, detail });
    return { record, key: keyOf(id, secret) };
  }

  /** Ends one for good. Undefined where there is none that is not revoked. */
  async revoke(id: string, actor: string): Promise<ApiKeyRecord | undefined> {
    const record = await this.#keys.revoke(id);
    if (record) await this.#audit.note({ actor, act: 'key_revoked', subject: `key:${id}` });
    return record;
  }

  /** Whose key that is; undefined when it is none, opens nothing any more, or not from this address. @throws the store's errors. */
  async identify(bearer: string, address: string): Promise<Identity | undefined> {
    const { id, secret } = KEY.exec(bearer)?.groups ?? {};
    if (id === undefined || secret === undefined) return undefined;
    let refusal: Refusal | undefined;
    const key = await this.#recent.get(id, (known) => {
      refusal = refusalOf(known, secret, address);
      return refusal === undefined;
    });
    // Its holder is told only that it opens nothing; whoever runs the fleet finds out why.
    if (refusal && refusal !== 'unknown')
      this.#log.warn('a key was refused', { key: id, reason: refusal, address });
    if (!key) return undefined;
    this.#noteUse(id);
    return identityOfKey(key);
  }

  /** Nobody waits for it. */
  #noteUse(id: string): void {
    const now = Date.now();
    if (now - (this.#notedAt.get(id) ?? 0) < NOTE_USE_EVERY_MS) return;
    this.#notedAt.set(id, now);
    this.#keys.noteUse(id, new Date(now)).catch((thrown: unknown) => {
      this.#log.warn('the last use of a key was not noted', { key: id, error: toError(thrown) });
    });
  }
}

/** The public half of a new key. */
export function newKeyId(): string {
  return randomBytes(6).toString('hex');
}

function keyOf(id: string, secret: string): string {
  return `tidk_${id}_${secret}`;
}

/** Why a key opens nothing. */
type Refusal = 'unknown' | 'revoked' | 'expired' | 'address';

function refusalOf(key: ApiKeyRecord, secret: string, address: string): Refusal | undefined {
  const now = new Date();
  const { digest, previous, expires_at, revoked_at, allow_from } = key;
  const isSecret = isDigestOf(digest, secret);
  // Both are compared, whatever the first one says.
  const isPrevious = previous !== undefined && isDigestOf(previous.digest, secret) && previous.until > now;
  if (!isSecret && !isPrevious) return 'unknown';
  if (revoked_at) return 'revoked';
  if (expires_at && expires_at <= now) return 'expired';
  return allow_from && !isWithin(address, allow_from) ? 'address' : undefined;
}
