import type { RequestHandler } from 'express';
import { AUDIT_ACTS, auditQuerySchema, auditViewOf, fieldErrors } from '../../../shared/contracts/index.ts';
import type { ProducerContext } from '../context.ts';
import { withQuery } from './addresses.ts';
import { givenFields, renderForm } from './pages.ts';

/** The filter's fields, as they stand in the address. */
const FIELDS = ['actor', 'act', 'subject', 'cursor'] as const;
type Asked = Partial<Record<(typeof FIELDS)[number], string>>;

/** Who did what to which, for admins. */
export function auditPage({ audit, pseudonyms }: ProducerContext): RequestHandler {
  return async function showAudit(request, response) {
    const asked: Asked = givenFields(request.query, FIELDS);
    const parsed = auditQuerySchema.safeParse(asked);
    const { subject } = parsed.data ?? {};
    const named = subject === undefined ? {} : { subject: await pseudonyms.asAudited(subject) };
    const { entries, nextCursor } = parsed.success
      ? await audit.list({ ...parsed.data, ...named })
      : { entries: [], nextCursor: null };
    await renderForm(response, 'audit', {
      title: 'Audit · Tidings',
      asked,
      acts: AUDIT_ACTS,
      entries: entries.map(auditViewOf).map((one) => ({ ...one, link: linkOf(one.subject) })),
      nextCursor,
      errors: parsed.success ? [] : fieldErrors(parsed.error),
      isFiltered: Object.keys(asked).some((field) => field !== 'cursor'),
      addressWith: (change: Asked) => withQuery('/audit', { ...asked, cursor: '', ...change }),
    });
  };
}

/** The page of what something was done to, where it has one. */
function linkOf(subject: string): string | undefined {
  const kind = subject.slice(0, subject.indexOf(':'));
  const id = encodeURIComponent(subject.slice(kind.length + 1));
  const pages: Record<string, string> = {
    notification: `/notifications/${id}`,
    dead_letters: `/dead-letters/acts/${id}`,
    key: '/keys',
    account: '/accounts',
    suppression: '/suppressions',
  };
  return pages[kind];
}
