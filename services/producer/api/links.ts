import type { ZodOpenApiResponseObject } from 'zod-openapi';

/** OpenAPI's expressions: where in an answer, or in its request, the parameter of a call that may follow is found. */
type Link = Record<string, `$${'response' | 'request'}.body#/${string}` | `$request.path.${string}`>;

const ID: Link = { id: '$response.body#/id' };
const FIRST: Link = { id: '$response.body#/notifications/0/id' };
const NEXT_PAGE: Link = { cursor: '$response.body#/next_cursor' };
const ITS_USER: Link = { user_id: '$response.body#/user_id' };
const SAME_USER: Link = { user_id: '$request.path.user_id' };

/** Which calls may follow which, by their ids: for readers of the document, and for tests that walk through the API along it. */
export const LINKS: Record<string, Record<string, Link>> = {
  createNotification: {
    getNotification: ID,
    cancelNotification: ID,
    retryNotification: ID,
    resolveNotification: ID,
    listUserNotifications: { user_id: '$request.body#/user_id' },
  },
  createNotifications: { getNotification: { id: '$response.body#/accepted/0/id' } },
  getNotification: {
    cancelNotification: ID,
    retryNotification: ID,
    resolveNotification: ID,
    markRead: { ...ITS_USER, ...ID },
    countUnread: ITS_USER,
    listDeadLetters: ITS_USER,
  },
  listNotifications: { listNotifications: NEXT_PAGE, getNotification: FIRST, cancelNotification: FIRST },
  listDeadLetters: { listDeadLetters: NEXT_PAGE, retryNotification: FIRST },
  retryNotification: { getNotification: ID, cancelNotification: ID },
  cancelNotification: { getNotification: ID },
  resolveNotification: { getNotification: ID, retryNotification: ID },
  createKey: { rotateKey: ID, revokeKey: ID },
  rotateKey: { rotateKey: ID, revokeKey: ID },
  eraseUser: { getErasure: ID },
  exportUser: { exportUser: { ...SAME_USER, ...NEXT_PAGE } },
  listSuppressions: {
    listSuppressions: NEXT_PAGE,
    liftSuppression: {
      channel: '$response.body#/suppressions/0/channel',
      address: '$response.body#/suppressions/0/address',
    },
  },
  listControls: {
    pauseControl: { id: '$response.body#/controls/0/id' },
    resumeControl: { id: '$response.body#/controls/0/id' },
  },
  pauseControl: { resumeControl: ID },
  resumeControl: { pauseControl: ID },
  listAudit: { listAudit: NEXT_PAGE },
  listUserNotifications: {
    listUserNotifications: { ...SAME_USER, ...NEXT_PAGE },
    markRead: { ...SAME_USER, ...FIRST },
    markAllRead: SAME_USER,
    countUnread: SAME_USER,
  },
};

/** The links of an operation's answer, as the document has them. */
export function linksOf(operationId: string): NonNullable<ZodOpenApiResponseObject['links']> {
  const links = Object.entries(LINKS[operationId] ?? {});
  return Object.fromEntries(
    links.map(([target, parameters]) => [target, { operationId: target, parameters }]),
  );
}
