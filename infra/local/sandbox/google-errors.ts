import type { Response } from 'express';

/** A refusal of the Gmail API. */
export interface GmailRefusal {
  status: number;
  /** Such as `rateLimitExceeded`. */
  reason: string;
  message: string;
  retryAfterSeconds?: number;
}

/** A refusal of Google's token service. */
export interface TokenRefusal {
  status: number;
  /** Such as `invalid_grant`. */
  error: string;
  error_description: string;
}

/** Google's name of a status (google.rpc.Code). */
const STATUS_NAMES: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
};
/** Reasons that Google puts into a domain of their own. */
const USAGE_LIMITS = /LimitExceeded$|^quotaExceeded$|^accessNotConfigured$/;

export const UNAUTHENTICATED: GmailRefusal = {
  status: 401,
  reason: 'authError',
  message:
    'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.',
};
export const NO_SCOPE: GmailRefusal = {
  status: 403,
  reason: 'insufficientPermissions',
  message: 'Request had insufficient authentication scopes.',
};

/** Answers as the Gmail API does. */
export function sendGmailError(
  response: Response,
  { status, reason, message, retryAfterSeconds }: GmailRefusal,
): void {
  if (retryAfterSeconds !== undefined) response.set('retry-after', String(retryAfterSeconds));
  if (status === 401)
    response.set('www-authenticate', 'Bearer realm="https://accounts.google.com/", error="invalid_token"');
  const domain = USAGE_LIMITS.test(reason) ? 'usageLimits' : 'global';
  response.status(status).json({
    error: {
      code: status,
      message,
      errors: [{ message: status === 401 ? 'Invalid Credentials' : message, domain, reason }],
      status: STATUS_NAMES[status] ?? 'UNKNOWN',
    },
  });
}

/** Answers as the token service does. */
export function sendTokenError(response: Response, { status, error, error_description }: TokenRefusal): void {
  response.status(status).set('cache-control', 'no-store').json({ error, error_description });
}
