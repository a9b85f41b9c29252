import { createTransport } from 'nodemailer';
import { expect, test } from 'vitest';
import { startSandbox } from '../../../infra/local/sandbox/sandbox.ts';

test('slow recipients are accepted after five seconds, by mail and by SMS', async () => {
  const sandbox = await startSandbox({ smtpPort: 0, httpPort: 0, accountSid: 'AC1', authToken: 'token' });
  const client = createTransport({ host: '127.0.0.1', port: sandbox.smtpPort });
  const before = Date.now();
  const took = async (sending: Promise<unknown>) => {
    await sending;
    return Date.now() - before;
  };
  const times = await Promise.all([
    took(client.sendMail({ from: 'a@example.org', to: 'slow@example.org', text: 'x' })),
    took(
      fetch(`http://127.0.0.1:${sandbox.httpPort}/2010-04-01/Accounts/AC1/Messages.json`, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from('AC1:token').toString('base64')}` },
        body: new URLSearchParams({ To: '+15005550104', From: '+15005550006', Body: 'x' }),
      }),
    ),
  ]);
  for (const time of times) expect(time).toBeGreaterThanOrEqual(4_990);
  expect(sandbox.mailbox.all()).toHaveLength(2);
  client.close();
  await sandbox.stop();
});
