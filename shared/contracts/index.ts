/**
 * # Glossary
 * - **notification**: one message to one recipient on one channel. Its record in MongoDB is the truth.
 * - **message**: the claim check that RabbitMQ carries for a notification; a hint that something may be due.
 * - **batch**: many notifications accepted in one call.
 * - **channel**: how it reaches the person: `email`, `sms`, `in_app`. On the record it is the `type`.
 * - **lane**: `transactional` (default) or `bulk`; each has queues and slots of its own.
 * - **provider**: who carries it out: an SMTP server, Twilio, the in-app store, the sandbox.
 * - **request**: what another team's service publishes to be accepted: AMQP as a way in.
 * - **attempt**: one try at a provider. **deferral**: put off without spending an attempt.
 * - **claim**: the lease on a delivery. **fence**: the number that makes writes of an old claim match nothing.
 * - **tier**: one delay of the retry ladder. **wait queue**: where a tier's messages sit.
 * - **dead letter**: exhausted or permanently refused. **parking**: the queue of messages that we cannot read.
 * - **ambiguous**: the answer to a hand-over was lost, so nobody knows whether the provider took it.
 * - **account**: a person who may sign in to the pages, with a **role**: viewer, operator or admin.
 * - **key**: what a program sends to use the API, with **scopes**: send, read, retry, admin. **token**: the same for a short time, for an
 *   account, a service of another issuer, or one person's inbox. **identity**: whoever sends a request, by any of these.
 * - **audit**: who did what to which, kept apart from the records.
 * - **feedback**: what a provider says of a notification after the hand-over: it was delivered, or it came back (a **bounce**; by mail in a
 *   **DSN**, a delivery status notification). **suppression**: an address that nothing is handed over to, until a person lifts it.
 * - **verdict**: what a refusal by a provider leads to, by its code. **provider fault**: a refusal that is about us or the provider, and not
 *   about the recipient or the message. **soft bounce**: a refusal that may pass, and suppresses only when it is repeated.
 * - **task update**: that a task of yours changed, by POST /update_task; an e-mail tells its person, listeners hear of it at once.
 * - **outbox relay**: publishes what is stored and not yet published. **sandbox**: our stand-in for a provider.
 */
