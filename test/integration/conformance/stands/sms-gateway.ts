import { smsGatewayProvider } from '../../../../services/sms/providers/sms-gateway.ts';
import { aRecord } from '../../../support/records.ts';
import type { Candidate } from '../stand.ts';
import { mailServerCandidate } from './smtp.ts';

/** A mail server that makes texts of mails. */
export const smsGatewayCandidate: Candidate = mailServerCandidate(smsGatewayProvider, 'SMTP_URL', {
  settings: { SMS_GATEWAY_FROM: 'sms@tidings.example', SMS_GATEWAY_CARRIERS: 'acme=sms.acme.example' },
  notification: () => aRecord({ type: 'sms', phone: '+12025550123', carrier: 'acme' }),
});
