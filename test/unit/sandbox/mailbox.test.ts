import { expect, test } from 'vitest';
import { CountedFaults } from '../../../infra/local/sandbox/counted-faults.ts';
import { Mailbox, type Mail } from '../../../infra/local/sandbox/mailbox.ts';
import { messageIdOf } from '../../../infra/local/sandbox/read-mail.ts';

const aMail = (id: string, raw = Buffer.from('Subject: x\r\n\r\n')): Mail => ({
  kind: 'mail',
  id,
  received_at: new Date(),
  envelope: { from: 'a@example.org', to: ['b@example.org'] },
  raw,
  accepted: true,
});

test('keeps the newest thousand, newest first', () => {
  const mailbox = new Mailbox();
  for (let n = 0; n <= 1_000; n += 1) mailbox.add(aMail(String(n)));
  expect(mailbox.mails()).toHaveLength(1_000);
  expect([mailbox.mails()[0]?.id, mailbox.mails().at(-1)?.id]).toEqual(['1000', '1']);
  expect(mailbox.find('0')).toBeUndefined();
});
test('large mails push older ones out before the thousandth', () => {
  const mailbox = new Mailbox();
  const large = Buffer.alloc(25 * 1024 * 1024);
  for (let n = 0; n < 20; n += 1) mailbox.add(aMail(String(n), large));
  expect(mailbox.mails()).toHaveLength(10);
  mailbox.clear();
  mailbox.add(aMail('after', large));
  mailbox.add(aMail('again', large));
  expect(mailbox.mails()).toHaveLength(2);
});
test('waits for what is to arrive, and takes what already has', async () => {
  const mailbox = new Mailbox();
  const waiting = mailbox.waitFor(({ id }) => id === 'second', 5_000);
  mailbox.add(aMail('first'));
  mailbox.add(aMail('second'));
  expect((await waiting).id).toBe('second');
  expect((await mailbox.waitFor(({ id }) => id === 'first', 5_000)).id).toBe('first');
  expect(mailbox.listenerCount('arrived')).toBe(0);
});
test('waits no longer than it was told', async () => {
  const mailbox = new Mailbox();
  await expect(mailbox.waitFor(() => true, 10)).rejects.toThrow('nothing arrived within 10 ms');
  expect(mailbox.listenerCount('arrived')).toBe(0);
});
test('a mistake in the question fails the wait, not the delivery', async () => {
  const mailbox = new Mailbox();
  const waiting = mailbox.waitFor(() => {
    throw new Error('wrong question');
  }, 5_000);
  mailbox.add(aMail('one'));
  await expect(waiting).rejects.toThrow('wrong question');
});
test('a fault that is meant for so many times ends, for each key by itself', () => {
  const faults = new CountedFaults();
  const due = (key: string) => [1, 2, 3].map(() => faults.isDue(key, 2));
  expect(due('a')).toEqual([true, true, false]);
  expect(due('b')).toEqual([true, true, false]);
  expect(faults.isDue('a', undefined)).toBe(true);
});
test.each([
  ['in any case', 'MESSAGE-ID: <1@a>\r\n\r\nbody', '<1@a>'],
  ['folded', 'Subject: x\r\nMessage-ID:\r\n <1@a>\r\n\r\nbody', '<1@a>'],
  ['only in the body', 'Subject: x\r\n\r\nMessage-ID: <1@a>\r\n', ''],
  ['missing', 'Subject: x\r\n\r\n', ''],
])('a Message-ID %s', (_what, raw, id) => {
  expect(messageIdOf(Buffer.from(raw))).toBe(id);
});
