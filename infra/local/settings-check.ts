import { createEmailChannel } from '../../services/email/channel.ts';
import { grpcTlsOf } from '../../services/producer/grpc/tls.ts';
import { createSmsChannel } from '../../services/sms/channel.ts';
import { providerRouteOf } from '../../shared/contracts/index.ts';
import { problemsOf, type Config } from '../../shared/runtime/config.ts';
import { dkimSignerOf } from '../../shared/smtp/index.ts';
import { sandboxNeeds, sandboxProblems } from './stand-ins.ts';

/** As good as what the sandbox will say of itself: what is made here sends nothing. */
const STAND_INS = {
  mail: { SMTP_URL: 'smtp://127.0.0.1' },
  sms: {
    TWILIO_ACCOUNT_SID: `AC${'0'.repeat(32)}`,
    TWILIO_AUTH_TOKEN: 'sandbox',
    TWILIO_PHONE_NUMBER: '+15005550006',
  },
  gmail: { GMAIL_CLIENT_ID: 'sandbox', GMAIL_CLIENT_SECRET: 'sandbox', GMAIL_REFRESH_TOKEN: 'sandbox' },
};
/** Providers whose mails are signed here. */
const MAIL_SERVERS = ['smtp', 'smtp_backup', 'sms_gateway'];

/**
 * What only a service asks of the settings, when it starts: so `npm start` says it before it starts anything, and not a service again and again.
 * By the services' own code, with the sandbox in the place of what has no credentials.
 */
export function serviceProblems(given: Config): string[] {
  const needs = sandboxNeeds(given);
  const config: Config = {
    ...given,
    ...(needs.mail && STAND_INS.mail),
    ...(needs.sms && STAND_INS.sms),
    ...(needs.gmail && STAND_INS.gmail),
  };
  return [
    ...sandboxProblems(given),
    ...problemsOf(() => createEmailChannel(config)),
    ...problemsOf(() => createSmsChannel(config)),
    // A mail server looks at it last, behind what else is wrong with it.
    ...(usesMailServer(config) ? problemsOf(() => dkimSignerOf(config)) : []),
    ...problemsOf(() => grpcTlsOf(config)),
  ];
}

function usesMailServer({ EMAIL_PROVIDERS, SMS_PROVIDERS }: Config): boolean {
  const routes = [EMAIL_PROVIDERS, SMS_PROVIDERS].flatMap((route) => providerRouteOf(route) ?? []);
  return routes.some(({ name }) => MAIL_SERVERS.includes(name));
}
