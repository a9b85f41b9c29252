import {
  Carriers,
  SMS_GATEWAY,
  beyondGsm,
  gatewayParts,
  type Notification,
} from '../../../shared/contracts/index.ts';
import type { Outcome, Provider, ProviderRefusal } from '../../../shared/delivery/index.ts';
import { required, type Config } from '../../../shared/runtime/config.ts';
import { smtpOAuthOf } from '../../../shared/google/index.ts';
import { mailServerOf } from '../../../shared/smtp/index.ts';
import { HandedOver } from './handed-over.ts';

/**
 * Texts as mails to the gateways of carriers, through the mail server of SMTP_URL. One way: who answers, answers to SMS_GATEWAY_FROM.
 * @throws ConfigError without a mail server or a sender.
 */
export function smsGatewayProvider(config: Config): Provider {
  const { SMTP_URL: url, SMS_GATEWAY_FROM: from } = required(config, 'the provider sms_gateway', {
    SMTP_URL: 'such as smtps://user:password@mail.example.org',
    SMS_GATEWAY_FROM: 'such as sms@example.org',
  });
  const { SMS_CONCURRENCY: connections } = config;
  const oauth = smtpOAuthOf(config);
  const server = mailServerOf(config, { name: SMS_GATEWAY, url, from, connections, oauth });
  const carriers = new Carriers({
    own: config.SMS_GATEWAY_CARRIERS,
    byDefault: config.SMS_GATEWAY_DEFAULT_CARRIER,
  });
  const handedOver = new HandedOver();
  return {
    ...server,
    refusalOf: (notification) => refusalOf(notification, carriers),
    send: (notification, signal, patience) =>
      sendParts(mailsOf(notification, carriers), {
        id: notification._id,
        handedOver,
        // The parts behind the first are nobody else's to send.
        send: async (mail, index) =>
          aboutTheMailOnly(await server.send(mail, signal, index === 0 ? patience : undefined)),
      }),
  };
}

function refusalOf(
  { phone = '', carrier, message }: Notification,
  carriers: Carriers,
): ProviderRefusal | undefined {
  const address = carriers.addressOf({ phone, carrier });
  if (typeof address !== 'string')
    return { code: address.code, reason: `${address.field} ${address.reason}` };
  const strange = beyondGsm(message);
  if (strange.length === 0) return undefined;
  return { code: 'not_plain_text', reason: `a gateway carries no ${strange.slice(0, 10).join(' ')}` };
}

/** One mail for each part: plain text, no subject, and ids that are the same at every attempt. */
function mailsOf(notification: Notification, carriers: Carriers): Notification[] {
  const { _id, phone = '', carrier, message } = notification;
  const email = carriers.addressOf({ phone, carrier });
  if (typeof email !== 'string')
    throw new RangeError(`nobody asked whether it can go to a gateway: ${email.reason}`);
  // A subject of it is no part of a text.
  const rest = { ...notification, subject: undefined };
  return gatewayParts(message).map((part, index) => ({
    ...rest,
    _id: `${_id}.${index + 1}`,
    email,
    message: part,
  }));
}

/** What the parts of one notification are sent with. */
interface PartsContext {
  id: string;
  handedOver: HandedOver;
  send: (mail: Notification, index: number) => Promise<Outcome>;
}

/** One after the other, from the first that is not handed over. */
async function sendParts(mails: readonly Notification[], context: PartsContext): Promise<Outcome> {
  const { id, handedOver, send } = context;
  let last: Outcome | undefined;
  for (const [index, mail] of mails.entries()) {
    if (index < handedOver.of(id)) continue;
    last = await send(mail, index);
    if (last.kind !== 'sent') return amongParts(last, index, mails.length);
    handedOver.note(id, index + 1);
  }
  handedOver.forget(id);
  const reason = `${mails.length} part(s) for the gateway`;
  return { kind: 'sent', provider: SMS_GATEWAY, ...last, reason };
}

/** That a gateway has no such mailbox says something of the carrier that was given, and nothing of the number. */
function aboutTheMailOnly(outcome: Outcome): Outcome {
  if (outcome.kind !== 'permanent') return outcome;
  const { provider, code, reason } = outcome;
  return { kind: 'permanent', provider, code, reason };
}

/** What has reached the recipient in part must not go out by another provider, nor count as not tried. */
function amongParts(outcome: Exclude<Outcome, { kind: 'sent' }>, index: number, count: number): Outcome {
  if (index === 0) return outcome;
  const { provider, code, providerFault } = outcome;
  const reason = `${index} of ${count} parts were handed over; then: ${outcome.reason}`;
  const kind = outcome.kind === 'permanent' ? 'permanent' : 'ambiguous';
  return { kind, provider, code, reason, ...(providerFault && { providerFault }) };
}
