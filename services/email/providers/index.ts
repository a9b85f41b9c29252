import type { ProviderMaker } from '../../../shared/delivery/index.ts';
import { gmailProvider } from './gmail.ts';
import { smtpBackupProvider } from './smtp-backup.ts';
import { smtpProvider } from './smtp.ts';

/** Every provider of e-mail, by the name that settings and records call it. */
export const EMAIL_PROVIDERS = {
  smtp: smtpProvider,
  smtp_backup: smtpBackupProvider,
  gmail: gmailProvider,
} satisfies Record<string, ProviderMaker>;
