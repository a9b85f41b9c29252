import type { VerdictName } from './verdict.ts';

/** One row of the decision table. The source of a row is its page in Twilio's error dictionary: `https://www.twilio.com/docs/api/errors/<code>`. */
type TwilioRule = readonly [code: number, verdict: VerdictName, meaning: string];

/** Twilio's error codes, for answers to the request and for status callbacks alike. */
export const TWILIO_RULES: readonly TwilioRule[] = [
  // The number.
  [21211, 'dead', 'the number is invalid'],
  [21217, 'refused', 'the number does not look like one'],
  [21265, 'refused', 'the number is a short code'],
  [21266, 'refused', 'the number is our own sender'],
  [21421, 'refused', 'the number is invalid'],
  [21604, 'refused', 'the number is missing'],
  [21610, 'dead', 'the recipient has opted out'],
  [21614, 'dead', 'the number is not a mobile one'],
  [21635, 'dead', 'the number is a landline'],
  [30003, 'refused', 'the handset is switched off or out of reach'],
  [30004, 'refused', 'the recipient or the carrier blocks this message'],
  [30005, 'dead', 'the number does not exist'],
  [30006, 'unreachable', 'the number is a landline, or its carrier cannot be reached'],
  [63033, 'refused', 'the recipient blocked the sender'],

  // The text, and the way to this number.
  [21408, 'refused', 'our account may not send to this region'],
  [21602, 'refused', 'the text is missing'],
  [21608, 'refused', 'a trial account sends to verified numbers only'],
  [21612, 'refused', 'the number cannot be reached from our sender'],
  [21617, 'refused', 'the text is over 1 600 characters'],
  [21623, 'refused', 'no media for this recipient'],
  [30007, 'refused', 'the carrier filtered the message'],
  [30008, 'refused', 'the carrier gives no reason'],
  [30450, 'refused', 'Twilio blocked the message as SMS pumping'],

  // Our account, our sender, Twilio itself.
  [14107, 'ours', 'we send too fast'],
  [20003, 'ours', 'our credentials are refused'],
  [20005, 'ours', 'our account is not active'],
  [20006, 'ours', 'our account may not do this'],
  [20008, 'ours', 'test credentials cannot do this'],
  [20404, 'ours', 'the account was not found'],
  [20429, 'ours', 'too many requests'],
  [20500, 'ours', 'Twilio is out of order'],
  [20503, 'ours', 'Twilio is out of order'],
  [21212, 'ours', 'our sender is invalid'],
  [21267, 'ours', 'a trial account has no alphanumeric sender'],
  [21601, 'ours', 'our sender cannot send SMS'],
  [21603, 'ours', 'our sender is missing'],
  [21606, 'ours', 'our sender is not a number of our account that can send SMS'],
  [21607, 'ours', 'our sender is not a number of our account'],
  [21609, 'ours', 'the address for status callbacks is invalid'],
  [21611, 'ours', 'the queue of our sender is full'],
  [21659, 'ours', 'our sender is not a number of Twilio'],
  [21660, 'ours', 'our sender belongs to another account'],
  [21661, 'ours', 'our sender cannot send SMS'],
  [21703, 'ours', 'our messaging service has no sender'],
  [21704, 'ours', 'our messaging service has no sender for this'],
  [21705, 'ours', 'our messaging service is invalid'],
  [30001, 'ours', 'our queue is full'],
  [30002, 'ours', 'our account is suspended'],
  [30010, 'ours', 'the message costs more than our limit'],
  [30022, 'ours', 'our sender’s rate is used up (US A2P 10DLC)'],
  [30023, 'ours', 'our sender’s daily limit is used up (US A2P 10DLC)'],
  [30024, 'ours', 'our numeric sender is not provisioned'],
  [30032, 'ours', 'our toll-free sender is not verified'],
  [30034, 'ours', 'our sender is not registered (US A2P 10DLC)'],
  [63038, 'ours', 'our account’s daily limit is used up'],
];

const BY_CODE = new Map(TWILIO_RULES.map(([code, verdict, meaning]) => [String(code), { verdict, meaning }]));

/** Looks an error code up; undefined when the table does not have it. */
export function twilioVerdict(
  code: string | number | undefined,
): { verdict: VerdictName; meaning: string } | undefined {
  return code === undefined ? undefined : BY_CODE.get(String(code));
}
