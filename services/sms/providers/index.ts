import type { ProviderMaker } from '../../../shared/delivery/index.ts';
import { smsGatewayProvider } from './sms-gateway.ts';
import { twilioProvider } from './twilio.ts';

/** Every provider of SMS, by the name that settings and records call it. */
export const SMS_PROVIDERS = { twilio: twilioProvider, sms_gateway: smsGatewayProvider } satisfies Record<
  string,
  ProviderMaker
>;
