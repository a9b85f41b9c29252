import type { RequestHandler, Response } from 'express';
import type { FieldError } from '../../../shared/contracts/index.ts';
import type { ProducerContext } from '../context.ts';
import { passwordTrouble } from '../sign-in/passwords.ts';
import { accountOf, actorOf } from './identity.ts';
import { formOf } from './forms.ts';
import { renderForm } from './pages.ts';

/** One's own account: the password. */
export function accountPage(): RequestHandler {
  return async function showAccount(_request, response) {
    await show(response, { errors: [], isChanged: false });
  };
}

/** Chooses a password; every other session of the account ends. */
export function passwordSubmit({ signIn, audit }: ProducerContext): RequestHandler {
  return async function changePassword(request, response) {
    const { _id: name } = accountOf(response);
    const { current = '', password = '' } = givenPasswords(formOf(request));
    const trouble = passwordTrouble(password, name);
    const errors: FieldError[] = trouble === undefined ? [] : [{ field: 'password', message: trouble }];
    const isKnown = !needsCurrent(response) || (await signIn.isRight(name, current, request.ip ?? ''));
    if (!isKnown) errors.unshift({ field: 'current', message: 'is wrong' });
    if (errors.length === 0) {
      await signIn.setPassword(name, password, request);
      const actor = actorOf(response);
      await audit.note({ actor, act: 'password_chosen', subject: `account:${name}` });
    }
    await show(response, { errors, isChanged: errors.length === 0 });
  };
}

/** Whoever came by a one-time link has no password yet, or has lost it. */
function needsCurrent(response: Response): boolean {
  const { password_hash, isByLink } = accountOf(response);
  return password_hash !== undefined && !isByLink;
}

/** Passwords as they were typed: blanks at the ends are part of them. */
function givenPasswords({ current, password }: Record<string, unknown>): {
  current?: string;
  password?: string;
} {
  return {
    ...(typeof current === 'string' && { current }),
    ...(typeof password === 'string' && { password }),
  };
}

function show(response: Response, page: { errors: FieldError[]; isChanged: boolean }): Promise<void> {
  const data = { title: 'Your account · Tidings', ...page, needsCurrent: needsCurrent(response) };
  return renderForm(response, 'account', data);
}
