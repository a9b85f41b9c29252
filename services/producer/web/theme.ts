import { parse } from 'cookie';
import type { Request, RequestHandler } from 'express';
import { DAY } from '../../../shared/runtime/duration.ts';
import { pathWithin } from './addresses.ts';
import { formOf } from './forms.ts';

/** The choices; the empty one follows the system. */
const THEMES = ['', 'light', 'dark'] as const;
const COOKIE = 'tidings_theme';

/** The theme that a browser has chosen: the server renders it, so that no page flashes in the other one. */
export function themeOf({ headers }: Request): (typeof THEMES)[number] {
  const chosen = parse(headers.cookie ?? '')[COOKIE];
  return THEMES.find((theme) => theme === chosen) ?? '';
}

/** Keeps the choice for a year, and leads back to the page. */
export function themeSubmit(): RequestHandler {
  return (request, response) => {
    const { theme, next } = formOf(request);
    const chosen = THEMES.find((one) => one === theme) ?? '';
    response.cookie(COOKIE, chosen, { sameSite: 'lax', path: '/', maxAge: 365 * DAY });
    response.redirect(303, pathWithin(next));
  };
}
