import { randomBytes } from 'node:crypto';
import { segmentsOf } from '../../../shared/contracts/index.ts';
import type { Text } from './mailbox.ts';
import type { MessageFields } from './twilio-refusals.ts';

/** Makes the text of an accepted message, with an SID as Twilio gives. */
export function acceptedText({ To = '', From = '', Body = '', MessagingServiceSid }: MessageFields): Text {
  return {
    kind: 'text',
    id: `SM${randomBytes(16).toString('hex')}`,
    received_at: new Date(),
    from: From,
    to: To,
    body: Body,
    segments: segmentsOf(Body).count,
    messaging_service_sid: MessagingServiceSid ?? null,
  };
}

/** A text as Twilio's Message resource. One that goes by a messaging service has no sender yet, and is `accepted` instead of `queued`. */
export function messageResource(text: Text, accountSid: string): Record<string, unknown> {
  const path = `/2010-04-01/Accounts/${accountSid}/Messages/${text.id}`;
  return {
    account_sid: accountSid,
    api_version: '2010-04-01',
    body: text.body,
    date_created: rfc2822(text.received_at),
    date_sent: null,
    date_updated: rfc2822(text.received_at),
    direction: 'outbound-api',
    error_code: text.error_code ?? null,
    error_message: null,
    from: text.from || null,
    messaging_service_sid: text.messaging_service_sid,
    num_media: '0',
    num_segments: String(text.segments),
    price: null,
    price_unit: 'USD',
    sid: text.id,
    status: text.status ?? (text.from ? 'queued' : 'accepted'),
    subresource_uris: { media: `${path}/Media.json` },
    to: text.to,
    uri: `${path}.json`,
  };
}

/** Such as `Thu, 30 Jul 2015 20:12:31 +0000`. */
function rfc2822(date: Date): string {
  return date.toUTCString().replace('GMT', '+0000');
}
