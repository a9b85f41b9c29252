import type { Request, Response } from 'express';
import {
  CHANNEL_NAMES,
  deadLetterQuerySchema,
  fieldErrors,
  viewOf,
} from '../../../shared/contracts/index.ts';
import { SearchTooWide, groupDeadLetters, listDeadLetters } from '../../../shared/store/index.ts';
import { bulkActView } from './bulk-act.ts';
import type { ProducerContext } from '../context.ts';
import type { Listed } from './notifications.ts';
import { withQuery } from './addresses.ts';
import { givenFields, renderForm } from './pages.ts';

/** The filter's fields, as they stand in the address. */
const FIELDS = ['type', 'code', 'provider', 'user_id'] as const;
/** Of how many dead letters the causes are told, so that a million cost no more than these; and how many causes. */
const LOOK = { look: 2_000, groups: 30 };

/** The dead letters: by their causes, and one by one. */
export function deadLettersPage(context: ProducerContext) {
  return async function showDeadLetters(request: Request, response: Response): Promise<void> {
    const filter = givenFields(request.query, FIELDS);
    const asked = { ...filter, ...givenFields(request.query, ['cursor']) };
    const [listed, groups, acts] = await Promise.all([
      list(context, asked),
      causes(context),
      context.acts.latest(),
    ]);
    const page = {
      title: 'Dead letters · Tidings',
      asked,
      ...listed,
      groups,
      looked: LOOK.look,
      acts: acts.map(bulkActView),
      types: CHANNEL_NAMES,
      isFiltered: Object.keys(filter).length > 0,
      filter,
      withQuery,
    };
    await renderForm(response, 'dead-letters', page);
  };
}

/** Undefined where that takes too long. */
async function causes({ notifications }: ProducerContext): Promise<object[] | undefined> {
  try {
    return (await groupDeadLetters(notifications, LOOK)).map(({ first, last, ...group }) => ({
      ...group,
      first: first.toISOString(),
      last: last.toISOString(),
      query: { type: group.type, code: group.code, provider: group.provider },
    }));
  } catch (thrown) {
    if (thrown instanceof SearchTooWide) return undefined;
    throw thrown;
  }
}

async function list({ notifications }: ProducerContext, asked: object): Promise<Listed> {
  const parsed = deadLetterQuerySchema.safeParse(asked);
  if (!parsed.success) return { notifications: [], nextCursor: null, errors: fieldErrors(parsed.error) };
  const { records, nextCursor } = await listDeadLetters(notifications, parsed.data);
  return { notifications: records.map(viewOf), nextCursor, errors: [] };
}
