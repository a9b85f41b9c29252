import { chmodSync, copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../../infra/local/ports.ts';
import { startSandbox, type Sandbox } from '../../../infra/local/sandbox/sandbox.ts';
import { createEmailChannel } from '../../../services/email/channel.ts';
import type { Service } from '../../../shared/runtime/service.ts';
import { aKey } from '../../support/api-client.ts';
import { startTestChannel, startTestProducer, testConfig, type TestProducer } from '../../support/fleet.ts';
import { postfixTrouble, startPostfix, type Postfix } from '../../support/postfix.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

/** A real Postfix sends our mail, and reports what came back, in both ways that docs/bounces.md describes. */
const trouble = postfixTrouble();
if (trouble !== undefined) console.warn(`skipped: bounces by a real Postfix, because ${trouble}`);

const BOUNCING = { BOUNCE_DOMAIN: 'bounces.example.org', BOUNCE_SECRET: 'a-secret-for-the-tests-only' };
/** As in docs/bounces.md, but for the paths. */
const PIPE =
  'tidings unix - n n - 10 pipe user=nobody argv={folder}/report-bounce.sh -c {folder}/report-bounce.conf ${recipient}';
const WITHIN_MS = 30_000;

describe.skipIf(trouble !== undefined)('a real Postfix', () => {
  let servers: TestServers;
  let sandbox: Sandbox;
  let producer: TestProducer;
  let key: string;
  let settings: Record<string, string>;

  beforeAll(async () => {
    servers = await createTestServers();
    // The server of the recipients: it refuses nobody@example.org by 550 5.1.1.
    sandbox = await startSandbox({ smtpPort: 0, httpPort: 0, accountSid: 'AC0', authToken: 'token' });
    settings = { ...BOUNCING, BOUNCE_PORT: String(await freePort()) };
    producer = await startTestProducer(testConfig(servers, settings));
    key = (await aKey(producer, ['feedback'])).key;
  });
  afterAll(async () => {
    await producer.stop();
    await sandbox.stop();
    await servers.drop();
  });

  /** Postfix between the e-mail consumer and the recipients; reports go by `transport`. */
  async function through(
    transport: string,
    work: (postfix: Postfix) => Promise<void>,
    more: { master?: string[]; prepare?: (folder: string) => void } = {},
  ): Promise<void> {
    const postfix = await startPostfix({
      main: {
        transport_maps: `inline:{ {bounces.example.org = ${transport}}, {example.org = smtp:[127.0.0.1]:${sandbox.smtpPort}} }`,
        tidings_destination_recipient_limit: '1',
      },
      ...more,
    });
    const config = testConfig(servers, { ...settings, SMTP_URL: `smtp://127.0.0.1:${postfix.port}` });
    let consumer: Service | undefined;
    try {
      consumer = await startTestChannel(config, createEmailChannel(config));
      await work(postfix);
    } finally {
      await consumer?.stop();
      await postfix.stop();
    }
  }
  async function send(email: string): Promise<string> {
    const body = { user_id: 'u1', type: 'email', email, message: 'Hello' };
    return String((await producer.call('POST', '/v1/notifications', body)).json.id);
  }
  const get = async (id: string) => (await producer.call('GET', `/v1/notifications/${id}`)).json;
  const untilBounced = (id: string) =>
    until(async () => {
      const record = await get(id);
      return record.status === 'bounced' && record;
    }, WITHIN_MS);
  const isSuppressed = async (address: string) => {
    const { json } = await producer.call('GET', `/v1/suppressions?address=${encodeURIComponent(address)}`);
    return (json as { suppressions: object[] }).suppressions.length > 0;
  };

  test('reports by the pipe, and keeps its reports while the producer is away or refuses the key', async () => {
    const prepare = (folder: string): void => {
      copyFileSync('infra/mail/report-bounce.sh', join(folder, 'report-bounce.sh'));
      chmodSync(join(folder, 'report-bounce.sh'), 0o755);
      writeFileSync(join(folder, 'report-bounce.conf'), 'URL=http://127.0.0.1:1/\nKEY=x\n');
    };
    const work = async ({ folder, log }: Postfix): Promise<void> => {
      const url = `${producer.address}/v1/callbacks/email/dsn`;
      const configure = (given: string): void => {
        writeFileSync(join(folder, 'report-bounce.conf'), `URL=${url}\nKEY=${given}\n`);
      };
      const id = await send('nobody+pipe@example.org');
      await until(() => /status=deferred .*cannot be reached/.test(log()), WITHIN_MS);
      configure('wrong');
      await until(() => /status=deferred .*answered 401/.test(log()), WITHIN_MS);
      expect((await get(id)).status).toBe('sent');
      configure(key);
      expect(await untilBounced(id)).toMatchObject({ error: { code: '5.1.1' } });
      expect(await isSuppressed('nobody+pipe@example.org')).toBe(true);
    };
    await through('tidings:', work, { master: [PIPE], prepare });
  }, 120_000);

  test('reports by SMTP to BOUNCE_PORT', async () => {
    await through(`smtp:[127.0.0.1]:${settings.BOUNCE_PORT ?? ''}`, async () => {
      const id = await send('nobody+smtp@example.org');
      expect(await untilBounced(id)).toMatchObject({ error: { code: '5.1.1' } });
      expect(await isSuppressed('nobody+smtp@example.org')).toBe(true);
    });
  }, 120_000);
});
