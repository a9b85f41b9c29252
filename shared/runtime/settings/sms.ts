import { z } from 'zod';
import { canonicalPhone, isCarrierList, isCountryList, senderSetting } from '../../contracts/index.ts';
import { url, providerRoute, safeUrl } from './kinds.ts';

/** Who carries SMS out, and where they may go. */
export const smsSettings = {
  SMS_PROVIDERS: providerRoute.default('twilio').describe('Providers of SMS in order, as EMAIL_PROVIDERS.'),
  SMS_COUNTRIES: z
    .string()
    .refine(isCountryList, { error: 'must be country codes such as US,CA, or *' })
    .optional()
    .describe(
      'Countries that SMS may go to, by their ISO 3166 codes, such as US,CA; * is every one. Without it: the country of TWILIO_PHONE_NUMBER. Territories that share its code are named themselves, such as GB,JE,GG,IM (Jersey, Guernsey, Isle of Man) or US,PR,VI,GU (Puerto Rico, Virgin Islands, Guam).',
    ),
  TWILIO_ACCOUNT_SID: z
    .string()
    .regex(/^AC[0-9a-fA-F]{32}$/, { error: 'must be AC and 32 hexadecimal digits' })
    .optional()
    .describe('Twilio account. `npm start` uses the sandbox when this is not set.'),
  TWILIO_AUTH_TOKEN: z.string().min(1).optional().describe('Twilio secret.'),
  TWILIO_PHONE_NUMBER: z
    .string()
    .overwrite(canonicalPhone)
    .regex(/^\+[1-9]\d{6,14}$/, { error: 'must be an E.164 number such as +15005550006' })
    .optional()
    .describe('Sender of every SMS, in E.164.'),
  TWILIO_API_BASE_URL: safeUrl
    .optional()
    .describe('Another address that speaks the Twilio API; the sandbox sets it. Without it, Twilio itself.'),
  TWILIO_STATUS_CALLBACK_URL: z
    .union([z.literal('off'), url('http:', 'https:')], {
      error: 'must be off, or a URL that starts with http:// or https://',
    })
    .optional()
    .describe(
      'Where Twilio reports what became of an SMS, as Twilio reaches it. Without it: /v1/callbacks/twilio/status under a PUBLIC_URL with https, else nowhere. off: nowhere.',
    ),
  TWILIO_INBOUND_URL: url('http:', 'https:')
    .optional()
    .describe(
      'The address that the Twilio number is configured with for incoming messages, as Twilio reaches it. Without it: /v1/callbacks/twilio/inbound beside the address for status callbacks, or under a PUBLIC_URL with https.',
    ),
  SMS_GATEWAY_FROM: senderSetting
    .optional()
    .describe(
      'From of texts that go to the gateways of carriers as mails, such as sms@example.org; for the provider sms_gateway, which sends by SMTP_URL.',
    ),
  SMS_GATEWAY_CARRIERS: z
    .string()
    .refine(isCarrierList, {
      error:
        'must be carriers and the domains of their gateways, such as acme=sms.acme.example, or acme:DE=sms.acme.example for numbers of one country, separated by commas',
    })
    .optional()
    .describe(
      'More carriers with gateways than docs/sms-gateway.md lists, or other domains for those, such as acme:DE=sms.acme.example.',
    ),
  SMS_GATEWAY_DEFAULT_CARRIER: z
    .string()
    .optional()
    .describe('Carrier of texts to a gateway that name none. Without it, each has to.'),
};
