import { z } from 'zod';
import type { Role } from './account.ts';
import { CHANNEL_NAMES, type Channel } from './channels.ts';
import { instant, line, tooLong } from './fields.ts';

/**
 * What somebody may do by the API. `read` and `retry` reach what the caller has submitted itself; with `:all` they reach everything.
 * `send:<channel>` is `send` for one channel only.
 */
export const SCOPES = [
  'send',
  'send:email',
  'send:sms',
  'send:in_app',
  'read',
  'read:all',
  'retry',
  'retry:all',
  'feedback',
  'admin',
] as const satisfies (
  `send:${Channel}` | 'send' | `${'read' | 'retry'}${'' | ':all'}` | 'feedback' | 'admin'
)[];

/** One of them. */
export type Scope = (typeof SCOPES)[number];

/** What each scope includes beside itself. There is no other rule: a name says nothing. */
const INCLUDES: Record<Scope, readonly Scope[]> = {
  send: ['send:email', 'send:sms', 'send:in_app'],
  'send:email': [],
  'send:sms': [],
  'send:in_app': [],
  read: [],
  'read:all': ['read'],
  retry: [],
  'retry:all': ['retry'],
  feedback: [],
  admin: SCOPES,
};

/** Needs that a narrower scope meets as well; what it may not do then, the call finds out by what it is given. */
const MET_IN_PART: Partial<Record<Scope, readonly Scope[]>> = { send: INCLUDES.send };

/** What an account may do by the API, by its role on the pages. */
export const SCOPES_OF_ROLE: Record<Role, readonly Scope[]> = {
  viewer: ['read', 'read:all'],
  operator: ['read', 'read:all', 'send', 'retry', 'retry:all'],
  admin: ['admin'],
};

/** Whether one of these scopes is that one, or includes it. */
export function holds(scopes: readonly Scope[], wanted: Scope): boolean {
  return scopes.some((scope) => scope === wanted || INCLUDES[scope].includes(wanted));
}

/** Whether these scopes meet a need. `send` is met by that of one channel, too, and then the notification must be of that one. */
export function meets(scopes: readonly Scope[], need: Scope): boolean {
  return [need, ...(MET_IN_PART[need] ?? [])].some((wanted) => holds(scopes, wanted));
}

/** The channels that these scopes may send by. */
export function sendableBy(scopes: readonly Scope[]): readonly Channel[] {
  return CHANNEL_NAMES.filter((channel) => holds(scopes, `send:${channel}`));
}

/** An address, or a block of them: 203.0.113.7, 203.0.113.0/24, 2001:db8::/32 */
export const addressBlock = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], {
  error: 'must be an IP address, or a block such as 203.0.113.0/24',
});

/** Requests per second that a key may be given. */
const MAX_PER_SECOND = 100_000;

/** Bytes per second that a key may be given: a small notification, and a gigabyte. */
const [MIN_BYTES_PER_SECOND, MAX_BYTES_PER_SECOND] = [1_024, 1_073_741_824];
const BYTES_RULE = `must be a whole number from ${MIN_BYTES_PER_SECOND} to ${MAX_BYTES_PER_SECOND}`;

