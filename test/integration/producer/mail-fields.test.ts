import PostalMime from 'postal-mime';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startSandbox, type Sandbox } from '../../../infra/local/sandbox/sandbox.ts';
import { createEmailChannel } from '../../../services/email/channel.ts';
import type { Config } from '../../../shared/runtime/config.ts';
import type { Service } from '../../../shared/runtime/service.ts';
import { notificationsOf, openStore, type Store } from '../../../shared/store/index.ts';
import { startTestChannel, startTestProducer, testConfig, type TestProducer } from '../../support/fleet.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

let servers: TestServers;
let sandbox: Sandbox;
let config: Config;
let producer: TestProducer;
let consumer: Service;
let store: Store;

beforeAll(async () => {
  servers = await createTestServers();
  sandbox = await startSandbox({
    smtpPort: 0,
    httpPort: 0,
    accountSid: `AC${'a'.repeat(32)}`,
    authToken: 't',
  });
  config = testConfig(servers, {
    SMTP_URL: `smtp://127.0.0.1:${sandbox.smtpPort}`,
    ALLOWED_SENDERS: '@shop.example',
  });
  producer = await startTestProducer(config);
  consumer = await startTestChannel(config, createEmailChannel(config));
  store = openStore(servers.mongoUri, 'test');
});
afterAll(async () => {
  await producer.stop();
  await consumer.stop();
  await store.stop();
  await sandbox.stop();
  await servers.drop();
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
  const { json } = await producer.call('POST', '/v1/notifications', mail);
  await sandbox.mailbox.waitFor((item) => item.kind === 'mail', 15_000);
  const [arrived] = sandbox.mailbox.mails();
  expect(arrived?.envelope).toEqual({ from: 'orders@shop.example', to: ['ada@example.org'] });
  const parsed = await PostalMime.parse(arrived?.raw ?? '');
  expect(parsed.from).toEqual({ name: 'Shop', address: 'orders@shop.example' });
  expect(parsed.replyTo).toEqual([{ name: '', address: 'help@shop.example' }]);
  const [attachment] = parsed.attachments;
  expect(attachment).toMatchObject({ filename: 'meeting.ics', mimeType: 'text/calendar' });
  // As it travels: the parser gives texts out with line ends of its own.
  expect(arrived?.raw.toString().replaceAll('\r\n', '')).toContain(file.content);

  const views = [
    (await producer.call('GET', `/v1/notifications/${String(json.id)}`)).json,
    ...((await producer.call('GET', '/v1/users/ada/notifications')).json.notifications as object[]),
    ...((await producer.call('GET', '/v1/users/ada/export')).json.notifications as object[]),
  ];
  expect(views).toHaveLength(3);
  for (const view of views) {
    expect(view).toMatchObject({ from: mail.from, reply_to: mail.reply_to, attachments: shown });
    expect(JSON.stringify(view)).not.toContain(file.content);
  }
});

test('who is not allowed as a sender is refused, and the field is named', async () => {
  const answer = await producer.call('POST', '/v1/notifications', { ...mail, from: 'boss@bank.example' });
  expect(answer.status).toBe(400);
  expect(answer.json.errors).toEqual([
    { field: 'from', message: expect.stringContaining('ALLOWED_SENDERS') as string },
  ]);
});

test('erasing a person takes out files, sender and Reply-To', async () => {
  const { json } = await producer.call('POST', '/v1/notifications', mail);
  const _id = String(json.id);
  const notifications = notificationsOf(store.db);
  await until(async () => (await notifications.findOne({ _id }))?.status === 'sent');
  expect(await notifications.findOne({ _id })).toMatchObject({
    attachments: [{ ...file, bytes: bytes.length }],
  });
  await producer.call('DELETE', '/v1/users/ada');
  const erased = await until(async () => {
    const record = await notifications.findOne({ _id });
    return record?.erased_at && record;
  });
  for (const field of ['attachments', 'from', 'reply_to']) expect(erased).not.toHaveProperty(field);
});
