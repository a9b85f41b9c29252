import express, { Router } from 'express';
import type { GmailFault, MailFault, Switches, TextFault } from './faults.ts';

/** A fault that can be switched on for all messages, on the page of the mailbox. */
interface Preset<Fault> {
  words: string;
  /** Undefined: none. */
  fault: Fault | undefined;
}

/** How long a slow one takes, in milliseconds: long enough to be seen. */
const SLOW_MS = 3_000;

/** What the mail server can be told to do. */
const MAIL_PRESETS: Readonly<Record<string, Preset<MailFault>>> = {
  none: { words: 'Takes every mail', fault: undefined },
  'some-451': {
    words: 'Answers 451 to 30 % of them: they come back after the delays of the retry ladder',
    fault: { share: 0.3, refuse: { at: 'data', code: 451, message: '4.3.0 Try again later' } },
  },
  'all-550': {
    words: 'Answers 550 to all: each is a dead letter at once',
    fault: { refuse: { at: 'rcpt', code: 550, message: '5.1.0 Not wanted here' } },
  },
  slow: { words: 'Takes 3 s for each', fault: { delayMs: SLOW_MS } },
  drop: {
    words: 'Takes each and drops the connection instead of saying so: they are sent again, and marked',
    fault: { drop: true, taken: true },
  },
};

/** What the SMS API can be told to do. */
const TEXT_PRESETS: Readonly<Record<string, Preset<TextFault>>> = {
  none: { words: 'Takes every SMS', fault: undefined },
  'some-500': {
    words: 'Answers 500 to 30 % of them: they are held, and come back some seconds later',
    fault: { share: 0.3, refuse: { status: 500, code: 20500, message: 'Internal Server Error' } },
  },
  'all-429': {
    words: 'Answers 429 with Retry-After: 10 to all: sending rests for so long',
    fault: { refuse: { status: 429, code: 20429, message: 'Too Many Requests', retryAfterSeconds: 10 } },
  },
  slow: { words: 'Takes 3 s for each', fault: { delayMs: SLOW_MS } },
  drop: {
    words: 'Takes each and drops the connection instead of saying so',
    fault: { drop: true, taken: true },
  },
};

/** What the Gmail API can be told to do. */
const GMAIL_PRESETS: Readonly<Record<string, Preset<GmailFault>>> = {
  none: { words: 'Takes every mail', fault: undefined },
  'all-403': {
    words: 'Answers 403 rateLimitExceeded to all: sending rests for a minute',
    fault: { refuse: { status: 403, reason: 'rateLimitExceeded', message: 'Rate Limit Exceeded' } },
  },
  'all-503': {
    words: 'Answers 503 to all: it is out of order',
    fault: {
      refuse: { status: 503, reason: 'backendError', message: 'The service is currently unavailable.' },
    },
  },
  slow: { words: 'Takes 3 s for each', fault: { delayMs: SLOW_MS } },
  drop: {
    words: 'Takes each and drops the connection instead of saying so: they are sent again, and marked',
    fault: { drop: true, taken: true },
  },
};

/** What the page shows of each: each preset, and which one is on. */
export interface ShownSwitch {
  name: string;
  words: string;
  isOn: boolean;
}

/** The switches as the page shows them. A fault that a test has set is none of the presets, so that none is on. */
export function shownSwitches({
  smtpFault,
  gmailFault,
  smsFault,
}: Switches): Record<'mail' | 'gmail' | 'sms', ShownSwitch[]> {
  return {
    mail: shown(MAIL_PRESETS, smtpFault),
    gmail: shown(GMAIL_PRESETS, gmailFault),
    sms: shown(TEXT_PRESETS, smsFault),
  };
}

function shown<Fault>(
  presets: Readonly<Record<string, Preset<Fault>>>,
  current: Fault | undefined,
): ShownSwitch[] {
  return Object.entries(presets).map(([name, { words, fault }]) => ({
    name,
    words,
    isOn: fault === current,
  }));
}

/** Takes the form of the switches; a name that there is not changes nothing. */
export function faultSwitches(switches: Switches): Router {
  const router = Router();
  router.post('/faults', express.urlencoded({ extended: false }), (request, response) => {
    const { mail, gmail, sms } = (request.body ?? {}) as { mail?: unknown; gmail?: unknown; sms?: unknown };
    const ofMail = presetOf(MAIL_PRESETS, mail);
    const ofGmail = presetOf(GMAIL_PRESETS, gmail);
    const ofSms = presetOf(TEXT_PRESETS, sms);
    if (ofMail) switches.smtpFault = ofMail.fault;
    if (ofGmail) switches.gmailFault = ofGmail.fault;
    if (ofSms) switches.smsFault = ofSms.fault;
    // To the top, where a fault that is on is announced.
    response.redirect(303, '/');
  });
  return router;
}

function presetOf<Fault>(
  presets: Readonly<Record<string, Preset<Fault>>>,
  name: unknown,
): Preset<Fault> | undefined {
  return typeof name === 'string' && Object.hasOwn(presets, name) ? presets[name] : undefined;
}
