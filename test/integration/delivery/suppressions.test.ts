import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { TcpProxy } from '../../../infra/chaos/tcp-proxy.ts';
import { SuppressionLook } from '../../../shared/delivery/suppression-look.ts';
import type { Outcome } from '../../../shared/delivery/index.ts';
import { silentLogger } from '../../../shared/runtime/logger.ts';
import type { Service } from '../../../shared/runtime/service.ts';
import {
  Suppressions,
  notificationsOf,
  openStore,
  suppressionIdOf,
  type Notifications,
  type Store,
} from '../../../shared/store/index.ts';
import { startTestChannel, startTestProducer, testConfig, type TestProducer } from '../../support/fleet.ts';
import { aRecord } from '../../support/records.ts';
import { createTestServers, mongoAt, type TestServers } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

let servers: TestServers;
let producer: TestProducer;
let store: Store;
let notifications: Notifications;
let suppressions: Suppressions;
let consumer: Service | undefined;
let handedOver: string[] = [];

beforeAll(async () => {
  servers = await createTestServers();
  producer = await startTestProducer(testConfig(servers));
  store = openStore(servers.mongoUri, 'test');
  notifications = notificationsOf(store.db);
  suppressions = new Suppressions(store.db);
});
afterEach(async () => {
  await consumer?.stop();
  handedOver = [];
});
afterAll(async () => {
  await producer.stop();
  await store.stop();
  await servers.drop();
});

const REFUSED = 'refused@example.org';
const refused: Outcome = {
  ...{ kind: 'permanent', provider: 'smtp', code: '550', reason: '550 5.1.1 no such user' },
  codeForGood: '5.1.1',
};
async function consume(): Promise<void> {
  const channel = {
    name: 'email' as const,
    provider: 'smtp',
    deliver: ({ email = '' }: { email?: string | undefined }): Promise<Outcome> => {
      handedOver.push(email);
      return Promise.resolve(email === REFUSED ? refused : { kind: 'sent', provider: 'smtp' });
    },
  };
  consumer = await startTestChannel(testConfig(servers), channel, { concurrency: 20, inHand: 200 });
}
const suppress = (address: string) =>
  suppressions.add({
    _id: suppressionIdOf('email', address),
    ...{ channel: 'email', address, code: '5.1.1', actor: 'test', since: new Date() },
  });
async function sendTo(addresses: string[]): Promise<void> {
  const items = addresses.map((email) => ({ user_id: 'u1', type: 'email', email, message: 'Hello' }));
  const { status } = await producer.call('POST', '/v1/notifications/batch', { notifications: items });
  expect(status).toBe(202);
}
const counts = async () => ({
  sent: await notifications.countDocuments({ status: 'sent' }),
  suppressed: await notifications.countDocuments({ status: 'suppressed' }),
});

test('what is suppressed is not handed over, however it is written, and what was claimed together is looked up once', async () => {
  await suppress('gone@example.org');
  const others = Array.from({ length: 150 }, (_, index) => `a${index}@example.org`);
  await sendTo([...others, 'gone@example.org', 'Gone@Example.org']);
  await store.db.command({ profile: 2 });
  await consume();
  await until(async () => (await counts()).sent === 150 && (await counts()).suppressed === 2);
  await store.db.command({ profile: 0 });
  expect(handedOver.toSorted()).toEqual(others.toSorted());
  const record = await notifications.findOne({ status: 'suppressed' });
  expect(record).toMatchObject({
    error: { code: 'recipient_suppressed', provider: 'smtp' },
    retry_count: 0,
    delete_at: expect.any(Date) as Date,
  });
  const asked = (collection: string, op: string) =>
    store.db.collection('system.profile').countDocuments({ op, ns: `${servers.vhost}.${collection}` });
  const looks = await asked('suppressions', 'query');
  const claims = await asked('notifications', 'query');
  expect(looks).toBeGreaterThan(0);
  // The claims read as often as they claim.
  expect(looks).toBeLessThanOrEqual(claims);
  expect(looks).toBeLessThan(30);
});

test('while an address that was refused for good cannot be suppressed, its result waits, and no other does', async () => {
  // The store itself refuses it, as it would a consumer whose role may not write there.
  const validator = { address: { $ne: REFUSED } };
  await store.db.command({ collMod: 'suppressions', validator });
  const others = Array.from({ length: 30 }, (_, index) => `b${index}@example.org`);
  await consume();
  await sendTo([REFUSED]);
  await until(() => handedOver.includes(REFUSED));
  await sendTo(others);
  const statusOf = async (email: string) => (await notifications.findOne({ email }))?.status;
  await until(
    async () => (await notifications.countDocuments({ email: { $in: others }, status: 'sent' })) === 30,
  );
  expect(await statusOf(REFUSED)).toBe('sending');
  await store.db.command({ collMod: 'suppressions', validator: {} });
  await until(async () => (await statusOf(REFUSED)) === 'failed_permanently');
  expect(await suppressions.get(suppressionIdOf('email', REFUSED))).toMatchObject({
    ...{ address: REFUSED, code: '5.1.1', actor: 'consumer:email' },
  });
  expect(handedOver.filter((email) => email === REFUSED)).toHaveLength(1);
});

test('while nobody can tell who is suppressed, nothing is handed over, and nothing is spent', async () => {
  const proxy = await TcpProxy.start(Number(new URL(servers.mongoUri).port));
  const uri = mongoAt(proxy.port, servers.mongoUri);
  const slow = openStore(uri, 'test');
  const look = new SuppressionLook({
    suppressions: new Suppressions(slow.db),
    provider: 'smtp',
    log: silentLogger,
  });
  expect(await look.refusalsOf([aRecord()])).toEqual([undefined]);
  proxy.be({ loseUpstream: true });
  const at = new Date();
  const held = { at: new Date(at.getTime() - 120_000), status: 'held' as const, actor: 'test', attempt: 1 };
  const [one, other] = await look.refusalsOf([aRecord(), aRecord({ claimed_at: at, timeline: [held] })]);
  expect(one).toMatchObject({ kind: 'deferred', code: 'suppressions_unknown', isOurs: true, untried: true });
  const waitOf = (refusal: typeof one) => (refusal?.kind === 'deferred' ? refusal.afterMs : NaN);
  expect(waitOf(one)).toBeLessThan(10_000);
  expect(waitOf(other)).toBeGreaterThanOrEqual(60_000);
  expect(await look.check()).toMatchObject({ ok: false });
  proxy.be();
  proxy.reset();
  // By itself: what was put off does not come back for a minute.
  await until(async () => (await look.check()).ok);
  expect(await look.refusalsOf([aRecord()])).toEqual([undefined]);
  await slow.stop();
  await proxy.stop();
});
