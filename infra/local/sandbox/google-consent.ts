import express, { Router, type Request, type Response } from 'express';
import type { GoogleAccount } from './google-account.ts';

/** Where Google asks its user, in a browser. */
const CONSENT = '/o/oauth2/v2/auth';
/** Desktop clients are sent back to this machine only, whatever the port. */
const LOOPBACK = /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost):\d{1,5}(\/|$)/;

interface Asked {
  redirectUri: string;
  scope: string;
  challenge: string;
  state: string;
}

/** The page on which somebody agrees, or does not: a GET shows it, its form sends the same address a decision. */
export function consentPage(account: GoogleAccount): Router {
  const router = Router();
  router.get(CONSENT, (request, response) => {
    const asked = askedFor(request, account, response);
    if (asked) response.type('html').send(page(asked));
  });
  router.post(CONSENT, express.urlencoded({ extended: false }), (request, response) => {
    const asked = askedFor(request, account, response);
    if (!asked) return;
    const { decision } = (request.body ?? {}) as { decision?: unknown };
    const back = new URL(asked.redirectUri);
    back.searchParams.set('state', asked.state);
    if (decision === 'allow') {
      back.searchParams.set('code', account.newCode(asked));
      back.searchParams.set('scope', asked.scope);
    } else back.searchParams.set('error', 'access_denied');
    response.redirect(302, back.href);
  });
  return router;
}

function askedFor(request: Request, account: GoogleAccount, response: Response): Asked | undefined {
  const given = (name: string): string => {
    const value = request.query[name];
    return typeof value === 'string' ? value : '';
  };
  const problem = problemOf(given, account);
  if (problem === undefined)
    return {
      redirectUri: given('redirect_uri'),
      scope: given('scope'),
      challenge: given('code_challenge'),
      state: given('state'),
    };
  response.status(400).type('text').send(`Access blocked: authorization error\n\n${problem}\n`);
  return undefined;
}

/** In Google's words, the first thing that is wrong. */
function problemOf(given: (name: string) => string, account: GoogleAccount): string | undefined {
  if (given('client_id') !== account.client.clientId)
    return 'The OAuth client was not found.\nError 401: invalid_client';
  if (!LOOPBACK.test(given('redirect_uri'))) return 'Error 400: redirect_uri_mismatch';
  if (given('response_type') !== 'code') return 'Error 400: invalid_request: response_type';
  if (given('scope') === '') return 'Missing required parameter: scope\nError 400: invalid_request';
  if (given('code_challenge_method') !== 'S256' || !/^[\w-]{43}$/.test(given('code_challenge')))
    return 'Error 400: invalid_request: code_challenge';
  return undefined;
}

function page({ scope }: Asked): string {
  const asked = scope.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign in · Google sandbox</title>
<h1>The sandbox stands in for Google</h1>
<p>An application asks for <code>${asked}</code></p>
<form method="post"><button name="decision" value="allow">Allow</button> <button name="decision" value="deny">Deny</button></form></html>`;
}
