import { z } from 'zod';
import { isSenderList, senderSetting } from '../../contracts/index.ts';
import { url, whole, domainName, providerRoute } from './kinds.ts';

/** Where nobody said who sends; for the sandbox. */
export const DEFAULT_MAIL_FROM = 'Tidings <tidings@localhost.example>';

/** Who carries e-mail out, in whose name, and what comes back. */
export const emailSettings = {
  EMAIL_PROVIDERS: providerRoute
    .default('smtp')
    .describe(
      'Providers of e-mail in order: the next one takes over while the one before is down, such as smtp,smtp_backup. With weights the first ones share, such as smtp=3,smtp_backup=1.',
    ),
  MAIL_FROM: senderSetting
    .default(DEFAULT_MAIL_FROM)
    .describe(
      'From of every e-mail, such as Shop <shop@example.org>; its domain is also the domain of every Message-ID. Needed where SMTP_URL is not on this machine.',
    ),
  ALLOWED_SENDERS: z
    .string()
    .refine(isSenderList, {
      error: 'must be addresses, or domains such as @example.org, separated by commas',
    })
    .optional()
    .describe(
      'Addresses, and domains such as @example.org, that a notification may name as its From, besides MAIL_FROM. Without it: MAIL_FROM only.',
    ),
  SMTP_URL: url('smtp:', 'smtps:')
    .optional()
    .describe(
      'Mail server, such as smtp://user:password@mail.example.org:587 (STARTTLS) or smtps://user:password@mail.example.org (port 465). A password goes by TLS only, except to this machine. `npm start` uses the sandbox when this is not set.',
    ),
  SMTP_ALLOW_PLAIN_AUTH: z
    .enum(['1'], { error: 'must be 1' })
    .optional()
    .describe(
      '1: the password of SMTP_URL and SMTP_BACKUP_URL also goes to a server that offers no TLS, where everybody on the way can read it. Without it: such a server gets no mail.',
    ),
  SMTP_BACKUP_URL: url('smtp:', 'smtps:')
    .optional()
    .describe('Another mail server, for the provider smtp_backup; EMAIL_PROVIDERS says when it is used.'),
  SMTP_MAILS_PER_CONNECTION: whole(1, 1_000_000)
    .default(1_000)
    .describe(
      'Mails sent by one SMTP connection at most; then a new one replaces it. A connection that refuses a mail before its recipient is replaced anyway. Lower it where a server counts mails for each connection.',
    ),
  SMTP_OAUTH: z
    .enum(['google'], { error: 'must be google' })
    .optional()
    .describe(
      'google: the consumer signs in to SMTP_URL, such as smtps://smtp.gmail.com, as GMAIL_USER by the tokens of GMAIL_* (XOAUTH2). Without it: by the password of SMTP_URL.',
    ),
  DKIM_DOMAIN: domainName
    .optional()
    .describe(
      'Domain in whose name e-mails are signed (DKIM) when their From is of it or below it. With it DKIM_KEY_FILE is needed. Gmail signs by itself.',
    ),
  DKIM_SELECTOR: z
    .string()
    .regex(/^(?=.{1,63}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/i, {
      error: 'must be letters, digits and hyphens, such as tidings',
    })
    .default('tidings')
    .describe('Name of the key under that domain: <selector>._domainkey.<domain>.'),
  DKIM_KEY_FILE: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Private RSA key (PEM) that signs. `npm run dkim:record` makes one, and prints what belongs into DNS.',
    ),
  BOUNCE_DOMAIN: z
    .string()
    .regex(/^(?=.{1,190}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$/, {
      error: 'must be a domain in small letters, such as bounces.example.org',
    })
    .optional()
    .describe(
      'Domain of the return path of every e-mail, whose mail gets to BOUNCE_PORT or to POST /v1/callbacks/email/dsn. Without it, mail that comes back is not noticed.',
    ),
  BOUNCE_SECRET: z
    .string()
    .regex(/^[\x21-\x7e]{16,256}$/, { error: 'must be 16 to 256 printable characters without spaces' })
    .optional()
    .describe(
      'Signs those return paths, so that nobody makes one up. The same for producers and e-mail consumers.',
    ),
  BOUNCE_PORT: whole(0, 65_535)
    .optional()
    .describe('Port on which the producer takes delivery reports by SMTP. Without it, by HTTP only.'),
};
