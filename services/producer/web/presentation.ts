import {
  ACCEPTING,
  CHANNEL_NAMES,
  type Channel,
  type Control,
  type FieldError,
  type NotificationView,
  type Status,
} from '../../../shared/contracts/index.ts';

/** How a status looks: a role for colour and shape, and words that are an adjective. */
const LOOKS: Record<Status, { role: string; words: string }> = {
  scheduled: { role: 'waiting', words: 'Scheduled' },
  pending: { role: 'waiting', words: 'Pending' },
  held: { role: 'waiting', words: 'Held' },
  sending: { role: 'moving', words: 'Being sent' },
  sent: { role: 'done', words: 'Sent' },
  delivered: { role: 'done', words: 'Delivered' },
  failed: { role: 'retrying', words: 'Waiting to retry' },
  failed_permanently: { role: 'dead', words: 'Failed permanently' },
  bounced: { role: 'dead', words: 'Bounced' },
  outcome_unknown: { role: 'doubt', words: 'Outcome unknown' },
  suppressed: { role: 'stopped', words: 'Suppressed' },
  expired: { role: 'stopped', words: 'Expired' },
  canceled: { role: 'stopped', words: 'Canceled' },
  discarded: { role: 'stopped', words: 'Discarded' },
};

/** The look of a status. */
export function lookOf(status: Status): { role: string; words: string } {
  return LOOKS[status];
}

/** Where a notification goes, for people. */
export function recipientOf({ type, email, phone, user_id }: NotificationView): string {
  if (user_id === undefined) return 'an erased person';
  return { email, sms: phone, in_app: undefined }[type] ?? `the inbox of ${user_id}`;
}

const CHANNEL_WORDS: Record<Channel, string> = { email: 'E-mail', sms: 'SMS', in_app: 'In-app' };

/** A channel in words. */
export function channelName(type: Channel): string {
  return CHANNEL_WORDS[type];
}

/** The beginning of a text, cut between characters. */
export function short(text: string, characters: number): string {
  const all = Array.from(text.slice(0, 2 * characters));
  return all.slice(0, characters).join('');
}

/** One that is on, for the banner of every page. */
export function switchedView({ _id: id, by, reason, since, until }: Control): object {
  return { id, words: nameOf(id), by, reason, since: since.toISOString(), until: until?.toISOString() };
}

/** Something that is switched, as a sentence. */
export function nameOf(id: string): string {
  if (id === ACCEPTING) return 'The fleet drains: nothing new is accepted';
  const kind = id.slice(0, id.indexOf(':'));
  const name = id.slice(kind.length + 1);
  const channel = CHANNEL_NAMES.find((one) => one === name);
  return `${kind === 'channel' && channel ? channelName(channel) : `The provider ${name}`} is paused`;
}

/** A moment as `datetime-local` takes it, in UTC; what is no moment stays as it was typed. */
export function inputTime(text = ''): string {
  return Number.isNaN(Date.parse(text)) ? text : text.slice(0, 16);
}

/** A moment that `datetime-local` brought, which has no zone and perhaps no seconds: in UTC, as the page says or its script sees to. */
export function instantOf(text: string): string {
  const local = /^(\d{4}-\d\d-\d\dT\d\d:\d\d)(:\d\d(?:\.\d+)?)?$/.exec(text);
  return local ? `${local[1] ?? ''}${local[2] ?? ':00'}Z` : text;
}

/** What is wrong with one field of a form, in words; empty when nothing is. */
export function errorOf(errors: readonly FieldError[], name: string): string {
  return errors
    .filter(({ field }) => field === name)
    .map(({ message }) => message)
    .join('; ');
}

/** What the forms call their fields. */
export const FIELD_LABELS: Record<string, string> = {
  user_id: 'Person',
  type: 'Channel',
  email: 'E-mail address',
  phone: 'Phone number',
  carrier: 'Carrier of the number',
  via: 'Only by',
  subject: 'Subject',
  message: 'Message',
  html: 'The same as HTML',
  lane: 'Lane',
  send_at: 'Not before',
  expires_at: 'Not after',
  id: 'Id',
  code: 'Code',
  provider: 'Provider',
  error: 'Words of the error',
  from: 'Accepted from',
  to: 'Accepted before',
  words: 'Words of the provider',
  reason: 'Why',
  rate: 'How many per second',
  typed: 'The number',
  minutes: 'For how many minutes',
  name: 'Name',
  role: 'Role',
  password: 'Password',
  current: 'Current password',
  scopes: 'What it may do',
  allow_from: 'Addresses',
  per_second: 'Requests a second',
  bytes_per_second: 'Bytes a second',
  actor: 'Who',
  act: 'Did what',
  channel: 'Channel',
  address: 'Address',
};
