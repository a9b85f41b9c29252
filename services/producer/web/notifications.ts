import type { Request, Response } from 'express';
import {
  CHANNEL_NAMES,
  STATUSES,
  TROUBLED,
  fieldErrors,
  listQuerySchema,
  viewOf,
  type FieldError,
  type ListQuery,
  type NotificationView,
} from '../../../shared/contracts/index.ts';
import { SearchTooWide, getNotification, listNotifications, sumOver } from '../../../shared/store/index.ts';
import type { ProducerContext } from '../context.ts';
import { withQuery } from './addresses.ts';
import { givenFields, renderForm } from './pages.ts';
import { instantOf, lookOf } from './presentation.ts';

/** The filter's fields, as they stand in the address. */
const FIELDS = ['id', 'status', 'type', 'user_id', 'from', 'to', 'error', 'cursor'] as const;
type Asked = Partial<Record<(typeof FIELDS)[number], string>>;

/** What a list shows: a page of it, or why there is none. */
export interface Listed {
  notifications: NotificationView[];
  nextCursor: string | null;
  errors: FieldError[];
}

/** The list of notifications. All of its state is in the address, so that every view of it can be passed on. */
export function notificationsPage(context: ProducerContext) {
  return async function showNotifications(request: Request, response: Response): Promise<void> {
    const asked = givenFields(request.query, FIELDS);
    if (asked.id !== undefined && (await getNotification(context.notifications, asked.id))) {
      response.redirect(303, `/notifications/${encodeURIComponent(asked.id)}`);
      return;
    }
    const [listed, balance] = await Promise.all([list(context, asked), context.books.read()]);
    const status = STATUSES.find((one) => one === asked.status);
    const page = {
      title: `${status ? `${lookOf(status).words} n` : 'N'}otifications · Tidings`,
      // A state that there is not would stay in the form, where nobody can take it out.
      asked: { ...asked, status },
      ...listed,
      counts: balance && sumOver(balance.counts),
      statuses: STATUSES,
      types: CHANNEL_NAMES,
      troubled: TROUBLED,
      isFiltered: Object.keys(asked).some((field) => field !== 'cursor'),
      addressWith: (change: Asked) => withQuery('/notifications', { ...asked, cursor: '', ...change }),
    };
    await renderForm(response, 'notifications', page);
  };
}

async function list({ notifications }: ProducerContext, { id, ...asked }: Asked): Promise<Listed> {
  const nothing = { notifications: [], nextCursor: null };
  if (id !== undefined)
    return { ...nothing, errors: [{ field: 'id', message: 'is of no notification in the store' }] };
  const parsed = listQuerySchema.safeParse({ ...asked, ...instantsOf(asked) });
  if (!parsed.success) return { ...nothing, errors: fieldErrors(parsed.error) };
  return { ...nothing, ...(await search(notifications, parsed.data)) };
}

async function search(
  notifications: ProducerContext['notifications'],
  query: ListQuery,
): Promise<Partial<Listed> & { errors: FieldError[] }> {
  try {
    const { records, nextCursor } = await listNotifications(notifications, query);
    return { notifications: records.map(viewOf), nextCursor, errors: [] };
  } catch (thrown) {
    if (!(thrown instanceof SearchTooWide)) throw thrown;
    const message = 'took too long to search for: choose a state, a person or a shorter time as well';
    return { errors: [{ field: 'error', message }] };
  }
}

function instantsOf({ from, to }: Asked): Asked {
  return {
    ...(from !== undefined && { from: instantOf(from) }),
    ...(to !== undefined && { to: instantOf(to) }),
  };
}
