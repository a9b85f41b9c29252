import type { Config } from '../runtime/config.ts';

/** Where Google is asked for what. */
export interface GoogleAddresses {
  /** Where a person agrees, in a browser. */
  consent: URL;
  /** Where a code, a refresh token or a signed claim becomes an access token. */
  token: URL;
  /** `users.messages.send` of the Gmail API. */
  send: URL;
}

/** May send, and nothing else: not even read what it has sent. */
export const SEND_ONLY = 'https://www.googleapis.com/auth/gmail.send';
/** What Google's mail server demands for XOAUTH2: the whole mailbox. */
export const WHOLE_MAILBOX = 'https://mail.google.com/';

/** Google's own addresses, or the same paths elsewhere. */
export function googleAddresses({
  GOOGLE_API_BASE_URL: base,
}: Pick<Config, 'GOOGLE_API_BASE_URL'>): GoogleAddresses {
  return {
    consent: new URL('/o/oauth2/v2/auth', base ?? 'https://accounts.google.com'),
    token: new URL('/token', base ?? 'https://oauth2.googleapis.com'),
    send: new URL('/gmail/v1/users/me/messages/send', base ?? 'https://gmail.googleapis.com'),
  };
}
