export { StoreTimeout, bounded } from './bounded.ts';
export { Books } from './books/books.ts';
export { latencyQuantile, roundedUp, slowestOf, type Latencies } from './books/latencies.ts';
export { RatesLog, ratesOf, type ChannelRates, type Rates, type Step } from './books/rates.ts';
export { countAll, sumOver, totalOf, type Balance, type Counts } from './books/counting.ts';
export { SEARCH_WITHIN_MS, SearchTooWide } from './notifications/reach.ts';
export { Accounts } from './accounts.ts';
export { Erasures, carryOutErasure } from './erasures.ts';
export { Pseudonyms } from './pseudonyms.ts';
export { Audit, type Deed } from './audit.ts';
export { Keys } from './keys.ts';
export { limiterIn } from './limiter.ts';
export { RefreshTokens, type TokenFamily } from './refresh-tokens.ts';
export { sharedSalt } from './signing-keys.ts';
export { BulkActs } from './bulk-acts.ts';
export { Controls, ControlsWatch } from './controls.ts';
export { openStore, type Store } from './connection.ts';
export { INDEXES, ensureIndexes, connectInBackground } from './indexes.ts';
export { EarlyFeedbacks } from './early-feedback.ts';
export { Suppressions, suppressionIdOf, suppressionOf } from './suppressions.ts';
export { digestOfRecipient } from './recipients.ts';
export {
  hearEarlyFeedback,
  hearFeedback,
  noteUnreadReport,
  type FeedbackStores,
  type Heard,
} from './notifications/feedback.ts';
export { LockLost, Locks, type HeldLock } from './locks.ts';
export { Openers } from './openers.ts';
export {
  clearUnpublished,
  insertNotifications,
  markUnpublished,
  type Failed,
  type Published,
  type Stored,
} from './notifications/accept.ts';
export { sendAtOnce, type AtOnce } from './notifications/at-once.ts';
export {
  POISON_AT,
  SUSPECT_AT,
  claimNotifications,
  newClaimToken,
  renewLeases,
  type ClaimOptions,
} from './notifications/claim.ts';
export {
  ANY_QUEUE,
  WITHOUT_FILES,
  notificationsOf,
  type Change,
  type Notifications,
} from './notifications/collection.ts';
export {
  cancelNotification,
  countDeadLetters,
  countRedriven,
  groupDeadLetters,
  discardDeadLetters,
  redriveDeadLetters,
  type DeadLetterGroup,
  resolveNotification,
  retryNotification,
  type Operated,
} from './notifications/operate.ts';
export {
  countUnpublished,
  arrivalOf,
  countUnread,
  emailOf,
  findOldest,
  getNotification,
  listDeadLetters,
  listNotifications,
  listUserNotifications,
  markAllRead,
  markRead,
  notificationsByKey,
  type Page,
} from './notifications/queries.ts';
export { Quarantine, QuarantineFull, type Quarantined } from './quarantine.ts';
export { RecordRefused, isRefusal } from './refusal.ts';
export {
  deleteDiscarded,
  discardQuarantined,
  retryQuarantined,
  type Released,
} from './notifications/quarantined.ts';
export { Presences, announce } from './presences.ts';
export { rolesFor, type CreateRole } from './roles.ts';
export { TaskUpdates, type NewTaskUpdate } from './task-updates.ts';
export { recordResults, type Result } from './notifications/record.ts';
export {
  SWEEP_LIMIT,
  deleteRetained,
  expireOverdue,
  findLostHints,
  findLostLeases,
  findOvertaken,
  findUnpublished,
  wakeDue,
} from './notifications/sweeps.ts';
export { idChunks } from './notifications/walk.ts';
