import { smtpBackupProvider } from '../../../services/email/providers/smtp-backup.ts';
import { smtpProvider } from '../../../services/email/providers/smtp.ts';
import type { Candidate } from './stand.ts';
import { gmailCandidate } from './stands/gmail.ts';
import { smsGatewayCandidate } from './stands/sms-gateway.ts';
import { mailServerCandidate } from './stands/smtp.ts';
import { twilioCandidate } from './stands/twilio.ts';

/** Every provider of the registries with what it declares, by its name: a provider without a line here fails the suite. */
export const CANDIDATES: Readonly<Record<string, Candidate>> = {
  smtp: mailServerCandidate(smtpProvider, 'SMTP_URL'),
  smtp_backup: mailServerCandidate(smtpBackupProvider, 'SMTP_BACKUP_URL'),
  gmail: gmailCandidate,
  sms_gateway: smsGatewayCandidate,
  twilio: twilioCandidate,
};
