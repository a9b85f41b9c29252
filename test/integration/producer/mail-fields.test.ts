import PostalMime from 'postal-mime';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MailFleet } from '../../support/mail-fleet.ts';
import { until } from '../../support/until.ts';

let fleet: MailFleet;

beforeAll(async () => {
  fleet = await MailFleet.start({ ALLOWED_SENDERS: '@shop.example' });
});
afterAll(async () => {
  await fleet.stop();
});

const bytes = Buffer.from('BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n');
const file = { filename: 'meeting.ics', content_type: 'text/calendar', content: bytes.toString('base64') };
const mail = {
  user_id: 'ada',
  type: 'email',
  email: 'ada@example.org',
  message: 'Hello',
  from: 'Shop <orders@shop.example>',
  reply_to: 'help@shop.example',
  attachments: [file],
};
const shown = [{ filename: 'meeting.ics', content_type: 'text/calendar', bytes: bytes.length }];

test('a mail arrives with its files, in the name of its sender, and answers go where it says', async () => {
  const { json } = await fleet.producer.call('POST', '/v1/notifications', mail);
  await fleet.sandbox.mailbox.waitFor((item) => item.kind === 'mail', 15_000);
  const [arrived] = fleet.sandbox.mailbox.mails();
  expect(arrived?.envelope).toEqual({ from: 'orders@shop.example', to: ['ada@example.org'] });
  const parsed = await PostalMime.parse(arrived?.raw ?? '');
  expect(parsed.from).toEqual({ name: 'Shop', address: 'orders@shop.example' });
  expect(parsed.replyTo).toEqual([{ name: '', address: 'help@shop.example' }]);
  const [attachment] = parsed.attachments;
  expect(attachment).toMatchObject({ filename: 'meeting.ics', mimeType: 'text/calendar' });
  // As it travels: the parser gives texts out with line ends of its own.
  expect(arrived?.raw.toString().replaceAll('\r\n', '')).toContain(file.content);

  const views = [
    (await fleet.producer.call('GET', `/v1/notifications/${String(json.id)}`)).json,
    ...((await fleet.producer.call('GET', '/v1/users/ada/notifications')).json.notifications as object[]),
    ...((await fleet.producer.call('GET', '/v1/users/ada/export')).json.notifications as object[]),
  ];
  expect(views).toHaveLength(3);
  for (const view of views) {
    expect(view).toMatchObject({ from: mail.from, reply_to: mail.reply_to, attachments: shown });
    expect(JSON.stringify(view)).not.toContain(file.content);
  }
});

test('who is not allowed as a sender is refused, and the field is named', async () => {
  const answer = await fleet.producer.call('POST', '/v1/notifications', {
    ...mail,
    from: 'boss@bank.example',
  });
  expect(answer.status).toBe(400);
  expect(answer.json.errors).toEqual([
    { field: 'from', message: expect.stringContaining('ALLOWED_SENDERS') as string },
  ]);
});

test('erasing a person takes out files, sender and Reply-To', async () => {
  const { json } = await fleet.producer.call('POST', '/v1/notifications', mail);
  const _id = String(json.id);
  const { notifications } = fleet;
  await until(async () => (await notifications.findOne({ _id }))?.status === 'sent');
  expect(await notifications.findOne({ _id })).toMatchObject({
    attachments: [{ ...file, bytes: bytes.length }],
  });
  await fleet.producer.call('DELETE', '/v1/users/ada');
  const erased = await until(async () => {
    const record = await notifications.findOne({ _id });
    return record?.erased_at && record;
  });
  for (const field of ['attachments', 'from', 'reply_to']) expect(erased).not.toHaveProperty(field);
});
