import type { RequestHandler, Response } from 'express';
import { isAtLeast, type Role } from '../../../shared/contracts/index.ts';
import { Problem, wantsPage } from '../api/problem.ts';
import type { ProducerContext } from '../context.ts';
import type { SignedIn } from '../sign-in/sessions.ts';
import { withQuery } from './addresses.ts';
import { switchedView } from './presentation.ts';

/** Finds out who asks, and what operators have switched, for every page shows both. */
export function identify({ signIn, controls }: ProducerContext): RequestHandler {
  return async function findAccount(request, response, next) {
    const account = await signIn.sessions.whoIs(request);
    const switched = account ? await controls.active() : [];
    Object.assign(response.locals, {
      account,
      switched: switched.map(switchedView),
      may: (needed: Role) => account !== undefined && isAtLeast(account.role, needed),
    });
    next();
  };
}

/** Lets those pass who are signed in and may do this; others are led to the sign-in, and back. */
export function requireRole(needed: Role): RequestHandler {
  return function checkRole(request, response, next) {
    const { account } = response.locals as { account?: SignedIn };
    if (account === undefined) {
      // What a form holds does not survive a redirect: whoever goes back still has it.
      if (request.method === 'POST' || !wantsPage(request))
        throw new Problem('signed_out', { detail: 'Sign in in another tab, come back, and do this again.' });
      response.redirect(303, withQuery('/sign-in', { next: request.originalUrl }));
      return;
    }
    if (!isAtLeast(account.role, needed))
      throw new Problem('forbidden', {
        detail: `It needs the role ${needed}, and yours is ${account.role}. Ask an admin.`,
      });
    next();
  };
}

/** Who asks, behind `requireRole`. */
export function accountOf(response: Response): SignedIn {
  return (response.locals as { account: SignedIn }).account;
}

/** Who did something on the pages, for timelines and records. */
export function actorOf(response: Response): string {
  return `web:${accountOf(response)._id}`;
}
