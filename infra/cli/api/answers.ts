import { z } from 'zod';

/**
 * What this program needs of what the API answers. Loose on purpose: a fleet of another version may answer more, and `--json` prints all of it.
 */

const error = z.looseObject({ code: z.string(), reason: z.string() });

/** A problem of RFC 9457. */
export const problemAnswer = z.looseObject({
  title: z.string(),
  status: z.number(),
  code: z.string(),
  detail: z.string().optional(),
  errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
});

/** Something accepted, retried or changed. */
export const acceptedAnswer = z.looseObject({ id: z.string(), status: z.string() });

/** What became of each item of a batch. */
export const batchAnswer = z.looseObject({
  accepted: z.array(z.looseObject({ index: z.number(), id: z.string(), status: z.string() })),
  rejected: z.array(
    z.looseObject({
      index: z.number(),
      errors: z.array(z.object({ field: z.string(), message: z.string() })),
    }),
  ),
});

const view = z.looseObject({
  id: z.string(),
  user_id: z.string().optional(),
  type: z.string(),
  lane: z.string(),
  status: z.string(),
  message: z.string(),
  subject: z.string().optional(),
  email: z.string().optional(),
  phone: z.string().optional(),
  attempt: z.number(),
  provider: z.string().optional(),
  next_retry_time: z.string().optional(),
  send_at: z.string().optional(),
  error: error.optional(),
  created_at: z.string(),
});

/** A notification in a list. */
export type NotificationShown = z.output<typeof view>;

/** A page of notifications. */
export const listAnswer = z.looseObject({
  notifications: z.array(view),
  next_cursor: z.string().nullable(),
});

/** A notification with its timeline. */
export const detailAnswer = view.extend({
  timeline: z.array(
    z.looseObject({
      at: z.string(),
      status: z.string(),
      actor: z.string(),
      attempt: z.number().optional(),
      reason: z.string().optional(),
      code: z.string().optional(),
      ambiguous: z.boolean().optional(),
    }),
  ),
  timeline_omitted: z.number().optional(),
});

/** A notification with its timeline. */
export type NotificationDetailShown = z.output<typeof detailAnswer>;

/** What a redrive or discard did. */
export const bulkAnswer = z.looseObject({
  matched: z.number(),
  changed: z.number(),
  dry_run: z.boolean(),
});

const counts = z.record(z.string(), z.number());

/** The figures. */
export const statsAnswer = z.looseObject({
  as_of: z.string(),
  // An older server does not say it.
  stale_since: z.string().nullish(),
  total: z.number(),
  by_status: counts,
  by_type: z.record(z.string(), counts),
  unpublished: z.number(),
  queues: z.array(
    z.looseObject({
      name: z.string(),
      ready: z.number().nullable(),
      oldest_age_seconds: z.number().nullable(),
    }),
  ),
  providers: z.array(
    z.looseObject({
      name: z.string(),
      channel: z.string(),
      processes: z.number(),
      is_paused: z.boolean(),
      breaker: z.string(),
      error_rate: z.number().nullable(),
    }),
  ),
  switched: z.array(z.looseObject({ what: z.string(), by: z.string(), reason: z.string() })),
  balance: z.array(z.looseObject({ what: z.string(), records: z.number(), messages: z.number().nullable() })),
});

/** The figures. */
export type StatsShown = z.output<typeof statsAnswer>;

const suppression = z.looseObject({
  channel: z.string(),
  address: z.string().optional(),
  code: z.string(),
  reason: z.string().optional(),
  actor: z.string(),
  since: z.string(),
});

/** An address that nothing is handed over to. */
export const suppressionAnswer = suppression;
/** An address that nothing is handed over to. */
export type SuppressionShown = z.output<typeof suppression>;
/** A page of them. */
export const suppressionsAnswer = z.looseObject({
  suppressions: z.array(suppression),
  next_cursor: z.string().nullable(),
});

/** Records that MongoDB refuses to write. */
export const quarantineAnswer = z.looseObject({
  quarantined: z.array(
    z.looseObject({
      id: z.string(),
      type: z.string(),
      status: z.string(),
      since: z.string(),
      code: z.string(),
      reason: z.string(),
    }),
  ),
});

/** What became of a quarantined record. */
export const releasedAnswer = z.looseObject({ id: z.string(), outcome: z.string() });

const key = z.looseObject({
  id: z.string(),
  name: z.string(),
  scopes: z.array(z.string()),
  state: z.string(),
  created_at: z.string(),
  last_used_at: z.string().optional(),
  expires_at: z.string().optional(),
  previous_until: z.string().optional(),
});

/** One key. */
export const keyAnswer = key;
/** All keys. */
export const keysAnswer = z.looseObject({ keys: z.array(key) });
/** A key with its secret. */
export const newKeyAnswer = key.extend({ key: z.string() });

/** Something that can be paused. */
export const controlAnswer = z.looseObject({
  id: z.string(),
  state: z.string(),
  in_flight: z.number(),
  processes: z.number(),
  undelivered: z.number().optional(),
  paused_by: z.string().optional(),
  by: z.string().optional(),
  reason: z.string().optional(),
  since: z.string().optional(),
  until: z.string().optional(),
});
/** Something that can be paused. */
export type ControlShown = z.output<typeof controlAnswer>;
/** All of them. */
export const controlsAnswer = z.looseObject({ controls: z.array(controlAnswer) });

const auditEntry = z.looseObject({
  at: z.string(),
  actor: z.string(),
  act: z.string(),
  subject: z.string(),
  detail: z.string().optional(),
});
/** One line of the audit. */
export type AuditEntryShown = z.output<typeof auditEntry>;
/** A page of the audit. */
export const auditAnswer = z.looseObject({
  entries: z.array(auditEntry),
  next_cursor: z.string().nullable(),
});

/** How many a person has not read. */
export const unreadAnswer = z.looseObject({ unread_count: z.number() });
/** How many a call has changed. */
export const changedAnswer = z.looseObject({ changed: z.number() });
/** A notification of an inbox that was read. */
export const readAnswer = view.extend({ read_at: z.string().optional() });
/** A token for one person's inbox. */
export const userTokenAnswer = z.looseObject({ access_token: z.string(), expires_in: z.number() });
/** A page of what is stored of a person. */
export const exportAnswer = z.looseObject({ user_id: z.string(), next_cursor: z.string().nullable() });

/** The receipt of an erasure. */
export const erasureAnswer = z.looseObject({
  id: z.string(),
  erased: z.number(),
  finished_at: z.string().optional(),
});
/** The receipt of an erasure. */
export type ErasureShown = z.output<typeof erasureAnswer>;

/** That a task was updated. */
export const taskUpdatedAnswer = z.looseObject({ status: z.string() });
