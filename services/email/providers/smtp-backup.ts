import type { Provider } from '../../../shared/delivery/index.ts';
import { ConfigError, type Config } from '../../../shared/runtime/config.ts';
import { createMailServer, dkimSignerOf } from '../../../shared/smtp/index.ts';

/** The mail server of SMTP_BACKUP_URL. @throws ConfigError without it. */
export function smtpBackupProvider(config: Config): Provider {
  if (config.SMTP_BACKUP_URL === undefined)
    throw new ConfigError(
      'SMTP_BACKUP_URL: is needed while EMAIL_PROVIDERS names smtp_backup, such as smtps://user:password@backup.example.org',
    );
  return createMailServer({
    name: 'smtp_backup',
    url: config.SMTP_BACKUP_URL,
    from: config.MAIL_FROM,
    connections: config.EMAIL_CONCURRENCY,
    sign: dkimSignerOf(config),
  });
}
