/** Twilio's error codes of numbers that will never take a text, from its error dictionary. 30003 (switched off) and 30008 (unknown) may pass. */
const FOR_GOOD = new Map([
  ['21211', 'the number is invalid'],
  ['21610', 'the recipient has said STOP'],
  ['21614', 'the number is not a mobile one'],
  ['30005', 'the number does not exist'],
  ['30006', 'the number is a landline, or its carrier cannot be reached'],
]);

/** Why a number takes nothing for good, in words, by Twilio's error code; undefined where it may take the next one. */
export function whyForGood(code: string | undefined): string | undefined {
  return code === undefined ? undefined : FOR_GOOD.get(code);
}
