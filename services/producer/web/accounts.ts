import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import {
  ROLES,
  accountNameSchema,
  fieldErrors,
  type Account,
  type AuditAct,
  type FieldError,
} from '../../../shared/contracts/index.ts';
import { Problem } from '../api/problem.ts';
import type { ProducerContext } from '../context.ts';
import { originOf } from './guard.ts';
import { accountOf, actorOf } from './identity.ts';
import { formOf } from './forms.ts';
import { renderForm } from './pages.ts';

const newAccountSchema = z.object({
  name: accountNameSchema,
  role: z.enum(ROLES, { error: `must be one of ${ROLES.join(', ')}` }),
});

/** What the page shows beyond the accounts. */
interface Shown {
  errors: FieldError[];
  values: Record<string, unknown>;
  /** A link that was just made, which is shown this once, and for whom. */
  link?: { name: string; address: string };
}

/** Everybody's accounts, for admins. */
export function accountsPage(context: ProducerContext): RequestHandler {
  return async function showAccounts(_request, response) {
    await show(context, response, { errors: [], values: {} });
  };
}

/** Makes an account, and the link by which its person gets in. */
export function accountSubmit(context: ProducerContext): RequestHandler {
  return async function makeAccount(request, response) {
    const values = formOf(request);
    const parsed = newAccountSchema.safeParse(values);
    if (!parsed.success) {
      await show(context, response, { errors: fieldErrors(parsed.error), values });
      return;
    }
    const { name, role } = parsed.data;
    const created_by = accountOf(response)._id;
    const isNew = await context.signIn.accounts.add({ _id: name, role, created_at: new Date(), created_by });
    if (!isNew) {
      await show(context, response, { errors: [{ field: 'name', message: 'is taken' }], values });
      return;
    }
    await note(context, response, { act: 'account_made', name, detail: role });
    await showWithLink(context, request, response, name);
  };
}

/** What an admin may do to an account of somebody else, by the last part of its address. */
export const ACCOUNT_ACTS = {
  role: async ({ signIn }, name, { role }) => {
    const wanted = newAccountSchema.shape.role.safeParse(role);
    if (!wanted.success) throw new Problem('validation_failed', { errors: fieldErrors(wanted.error) });
    return signIn.accounts.setRole(name, wanted.data);
  },
  disable: ({ signIn }, name) => signIn.disable(name),
  enable: ({ signIn }, name) => signIn.accounts.setDisabled(name, false),
} as const satisfies Record<
  string,
  (context: ProducerContext, name: string, form: { role?: unknown }) => Promise<boolean>
>;

/** Does it. Nobody can do it to oneself, so that whoever did it last remains an admin. */
export function accountActSubmit(context: ProducerContext, act: keyof typeof ACCOUNT_ACTS): RequestHandler {
  return async function changeAccount(request, response) {
    const name = String(request.params.name);
    const by = accountOf(response)._id;
    if (name === by)
      throw new Problem('forbidden', { detail: 'Another admin has to do this to your account.' });
    const isDone = await ACCOUNT_ACTS[act](context, name, formOf(request));
    if (!isDone) throw new Problem('not_found', { detail: 'There is no such account.' });
    const { role } = formOf(request);
    const detail = act === 'role' ? { detail: String(role) } : {};
    await note(context, response, { act: AUDITED[act], name, ...detail });
    response.redirect(303, '/accounts');
  };
}

/** Makes a new sign-in link, for a person who has lost the password. */
export function accountLinkSubmit(context: ProducerContext): RequestHandler {
  return async function makeLink(request, response) {
    const name = String(request.params.name);
    if (!(await context.signIn.accounts.active(name)))
      throw new Problem('not_found', { detail: 'There is no such account, or it is disabled.' });
    await showWithLink(context, request, response, name);
  };
}

/** How the audit calls what is done to an account. */
const AUDITED = {
  role: 'account_role_changed',
  disable: 'account_disabled',
  enable: 'account_enabled',
} as const satisfies Record<keyof typeof ACCOUNT_ACTS, AuditAct>;

function note(
  { audit }: ProducerContext,
  response: Response,
  { act, name, detail }: { act: AuditAct; name: string; detail?: string },
): Promise<void> {
  const deed = { actor: actorOf(response), act, subject: `account:${name}` };
  return audit.note({ ...deed, ...(detail !== undefined && { detail }) });
}

async function showWithLink(
  context: ProducerContext,
  request: Request,
  response: Response,
  name: string,
): Promise<void> {
  const path = await context.signIn.links.issue(name);
  await note(context, response, { act: 'sign_in_link_made', name });
  const link = { name, address: `${originOf(request, context.config)}${path}` };
  await show(context, response, { errors: [], values: {}, link });
}

async function show({ signIn }: ProducerContext, response: Response, shown: Shown): Promise<void> {
  const accounts = (await signIn.accounts.all()).map(viewOf);
  const page = { title: 'Accounts · Tidings', accounts, roles: ROLES, link: undefined, ...shown };
  await renderForm(response, 'accounts', page);
}

/** Never the hash. */
function viewOf({ _id: name, role, password_hash, disabled_at, created_at, created_by }: Account): object {
  const state = disabled_at ? 'disabled' : password_hash === undefined ? 'no password yet' : 'active';
  return {
    name,
    role,
    state,
    isDisabled: disabled_at !== undefined,
    created_by,
    created_at: created_at.toISOString(),
  };
}
