import type { DeliveryChannel } from '../../shared/delivery/index.ts';
import { ConfigError, type Config } from '../../shared/runtime/config.ts';
import { ReturnPaths } from '../../shared/smtp/return-path.ts';
import { createSmtpProvider } from './providers/smtp.ts';

/**
 * The e-mail channel.
 * @throws ConfigError when there is no mail server to hand to.
 */
export function createEmailChannel(config: Config): DeliveryChannel {
  if (config.SMTP_URL === undefined)
    throw new ConfigError(
      'SMTP_URL: is needed by the e-mail consumer, such as smtps://user:password@mail.example.org',
    );
  const paths = ReturnPaths.of(config);
  const provider = createSmtpProvider({
    url: config.SMTP_URL,
    from: config.MAIL_FROM,
    returnPath: paths && ((id) => paths.for(id)),
    connections: config.EMAIL_CONCURRENCY,
  });
  return { name: 'email', provider: 'smtp', deliver: provider.send, stop: provider.close };
}
