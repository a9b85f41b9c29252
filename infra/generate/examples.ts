/** What the pictures show: notifications of every kind, some of which fail, are held back, or die. */
const MAILS: readonly (readonly [string, string, string])[] = [
  ['ada', 'ada@example.org', 'Your receipt for order 1042'],
  ['grace', 'grace@example.org', 'Your receipt for order 1043'],
  ['linus', 'bounce@example.org', 'Your receipt for order 1044'],
  ['edsger', 'bounce@example.org', 'Welcome to the reading room'],
  ['barbara', 'drop@example.org', 'Your invoice for October'],
];

/** Sends the examples; answers the id of one that waits for its next attempt. @throws when one is refused. */
export async function showExamples(address: string, apiKey: string): Promise<{ retrying: string }> {
  const send = async (body: object): Promise<string> => {
    const response = await fetch(`${address}/v1/notifications`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as { id?: string };
    if (answer.id === undefined) throw new Error(`an example was refused: ${JSON.stringify(answer)}`);
    return answer.id;
  };
  for (let round = 0; round < 12; round += 1)
    await send({
      user_id: `reader-${round}`,
      type: 'in_app',
      subject: 'A new chapter is out',
      message: 'Chapter 7 can be read now.',
    });
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
  const later = new Date(Date.now() + 86_400_000).toISOString();
  await send({
    user_id: 'grace',
    type: 'email',
    email: 'grace@example.org',
    subject: 'Your trial ends tomorrow',
    message: 'Soon.',
    send_at: later,
  });
  const retrying = await send({
    user_id: 'margaret',
    type: 'email',
    email: 'fail@example.org',
    subject: 'Your password was changed',
    message: 'If that was not you, write to us at once.',
  });
  return { retrying };
}
