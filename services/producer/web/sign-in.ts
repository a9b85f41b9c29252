import type { Request, RequestHandler, Response } from 'express';
import type { FieldError } from '../../../shared/contracts/index.ts';
import type { Deed } from '../../../shared/store/index.ts';
import { Problem } from '../api/problem.ts';
import type { ProducerContext } from '../context.ts';
import { pathWithin } from './addresses.ts';
import { formOf } from './forms.ts';
import { render } from './pages.ts';

/** Asks for name and password. */
export function signInForm(): RequestHandler {
  return async function showSignIn(request, response) {
    await showForm(response, { next: pathWithin(request.query.next), name: '', errors: [] });
  };
}

/** Signs in, and leads to where the person was going. Does not say which half was wrong. */
export function signInSubmit({ signIn, audit, log }: ProducerContext): RequestHandler {
  return async function takeSignIn(request, response) {
    const form = fieldsOf(request);
    const [name, next] = [form.name.trim().toLowerCase(), pathWithin(form.next)];
    if (!(await signIn.isRight(name, form.password, request.ip ?? ''))) {
      log.warn('a sign-in failed', { address: request.ip });
      const errors = [{ field: 'password', message: 'or name is wrong' }];
      await showForm(response, { next, name: form.name, errors });
      return;
    }
    await audit.note(signedIn(name, 'by password'));
    signIn.sessions.setCookie(response, await signIn.sessions.begin(name));
    response.redirect(303, next);
  };
}

/** Asks once more before a one-time link is used up: programs that follow links do not press buttons. */
export function signInLinkPage({ signIn }: ProducerContext): RequestHandler {
  return async function showLink(request, response) {
    const secret = typeof request.query.secret === 'string' ? request.query.secret : '';
    const name = await signIn.links.whose(secret);
    if (name === undefined) throw usedUp();
    await render(response, 'sign-in-link', { title: `Sign in as ${name} · Tidings`, name, secret });
  };
}

/** Signs in by a one-time link; whoever has no password yet is asked to choose one. */
export function signInLinkSubmit({ signIn, audit }: ProducerContext): RequestHandler {
  return async function takeLink(request, response) {
    const name = await signIn.links.use(fieldsOf(request).secret);
    if (name === undefined) throw usedUp();
    await audit.note(signedIn(name, 'by a one-time link'));
    signIn.sessions.setCookie(response, await signIn.sessions.begin(name, 'link'));
    response.redirect(303, '/');
  };
}

/** Ends the session. */
export function signOut({ signIn }: ProducerContext): RequestHandler {
  return async function endSession(request, response) {
    await signIn.sessions.end(request, response);
    response.redirect(303, '/sign-in');
  };
}

function signedIn(name: string, detail: string): Deed {
  return { actor: `web:${name}`, act: 'signed_in', subject: `account:${name}`, detail };
}

async function showForm(
  response: Response,
  form: { next: string; name: string; errors: readonly FieldError[] },
): Promise<void> {
  const hasFailed = form.errors.length > 0;
  const title = `${hasFailed ? 'Error: ' : ''}Sign in · Tidings`;
  await render(response, 'sign-in', { title, ...form }, hasFailed ? 401 : 200);
}

function usedUp(): Problem {
  return new Problem('forbidden', {
    detail:
      'This sign-in link has been used, or its time is over. Ask an admin for another one; beside the fleet, npm run sign-in makes one.',
  });
}

function fieldsOf(request: Request): { name: string; password: string; next: string; secret: string } {
  const form = formOf(request);
  const text = (field: string): string => {
    const value = form[field];
    return typeof value === 'string' ? value : '';
  };
  return { name: text('name'), password: text('password'), next: text('next'), secret: text('secret') };
}
