import type { Provider } from '../../../shared/delivery/index.ts';
import { ConfigError, type Config } from '../../../shared/runtime/config.ts';
import { createMailServer, dkimSignerOf } from '../../../shared/smtp/index.ts';
import { smtpOAuthOf } from '../../../shared/google/index.ts';

/** The mail server of SMTP_URL. @throws ConfigError without it, and for a signature or sign-in that cannot be. */
export function smtpProvider(config: Config): Provider {
  if (config.SMTP_URL === undefined)
    throw new ConfigError(
      'SMTP_URL: is needed by the e-mail consumer, such as smtps://user:password@mail.example.org',
    );
  return createMailServer({
    name: 'smtp',
    url: config.SMTP_URL,
    from: config.MAIL_FROM,
    connections: config.EMAIL_CONCURRENCY,
    sign: dkimSignerOf(config),
    oauth: smtpOAuthOf(config),
  });
}
