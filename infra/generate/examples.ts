import { pause } from '../../shared/runtime/backoff.ts';

/** What the pictures show: notifications of every kind, some of which fail, are held back, or die. */
const MAILS: readonly (readonly [string, string, string])[] = [
  ['ada', 'ada@example.org', 'Your receipt for order 1042'],
  ['grace', 'grace@example.org', 'Your receipt for order 1043'],
  ['linus', 'bounce@example.org', 'Your receipt for order 1044'],
  ['edsger', 'bounce@example.org', 'Welcome to the reading room'],
  ['barbara', 'drop@example.org', 'Your invoice for October'],
];

/** How long some traffic goes on, so that charts have something to show; and how much each round sends at most. */
const ROUNDS = 36;
const ROUND_MS = 5_000;
const ROUND_SENDS = 14;

type Send = (body: object) => Promise<string>;

/** Sends the examples, for three minutes; answers the id of one that waits for its next attempt. @throws when one is refused. */
export async function showExamples(address: string, apiKey: string): Promise<{ retrying: string }> {
  const send: Send = async (body) => {
    const response = await fetch(`${address}/v1/notifications`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as { id?: string };
    if (answer.id === undefined) throw new Error(`an example was refused: ${JSON.stringify(answer)}`);
    return answer.id;
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    await someTraffic(send, round);
    await pause(ROUND_MS);
  }
  return { retrying: await theLastOnes(send) };
}

/** More and less of it, as a day has; a few mails fail for now. */
async function someTraffic(send: Send, round: number): Promise<void> {
  const count = Math.round(ROUND_SENDS * (0.6 + 0.4 * Math.sin(round / 4)));
  for (let n = 0; n < count; n += 1)
    await send({
      user_id: `reader-${n}`,
      type: 'in_app',
      subject: 'A new chapter is out',
      message: 'Chapter 7 can be read now.',
    });
  const email = round % 6 === 5 ? 'flaky@example.org' : 'reader@example.org';
  for (let n = 0; n < count / 3; n += 1)
    await send({
      user_id: `reader-${n}`,
      type: 'email',
      email,
      subject: 'Your weekly reading',
      message: 'Three chapters are new.',
    });
}

/** What stands first in every list; answers the one that is being retried. */
async function theLastOnes(send: Send): Promise<string> {
  for (const [user_id, email, subject] of MAILS)
    await send({
      user_id,
      type: 'email',
      email,
      subject,
      message: 'Thank you. The details are in your account.',
    });
  await send({ user_id: 'ada', type: 'sms', phone: '+15005550006', message: 'Your code is 482 913' });
  await send({ user_id: 'alan', type: 'sms', phone: '+15005550001', message: 'Your code is 118 204' });
  const later = { send_at: new Date(Date.now() + 86_400_000).toISOString() };
  const trial = { subject: 'Your trial ends tomorrow', message: 'Soon.' };
  await send({ user_id: 'grace', type: 'email', email: 'grace@example.org', ...trial, ...later });
  const password = {
    subject: 'Your password was changed',
    message: 'If that was not you, write to us at once.',
  };
  const retrying = await send({ user_id: 'margaret', type: 'email', email: 'fail@example.org', ...password });
  await pause(ROUND_MS);
  return retrying;
}
