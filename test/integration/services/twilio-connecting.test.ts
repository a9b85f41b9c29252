import { afterEach, beforeEach, expect, test } from 'vitest';
import { TcpProxy } from '../../../infra/chaos/tcp-proxy.ts';
import { startSandbox, type Sandbox } from '../../../infra/local/sandbox/sandbox.ts';
import { twilioProvider } from '../../../services/sms/providers/twilio.ts';
import type { Provider } from '../../../shared/delivery/index.ts';
import { readConfig } from '../../../shared/runtime/config.ts';
import { aRecord } from '../../support/records.ts';

/** An API that lets nobody in, which is known to have taken nothing, and one that is silent later, which is not. */
const ACCOUNT = { accountSid: `AC${'a'.repeat(32)}`, authToken: 'token' };
let sandbox: Sandbox;
let network: TcpProxy;

beforeEach(async () => {
  sandbox = await startSandbox({ smtpPort: 0, httpPort: 0, ...ACCOUNT });
  network = await TcpProxy.start(sandbox.httpPort);
});
afterEach(async () => {
  await network.stop();
  await sandbox.stop();
});

const twilioAt = (scheme: 'http' | 'https'): Provider =>
  twilioProvider(
    readConfig({
      TWILIO_ACCOUNT_SID: ACCOUNT.accountSid,
      TWILIO_AUTH_TOKEN: ACCOUNT.authToken,
      TWILIO_PHONE_NUMBER: '+15005550006',
      TWILIO_API_BASE_URL: `${scheme}://127.0.0.1:${network.port}`,
    }),
  );
const aText = () => aRecord({ type: 'sms', phone: '+15005550006' });

test('silent before TLS is agreed upon, the next provider is asked early', async () => {
  network.be({ loseDownstream: true, loseUpstream: true });
  const time = AbortSignal.timeout(8_000);
  const outcome = await twilioAt('https').send(aText(), time, AbortSignal.timeout(100));
  expect(outcome).toMatchObject({ kind: 'transient', code: 'ETIMEDOUT', providerFault: true });
  expect(time.aborted).toBe(false);
});

test('silent before TLS is agreed upon until the time is up, it has taken nothing', async () => {
  network.be({ loseDownstream: true, loseUpstream: true });
  const outcome = await twilioAt('https').send(aText(), AbortSignal.timeout(300));
  expect(outcome).toMatchObject({ kind: 'transient', code: 'ERR_CANCELED' });
  expect(outcome).not.toHaveProperty('providerFault');
});

test('cut while TLS is agreed upon, it has taken nothing', async () => {
  network.be({ garbage: 'no TLS\r\n' });
  const outcome = await twilioAt('https').send(aText(), AbortSignal.timeout(8_000));
  expect(outcome).toMatchObject({ kind: 'transient', providerFault: true });
});

test('silent once the request is on its way, nobody knows, and patience ends nothing', async () => {
  network.be({ loseDownstream: true });
  const outcome = await twilioAt('http').send(aText(), AbortSignal.timeout(600), AbortSignal.timeout(100));
  expect(outcome.kind).toBe('ambiguous');
  expect(sandbox.mailbox.texts()).toHaveLength(1);
});

test('a connection that was kept is open from the start', async () => {
  const twilio = twilioAt('http');
  expect((await twilio.send(aText(), AbortSignal.timeout(8_000))).kind).toBe('sent');
  network.be({ loseDownstream: true });
  const outcome = await twilio.send(aText(), AbortSignal.timeout(600), AbortSignal.abort());
  // Given no time at all, it asks nobody.
  expect(outcome).toMatchObject({ kind: 'transient', providerFault: true });
  expect((await twilio.send(aText(), AbortSignal.timeout(600))).kind).toBe('ambiguous');
});
