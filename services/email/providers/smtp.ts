import type { Provider } from '../../../shared/delivery/index.ts';
import { required, type Config } from '../../../shared/runtime/config.ts';
import { mailServerOf } from '../../../shared/smtp/index.ts';
import { smtpOAuthOf } from '../../../shared/google/index.ts';

/** The mail server of SMTP_URL. @throws ConfigError without it, and for a signature or sign-in that cannot be. */
export function smtpProvider(config: Config): Provider {
  const { SMTP_URL: url } = required(config, 'the provider smtp', {
    SMTP_URL: 'such as smtps://user:password@mail.example.org',
  });
  return mailServerOf(config, { name: 'smtp', url, oauth: smtpOAuthOf(config) });
}