/** What is said of a key when it is made. */
export const keyRequestSchema = z
  .strictObject({
    name: line(100).meta({ description: 'What it is for', example: 'shop checkout' }),
    scopes: z
      .array(z.enum(SCOPES, { error: `must be one of ${SCOPES.join(', ')}` }), {
        error: 'must be a list of scopes',
      })
      .min(1, { error: 'must hold at least one scope' })
      .max(SCOPES.length, { error: 'names a scope twice' })
      .refine((scopes) => new Set(scopes).size === scopes.length, { error: 'names a scope twice' })
      .meta({ description: 'What it may do', example: ['send:email'] }),
    expires_at: instant
      .refine((time) => time > new Date(), { error: 'must be later than now' })
      .optional()
      .meta({ description: 'It opens nothing from then on' }),
    allow_from: z
      .array(addressBlock, { error: 'must be a list of addresses' })
      .min(1, { error: 'must hold at least one address' })
      .max(50, { error: tooLong(50, 'addresses') })
      .optional()
      .meta({ description: 'It works from these addresses only', example: ['203.0.113.0/24'] }),
    per_second: z
      .int({ error: `must be a whole number from 1 to ${MAX_PER_SECOND}` })
      .min(1, { error: `must be a whole number from 1 to ${MAX_PER_SECOND}` })
      .max(MAX_PER_SECOND, { error: `must be a whole number from 1 to ${MAX_PER_SECOND}` })
      .optional()
      .meta({ description: 'Requests per second; without it, KEY_REQUESTS_PER_SECOND' }),
    bytes_per_second: z
      .int({ error: BYTES_RULE })
      .min(MIN_BYTES_PER_SECOND, { error: BYTES_RULE })
      .max(MAX_BYTES_PER_SECOND, { error: BYTES_RULE })
      .optional()
      .meta({ description: 'Bytes of bodies per second; without it, KEY_BYTES_PER_SECOND' }),
  })
  .meta({ id: 'KeyRequest' });

/** A key that is wanted. */
export type KeyRequest = z.output<typeof keyRequestSchema>;

/** The body of a rotation. */
export const rotateRequestSchema = z
  .strictObject({
    grace_seconds: z
      .int({ error: 'must be a whole number of seconds, at most 604800: a week' })
      .min(0, { error: 'must not be negative' })
      .max(604_800, { error: 'must be at most 604800: a week' })
      .default(0)
      .meta({ description: 'How long the old secret works on' }),
  })
  .meta({ id: 'RotateRequest' });

/** A key of the API, as it is stored. The secret itself is shown once and stored nowhere. */
export interface ApiKeyRecord {
  /** The public half of what its holder sends. */
  _id: string;
  name: string;
  scopes: Scope[];
  /** SHA-256 of the secret half. */
  digest: string;
  /** After a rotation: the digest before it, and until when it still opens. */
  previous?: { digest: string; until: Date };
  expires_at?: Date;
  allow_from?: string[];
  per_second?: number;
  bytes_per_second?: number;
  last_used_at?: Date;
  created_at: Date;
  created_by: string;
  rotated_at?: Date;
  revoked_at?: Date;
}

const time = z.iso.datetime();

/** A key as the API shows it: never a digest. */
export const keyViewSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    scopes: z.array(z.enum(SCOPES)),
    state: z.enum(['active', 'expired', 'revoked']),
    expires_at: time.optional(),
    allow_from: z.array(z.string()).optional(),
    per_second: z.int().optional(),
    bytes_per_second: z.int().optional(),
    last_used_at: time.optional().describe('At most a minute behind'),
    created_at: time,
    created_by: z.string(),
    rotated_at: time.optional(),
    previous_until: time.optional().describe('Until when the secret before the last rotation still works'),
    revoked_at: time.optional(),
  })
  .meta({ id: 'Key' });

/** A key as the API shows it. */
export type KeyView = z.output<typeof keyViewSchema>;

/** A key with its secret: the only time that it is shown. */
export const newKeySchema = keyViewSchema
  .extend({ key: z.string().describe('What the holder sends as bearer. It is not shown again') })
  .meta({ id: 'NewKey' });

/** What is shown of a key. */
export function keyViewOf({ _id: id, digest: _digest, previous, ...key }: ApiKeyRecord): KeyView {
  const iso = (date: Date | undefined) => date?.toISOString();
  return keyViewSchema.parse({
    ...key,
    id,
    state: stateOf(key),
    expires_at: iso(key.expires_at),
    last_used_at: iso(key.last_used_at),
    created_at: iso(key.created_at),
    rotated_at: iso(key.rotated_at),
    previous_until: previous && previous.until > new Date() ? iso(previous.until) : undefined,
    revoked_at: iso(key.revoked_at),
  });
}

function stateOf({
  revoked_at,
  expires_at,
}: Pick<ApiKeyRecord, 'revoked_at' | 'expires_at'>): KeyView['state'] {
  if (revoked_at) return 'revoked';
  return expires_at && expires_at <= new Date() ? 'expired' : 'active';
}
