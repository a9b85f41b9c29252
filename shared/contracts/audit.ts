import { z } from 'zod';
import { line } from './fields.ts';
import { pageFields } from './requests.ts';

/** Everything that people and keys do and that somebody may ask about later. */
export const AUDIT_ACTS = [
  'signed_in',
  'sign_in_link_made',
  'password_chosen',
  'refresh_token_reused',
  'account_made',
  'account_role_changed',
  'account_disabled',
  'account_enabled',
  'key_made',
  'key_rotated',
  'key_revoked',
  'user_token_issued',
  'notification_retried',
  'notification_canceled',
  'notification_resolved',
  'dead_letters_redriven',
  'dead_letters_discarded',
  'bulk_act_aborted',
  'switched_on',
  'switched_off',
  'user_exported',
  'user_erased',
  'suppression_added',
  'suppression_lifted',
  'suppressions_removed',
  'quarantine_retried',
  'quarantine_discarded',
] as const;

/** One of them. */
export type AuditAct = (typeof AUDIT_ACTS)[number];

/** One line of the audit: who did what to which, never the content. */
export const auditEntrySchema = z.object({
  /** UUID v7: sorts by time. */
  _id: z.string(),
  at: z.date(),
  actor: z.string().describe('api, key:<id>, web:<account>, account:<account>, service:<subject>'),
  act: z.enum(AUDIT_ACTS),
  subject: z.string().describe('What it was done to: notification:<id>, key:<id>, account:<name>, …'),
  detail: z.string().optional(),
  delete_at: z.date(),
});

/** One line of the audit. */
export type AuditEntry = z.output<typeof auditEntrySchema>;

/** The query of the audit. */
export const auditQuerySchema = z.strictObject({
  actor: line(300).optional().meta({ description: 'Who, in full, such as key:0123456789ab' }),
  act: z.enum(AUDIT_ACTS, { error: `must be one of ${AUDIT_ACTS.join(', ')}` }).optional(),
  subject: line(300)
    .optional()
    .meta({ description: 'To which, in full, such as notification:<id>, or user:<user_id>' }),
  ...pageFields,
});

/** The query of the audit. */
export type AuditQuery = z.output<typeof auditQuerySchema>;

/** A line as the API shows it. */
export const auditViewSchema = z
  .object({
    id: z.string(),
    at: z.iso.datetime(),
    actor: z.string(),
    act: z.enum(AUDIT_ACTS),
    subject: z.string(),
    detail: z.string().optional(),
  })
  .meta({ id: 'AuditEntry' });

/** What is shown of a line. */
export function auditViewOf({ _id: id, at, ...entry }: AuditEntry): z.output<typeof auditViewSchema> {
  return auditViewSchema.parse({ id, at: at.toISOString(), ...entry });
}
