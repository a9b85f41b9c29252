import { OPT_OUT } from '../../../shared/contracts/index.ts';
import type { Logger } from '../../../shared/runtime/logger.ts';
import { suppressionIdOf } from '../../../shared/store/index.ts';
import type { ProducerContext } from '../context.ts';
import { addSuppression, liftSuppression } from '../suppressions.ts';

/** A text of a recipient, as far as it is read; Twilio adds fields at any time. */
export interface InboundText {
  From: string;
  Body?: string | undefined;
  /** What Twilio took it for; set where Advanced Opt-Out is on, with keywords of one's own. */
  OptOutType?: string | undefined;
}

/** What a text asks for. */
export type Choice = 'STOP' | 'START' | 'HELP';

/** Twilio's default keywords ("Twilio support for opt-out keywords"): a text that is nothing but one of them. */
const KEYWORDS: Readonly<Record<Choice, readonly string[]>> = {
  STOP: ['STOP', 'STOPALL', 'UNSUBSCRIBE', 'CANCEL', 'END', 'QUIT', 'REVOKE', 'OPTOUT'],
  START: ['START', 'YES', 'UNSTOP'],
  HELP: ['HELP', 'INFO'],
};
const CHOICES = Object.keys(KEYWORDS) as Choice[];

const ACTOR = 'callback:twilio';
/** Other senders, such as `whatsapp:+…` and short codes, get no SMS from us. */
const NUMBER = /^\+[1-9]\d{6,14}$/;

/** What a text asks for; undefined where it is an ordinary one. What Twilio took it for counts more than its words. */
export function choiceOf({ Body = '', OptOutType }: InboundText): Choice | undefined {
  const said = OptOutType === undefined || OptOutType === '' ? undefined : OptOutType.trim().toUpperCase();
  if (said !== undefined) return CHOICES.find((choice) => choice === said);
  const word = Body.trim().toUpperCase();
  return CHOICES.find((choice) => KEYWORDS[choice].includes(word));
}

/** Suppresses the number of a STOP, and removes that suppression after a START; both are audited. When this resolves, it is in the store. */
export async function hearText(
  context: Pick<ProducerContext, 'suppressions' | 'audit'> & { log: Logger },
  text: InboundText,
): Promise<void> {
  const choice = choiceOf(text);
  if (!NUMBER.test(text.From) || choice === undefined || choice === 'HELP') return;
  const changed = choice === 'STOP' ? await optOut(context, text.From) : await optIn(context, text.From);
  context.log.info('a recipient texted', { choice, changed });
}

function optOut(context: Pick<ProducerContext, 'suppressions' | 'audit'>, address: string): Promise<boolean> {
  const reason = 'the recipient texted STOP';
  return addSuppression(context, {
    channel: 'sms',
    address,
    code: OPT_OUT,
    reason,
    actor: ACTOR,
    provider: 'twilio',
  });
}

/** A number that is suppressed for another reason stays so: whoever suppressed it removes it. */
async function optIn(
  context: Pick<ProducerContext, 'suppressions' | 'audit'>,
  address: string,
): Promise<boolean> {
  const id = suppressionIdOf('sms', address);
  return (await liftSuppression(context, id, ACTOR, [OPT_OUT])) !== undefined;
}
