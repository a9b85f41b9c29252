import type { Provider } from '../../../shared/delivery/index.ts';
import { ConfigError, type Config } from '../../../shared/runtime/config.ts';
import { mailServerOf } from '../../../shared/smtp/index.ts';
import { smtpOAuthOf } from '../../../shared/google/index.ts';

/** The mail server of SMTP_URL. @throws ConfigError without it, and for a signature or sign-in that cannot be. */
export function smtpProvider(config: Config): Provider {
  if (config.SMTP_URL === undefined)
    throw new ConfigError(
      'SMTP_URL: is needed by the e-mail consumer, such as smtps://user:password@mail.example.org',
    );
  return mailServerOf(config, { name: 'smtp', url: config.SMTP_URL, oauth: smtpOAuthOf(config) });
}
