import type SMTPPool from 'nodemailer/lib/smtp-pool';
import { ConfigError } from '../runtime/config.ts';
import { toError } from '../runtime/errors.ts';
import { isLoopback } from '../runtime/loopback.ts';

/** Who signs in, and by what. */
export interface SmtpOAuth {
  user: string;
  /** An access token; `renew` when the server refused the one before. @throws when there is none to be had. */
  accessToken: (renew: boolean) => Promise<string>;
  /** Closes what it holds. */
  close?: () => void;
}

/**
 * The pool's options for signing in by XOAUTH2. A token goes over TLS only, but to this machine.
 * @throws ConfigError for a URL with user or password, which would be a second way in, or with options, which could allow an open line.
 */
export function oauthSignIn(url: string, { user, accessToken }: SmtpOAuth): Partial<SMTPPool.Options> {
  const { hostname, username, password, search } = new URL(url);
  if (username !== '' || password !== '' || search !== '')
    throw new ConfigError(
      'SMTP_URL: must have neither user and password nor options behind a ? beside SMTP_OAUTH, such as smtps://smtp.gmail.com',
    );
  return {
    // With smtp:// it is STARTTLS or nothing.
    requireTLS: !isLoopback(hostname),
    auth: {
      type: 'OAuth2',
      user,
      provisionCallback: (_user, renew, done) => {
        accessToken(renew).then(
          (token) => {
            done(null, token);
          },
          (thrown: unknown) => {
            done(toError(thrown));
          },
        );
      },
    },
  };
}