export {
  SCOPES,
  SCOPES_OF_ROLE,
  addressBlock,
  keyRequestSchema,
  keyViewOf,
  keyViewSchema,
  holds,
  meets,
  newKeySchema,
  rotateRequestSchema,
  sendableBy,
  type ApiKeyRecord,
  type KeyRequest,
  type KeyView,
  type Scope,
} from './access.ts';
export { ROLES, accountNameSchema, isAtLeast, type Account, type Role } from './account.ts';
export {
  AUDIT_ACTS,
  auditEntrySchema,
  auditQuerySchema,
  auditViewOf,
  auditViewSchema,
  type AuditAct,
  type AuditEntry,
  type AuditQuery,
} from './audit.ts';
export { BULK_KINDS, type BulkAct } from './bulk-act.ts';
export {
  ACCEPTING,
  controlListSchema,
  controlViewSchema,
  pauseOfChannel,
  pauseOfProvider,
  pauseRequestSchema,
  type Control,
  type ControlState,
  type ControlView,
  type PauseRequest,
} from './control.ts';
export { CHANNELS, CHANNEL_NAMES, LANES, type Channel, type Lane } from './channels.ts';
export {
  AWAITING_ATTEMPT,
  AWAITING_FEEDBACK,
  CANCELABLE,
  CLAIMABLE_WHEN_DUE,
  FINISHED,
  MOVING,
  TROUBLED,
  RETRYABLE,
  STATUSES,
  STEERABLE,
  TRANSITIONS,
  canGo,
  type Status,
  whyNot,
} from './states.ts';
export { quarantineViewSchema, type QuarantineView } from './quarantine.ts';
export { TIMELINE_KEEPS, notificationSchema, type Notification, type TimelineEntry } from './notification.ts';
export {
  HEADERS,
  MAX_MESSAGE_BYTES,
  messageOf,
  messageSchema,
  parseMessage,
  type Message,
} from './message.ts';
export { erasureSchema, erasureViewOf, type Erasure } from './erasure.ts';
export { eventSchema, type StateChanges } from './event.ts';
export {
  IDEMPOTENCY_KEY,
  MAX_BATCH_BYTES,
  MAX_BATCH_ITEMS,
  MAX_BODY_BYTES,
  MAX_JSON_VALUES,
  batchRequestSchema,
  deadLetterFilterSchema,
  deadLetterQuerySchema,
  discardRequestSchema,
  exportQuerySchema,
  listQuerySchema,
  notificationRequestSchema,
  readAllRequestSchema,
  redriveRequestSchema,
  resolveRequestSchema,
  userListQuerySchema,
  type DeadLetterFilter,
  type DeadLetterQuery,
  type ListQuery,
  type NotificationRequest,
  type UserListQuery,
} from './requests.ts';
export { userId } from './fields.ts';
export { canonicalEmail, emailAddress, emailProblem } from './email-address.ts';
export { canonicalPhone } from './phone-number.ts';
export { quickEmailSchema, quickResultSchema, quickSmsSchema, type QuickEmail } from './quick.ts';
export { AllowedSenders, isSenderList, mailbox, mailboxOf, senderSetting, type Mailbox } from './senders.ts';
export {
  MAX_ATTACHMENTS_CHARS,
  MAX_ATTACHMENTS_FILES,
  storedAttachmentOf,
  type Attachment,
  type StoredAttachment,
} from './attachments.ts';
export { REQUESTED, REQUEST_KEYS, requestedPropertiesSchema, type RequestedProperties } from './requested.ts';
export { SmsCountries, isCountryList } from './sms-countries.ts';
export { CARRIERS, type Carrier } from './carrier-list.ts';
export { Carriers, SMS_GATEWAY, isCarrierList, type GatewayRefusal } from './carriers.ts';
export { beyondGsm, gatewayParts } from './gateway-parts.ts';
export { segmentsOf, type Segments } from './sms-segments.ts';
export {
  cancelMeetRequestSchema,
  meetRequestSchema,
  type CancelMeetRequest,
  type MeetRequest,
} from './meeting.ts';
export type { Presence, ProviderStanding } from './presence.ts';
export { providerRouteOf, type RoutedProvider } from './provider-route.ts';
export {
  INBOUND_PATH,
  STATUS_CALLBACK_PATH,
  inboundUrl,
  statusCallbackFor,
  statusCallbackUrl,
} from './status-callback.ts';
export { PROBLEMS, fieldErrors, problemSchema, type FieldError, type ProblemCode } from './problems.ts';
export {
  acceptedSchema,
  batchAcceptedSchema,
  bulkResultSchema,
  detailOf,
  notificationAnswerSchema,
  notificationDetailSchema,
  notificationListSchema,
  notificationViewSchema,
  viewOf,
  type NotificationDetail,
  type NotificationView,
} from './responses.ts';
export { type Feedback } from './feedback.ts';
export {
  OPT_OUT,
  SUPPRESSIBLE,
  addressOf,
  newSuppressionSchema,
  suppressionFilterSchema,
  suppressionParams,
  suppressionQuerySchema,
  suppressionRemovalSchema,
  suppressionViewOf,
  suppressionViewSchema,
  suppressionsRemovedSchema,
  type SuppressibleChannel,
  type Suppression,
  type SuppressionFilter,
  type SuppressionQuery,
} from './suppression.ts';
export {
  LAST_EVENT_ID,
  TASK_UPDATE,
  TASK_UPDATED,
  TASK_UPDATES_KEPT_MS,
  UPDATES_MISSED,
  lastEventIdSchema,
  notificationOfTaskUpdate,
  taskUpdateRequestSchema,
  taskUpdateSchema,
  taskUpdateViewOf,
  taskUpdatedSchema,
  updatesMissedSchema,
  type TaskUpdate,
  type TaskUpdateRequest,
  type TaskUpdateView,
} from './task-updates.ts';
export { revokeRequestSchema, tokenRequestSchema, tokensSchema, userTokenSchema } from './tokens.ts';
