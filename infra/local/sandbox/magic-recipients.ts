import type { MailFault, TextFault } from './faults.ts';

/** What a delivery status notification says later of a mail that was taken. */
export interface MailReport {
  action: 'failed' | 'delayed' | 'delivered' | 'relayed' | 'expanded';
  /** Enhanced status code. */
  status: string;
  diagnostic: string;
}

/** What the sandbox's mail server does with a mail to a magic recipient; the local part decides, any domain will do. */
export interface MagicMailbox extends MailFault {
  /** Local part, before any `+`. */
  local: string;
  /** What happens, for people. */
  effect: string;
  /** Only so many times per Message-ID; then it is accepted. */
  times?: number;
  /** What is reported later to its return path. */
  report?: MailReport;
}

/** The magic recipients of the mail server. */
export const MAGIC_MAILBOXES: readonly MagicMailbox[] = [
  {
    local: 'bounce',
    effect: '550: refused for good, becomes a dead letter at once',
    refuse: { at: 'rcpt', code: 550, message: '5.1.0 not wanted here' },
  },
  {
    local: 'nobody',
    effect: '550 5.1.1: a dead letter at once, and the address is suppressed',
    refuse: { at: 'rcpt', code: 550, message: '5.1.1 no such mailbox' },
  },
  {
    local: 'flaky',
    effect: '451 twice, then accepted: fails and comes back',
    refuse: { at: 'data', code: 451, message: '4.3.0 try again later' },
    times: 2,
  },
  {
    local: 'fail',
    effect: '451 always: climbs the whole ladder and becomes a dead letter',
    refuse: { at: 'data', code: 451, message: '4.3.0 try again later' },
  },
  {
    local: 'down',
    effect: '451 always, as fail@',
    refuse: { at: 'data', code: 451, message: '4.3.0 service is down' },
  },
  {
    local: 'full',
    effect: '452 always: the mailbox is full',
    refuse: { at: 'rcpt', code: 452, message: '4.2.2 mailbox full' },
  },
  { local: 'slow', effect: 'accepted after 5 s', delayMs: 5_000 },
  {
    local: 'drop',
    effect: 'connection cut after the body, once: an ambiguous attempt',
    drop: true,
    times: 1,
  },
  { local: 'hang', effect: 'no answer after the body: an ambiguous attempt when the time is up', hang: true },
  {
    local: 'gone',
    effect: 'accepted, later reported with 5.1.1: bounced, and the address is suppressed',
    report: { action: 'failed', status: '5.1.1', diagnostic: '550 5.1.1 no such user here' },
  },
  {
    local: 'unreachable',
    effect: 'accepted, later reported with 4.4.7: bounced, and not suppressed',
    report: { action: 'failed', status: '4.4.7', diagnostic: '451 4.4.7 delivery time expired' },
  },
  {
    local: 'received',
    effect: 'accepted, later reported as delivered',
    report: { action: 'delivered', status: '2.1.5', diagnostic: '250 2.1.5 delivered' },
  },
];

/** Finds the magic of an address, if it has any. */
export function magicOf(address: string): MagicMailbox | undefined {
  const local = address.split('@')[0]?.split('+')[0]?.toLowerCase();
  return MAGIC_MAILBOXES.find((mailbox) => mailbox.local === local);
}

/** What Twilio says of a message on its way, with its error code. */
export interface StatusReport {
  status: 'queued' | 'sent' | 'delivered' | 'undelivered' | 'failed';
  code?: number;
}

/** What the sandbox's SMS API does with a magic number. */
export interface MagicNumber extends TextFault {
  number: string;
  effect: string;
  /** Only so many times per number and text; then it is accepted. */
  times?: number;
  /** What is reported of it instead of queued, sent, delivered. */
  reports?: readonly StatusReport[];
  /** What is reported before the sender has its answer. */
  reportsFirst?: StatusReport;
}

const unavailable = { code: 20500, message: 'Internal Server Error' };

/** Magic numbers to send to. The first five are Twilio's own; the others are ours, for faults that Twilio has no number for. */
export const MAGIC_NUMBERS: readonly MagicNumber[] = [
  {
    number: '+15005550001',
    effect: '21211: invalid number, a dead letter at once, and the number is suppressed',
    refuse: {
      status: 400,
      code: 21211,
      message: "The 'To' number +15005550001 is not a valid phone number.",
    },
  },
  {
    number: '+15005550002',
    effect: '21612: cannot be routed',
    refuse: {
      status: 400,
      code: 21612,
      message: "The 'To' phone number is not currently reachable via SMS.",
    },
  },
  {
    number: '+15005550003',
    effect: '21408: no permission for the region',
    refuse: {
      status: 400,
      code: 21408,
      message: 'Permission to send an SMS has not been enabled for the region.',
    },
  },
  {
    number: '+15005550004',
    effect: '21610: unsubscribed; the number is suppressed',
    refuse: { status: 400, code: 21610, message: 'Attempt to send to unsubscribed recipient.' },
  },
  {
    number: '+15005550009',
    effect: '21614: not a mobile number; it is suppressed',
    refuse: { status: 400, code: 21614, message: "'To' number is not a valid mobile number." },
  },
  {
    number: '+15005550101',
    effect: '503 twice, then accepted: fails and comes back',
    refuse: { status: 503, ...unavailable },
    times: 2,
  },
  { number: '+15005550102', effect: '500 always', refuse: { status: 500, ...unavailable } },
  {
    number: '+15005550103',
    effect: '429 with Retry-After: 5, once: held for 5 s',
    refuse: { status: 429, code: 20429, message: 'Too Many Requests', retryAfterSeconds: 5 },
    times: 1,
  },
  { number: '+15005550104', effect: 'accepted after 5 s', delayMs: 5_000 },
  {
    number: '+15005550105',
    effect: 'connection cut without an answer, once: an ambiguous attempt',
    drop: true,
    times: 1,
  },
  {
    number: '+15005550106',
    effect: 'accepted, later undelivered with 30003 (switched off): bounced',
    reports: [{ status: 'queued' }, { status: 'sent' }, { status: 'undelivered', code: 30003 }],
  },
  {
    number: '+15005550107',
    effect: 'accepted, later undelivered with 30005 (no such number): bounced, and the number is suppressed',
    reports: [{ status: 'queued' }, { status: 'sent' }, { status: 'undelivered', code: 30005 }],
  },
  {
    number: '+15005550108',
    effect: 'delivered is reported before the answer, and then what came before: delivered',
    reportsFirst: { status: 'delivered' },
    reports: [{ status: 'sent' }, { status: 'queued' }],
  },
];

/** Senders that Twilio refuses. */
export const MAGIC_SENDERS: Readonly<Record<string, { code: number; message: string }>> = {
  '+15005550001': { code: 21212, message: "The 'From' number is not a valid phone number." },
  '+15005550007': { code: 21606, message: "The 'From' number is not a valid, SMS-capable number of yours." },
  '+15005550008': {
    code: 21611,
    message: "This 'From' number has exceeded the maximum number of queued messages.",
  },
};
