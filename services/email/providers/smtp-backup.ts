import type { Provider } from '../../../shared/delivery/index.ts';
import { required, type Config } from '../../../shared/runtime/config.ts';
import { mailServerOf } from '../../../shared/smtp/index.ts';

/** The mail server of SMTP_BACKUP_URL. @throws ConfigError without it. */
export function smtpBackupProvider(config: Config): Provider {
  const { SMTP_BACKUP_URL: url } = required(config, 'the provider smtp_backup', {
    SMTP_BACKUP_URL: 'such as smtps://user:password@backup.example.org',
  });
  return mailServerOf(config, { name: 'smtp_backup', url });
}
