import ejs from 'ejs';
import type { Request, RequestHandler, Response } from 'express';
import { join } from 'node:path';
import type { FieldError, Notification } from '../../../shared/contracts/index.ts';
import { getNotification } from '../../../shared/store/index.ts';
import { Problem } from '../api/problem.ts';
import type { ProducerContext } from '../context.ts';
import { PROJECT_ROOT } from '../../../shared/runtime/project-root.ts';
import { themeOf } from './theme.ts';
import { FIELD_LABELS, channelName, errorOf, inputTime, lookOf, recipientOf, short } from './presentation.ts';

const VIEWS = join(PROJECT_ROOT, 'views');

/** Renders a page, or a part of one, from `views/`. Data is escaped there; templates come from the repository only. */
export async function render(response: Response, view: string, data: object, status = 200): Promise<void> {
  const all = {
    links: {},
    here: '',
    address: '/',
    theme: '',
    account: undefined,
    switched: [],
    sandboxed: [],
    may: () => false,
    labels: FIELD_LABELS,
    channelName,
    lookOf,
    recipientOf,
    inputTime,
    errorOf: (field: string) => errorOf('errors' in data ? (data.errors as FieldError[]) : [], field),
    short,
    ...response.locals,
    ...data,
  };
  const html = await ejs.renderFile(join(VIEWS, `${view}.ejs`), all, { cache: true, rmWhitespace: true });
  response.status(status).set('cache-control', 'no-store').type('html').send(html);
}

/** The record that an address names. @throws Problem when there is none. */
export async function findNotification(
  { notifications }: ProducerContext,
  { params }: Request,
): Promise<Notification> {
  const record = await getNotification(notifications, String(params.id));
  if (!record) throw new Problem('not_found', { detail: 'There is no such notification.' });
  return record;
}

/** Of these fields of an address or a form, those that hold something: a form sends every field, also empty ones. */
export function givenFields<F extends string>(
  given: Record<string, unknown>,
  fields: readonly F[],
): Partial<Record<F, string>> {
  const held = fields.flatMap((field) => {
    const value = given[field];
    return typeof value === 'string' && value.trim() !== '' ? [[field, value.trim()] as const] : [];
  });
  return Object.fromEntries(held) as Partial<Record<F, string>>;
}

/** Renders a page with a form: where something in it is wrong, the title says so first, and the answer is a 422. */
export function renderForm(
  response: Response,
  view: string,
  data: { title: string; errors: readonly FieldError[]; [more: string]: unknown },
): Promise<void> {
  if (data.errors.length === 0) return render(response, view, data);
  return render(response, view, { ...data, title: `Error: ${data.title}` }, 422);
}

/** What every page shows around its content: where we are, and the ways on. */
export function surroundings(context: ProducerContext): RequestHandler {
  const links = linksOf(context);
  const sandboxed = context.config.SANDBOX_PROVIDERS ?? [];
  return function setSurroundings(request, response, next) {
    const { path: here, originalUrl: address } = request;
    Object.assign(response.locals, { links, here, address, sandboxed, theme: themeOf(request) });
    next();
  };
}

/** Addresses outside the producer that the pages link to; without the credentials that ours may carry. */
function linksOf({ config }: ProducerContext): {
  sandbox: string | undefined;
  management: string | undefined;
} {
  const management = config.RABBITMQ_MANAGEMENT_URL && new URL(config.RABBITMQ_MANAGEMENT_URL);
  return { sandbox: config.SANDBOX_URL, management: management ? `${management.origin}/` : undefined };
}
