import { afterAll, beforeAll, expect, test } from 'vitest';
import { createInAppChannel } from '../../../services/in-app/channel.ts';
import { seriesOf, type Series } from '../../../services/producer/stats/series.ts';
import { statsSchema, type Stats } from '../../../services/producer/stats/collect.ts';
import type { Service } from '../../../shared/runtime/service.ts';
import { Books, Controls, RatesLog, openStore, type Store } from '../../../shared/store/index.ts';
import {
  startTestChannel,
  startTestProducer,
  startTestScheduler,
  testConfig,
  type TestProducer,
} from '../../support/fleet.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';
import { until } from '../../support/until.ts';
import { Visitor, signedIn } from '../../support/visitor.ts';

let servers: TestServers;
let producer: TestProducer;
let services: Service[];
let store: Store;
let operator: Visitor;

beforeAll(async () => {
  servers = await createTestServers();
  const config = testConfig(servers);
  producer = await startTestProducer(config);
  services = [await startTestScheduler(config), await startTestChannel(config, createInAppChannel())];
  store = openStore(servers.mongoUri, 'test');
  // What comes before the first look of the books is counted, and in no chart.
  const books = new Books(store.db);
  await until(() => books.read());
  operator = new Visitor(producer.address, await signedIn(servers.mongoUri));
});
afterAll(async () => {
  await Promise.all(services.map((service) => service.stop()));
  await producer.stop();
  await store.stop();
  await servers.drop();
});

const stats = async (): Promise<Stats> => statsSchema.parse((await producer.call('GET', '/stats')).json);
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const send = (message: string, more: object = {}) =>
  producer.call('POST', '/v1/notifications', { user_id: 'u1', type: 'in_app', message, ...more });

test('the charts count what was accepted and sent, and how long that took, in the minute when it was', async () => {
  for (let n = 0; n < 7; n += 1) await send(`number ${n}`);
  // Sent later than it was accepted, and not late.
  await send('at its time', { send_at: new Date(Date.now() + 4_000).toISOString() });
  const rates = new RatesLog(store.db);
  const series = await until(async () => {
    const one = await seriesOf(rates, 'hour');
    return sum(one.sent) === 8 && one;
  }, 30_000);
  expect([sum(series.accepted), sum(series.failed), sum(series.dead)]).toEqual([8, 0, 0]);
  expect([series.at.length, series.point_seconds]).toEqual([60, 60]);
  const slowest = Math.max(...series.p95.map((ms) => ms ?? 0));
  expect(slowest).toBeGreaterThan(0);
  expect(slowest).toBeLessThan(4_000);
  for (const range of ['day', 'week'] as const) expect(sum((await seriesOf(rates, range)).sent)).toBe(8);
});

test('the page has the charts’ values as a table too, and its script gets the same', async () => {
  const { json } = await operator.open('/stats/series?range=day', { accept: '*/*' });
  const series = json as unknown as Series;
  expect([series.range, series.at.length]).toEqual(['day', 144]);
  const { text } = await operator.open('/stats?range=day');
  expect(text).toContain('aria-current="page">Last day');
  expect(text).toMatch(/<caption>Only times in which something happened<\/caption>/);
  expect((await operator.open('/stats?range=century')).text).toContain('aria-current="page">Last hour');
});

test('a provider is shown with its consumers, and what is paused with who did it and why', async () => {
  const seen = await until(async () => {
    const { providers } = await stats();
    return providers.find(({ name }) => name === 'inbox');
  });
  expect(seen).toMatchObject({
    channel: 'in_app',
    processes: 1,
    is_paused: false,
    breaker: 'closed',
    error_rate: 0,
  });
  await operator.submit('/controls/channel%3Ain_app', { reason: 'a test of the stats' });
  const [switched] = (await stats()).switched;
  expect(switched).toMatchObject({
    what: 'channel:in_app',
    by: 'web:operator',
    reason: 'a test of the stats',
  });
  await until(async () => (await stats()).providers.every((one) => one.name !== 'inbox' || one.is_paused));
  expect((await operator.open('/controls')).text).toContain('In-app is paused, and with it this');
  await operator.submit('/controls/channel%3Ain_app/resume');
  await until(async () => (await stats()).providers.every(({ is_paused }) => !is_paused));
});

test('a queue that nobody works at tells how old its oldest notification is', async () => {
  await operator.submit('/controls/channel%3Ain_app', { reason: 'a test of the ages' });
  await until(async () => (await stats()).providers.some(({ is_paused }) => is_paused));
  await send('waits');
  const age = async () =>
    (await stats()).queues.find(({ name }) => name === 'tidings.v1.in_app')?.oldest_age_seconds;
  await until(async () => ((await age()) ?? 0) > 0.5);
  expect((await operator.open('/stats/state')).text).toContain('in_app');
  await operator.submit('/controls/channel%3Ain_app/resume');
  await until(async () => (await age()) === null);
});

test('what is in the store is what the states sum up to', async () => {
  await send('one more');
  const stored = await store.db.collection('notifications').countDocuments();
  await until(async () => (await stats()).total === stored);
  expect((await stats()).documents).toBe(stored);
  await until(async () => (await operator.open('/stats')).text.includes('<strong>balances</strong>'));
});

test('a switch wants a reason and a sensible time, and only what there is can be switched', async () => {
  const controls = new Controls(store.db);
  const bad = await operator.submit('/controls/channel%3Aemail', { reason: ' ', minutes: 'soon' });
  expect(bad.status).toBe(422);
  expect(bad.text).toContain('Why is required');
  expect(bad.text).toContain('must be a whole number of minutes');
  expect((await operator.submit('/controls/channel%3Afax', { reason: 'x' })).status).toBe(404);
  expect(await controls.active()).toEqual([]);
  await operator.submit('/controls/accepting', { reason: 'we move', minutes: '5' });
  const [drain] = await controls.active();
  expect((drain?.until?.getTime() ?? 0) - (drain?.since.getTime() ?? 0)).toBe(300_000);
  expect((await operator.open('/notifications')).text).toContain('The fleet drains');
  await operator.submit('/controls/accepting/resume');
  expect((await operator.open('/notifications')).text).not.toContain('The fleet drains');
});

test('the start page knows every process, and says which is missing', async () => {
  const { text } = await until(async () => {
    const answer = await operator.open('/');
    return answer.text.includes('In-app consumer: <span class="ok">works') && answer;
  });
  expect(text).toContain('E-mail consumer: <span class="bad">does not run');
  expect(text).toContain('Scheduler: <span class="ok">works');
});

test('a consumer of the version before, which has one provider and no list, is shown as well', async () => {
  const old = {
    ...{ service: 'sms', host: 'h', pid: 1, started_at: new Date(), status: 'ok', troubles: [] },
    delivery: {
      ...{
        channel: 'sms',
        provider: 'twilio',
        is_paused: false,
        in_flight: 3,
        breaker: 'open',
        fault_ratio: 0.6,
      },
    },
  };
  const presences = store.db.collection<{ _id: string }>('presences');
  const beat = [{ $replaceWith: { $mergeObjects: [{ _id: 'old', ...old }, { beat_at: '$$NOW' }] } }];
  await presences.updateOne({ _id: 'old' }, beat, { upsert: true });
  const { providers } = await stats();
  expect(providers.find(({ name }) => name === 'twilio')).toMatchObject({
    ...{ channel: 'sms', in_flight: 3, breaker: 'open', fault_ratio: 0.6, failing_over_since: null },
  });
  const pages = await Promise.all(['/controls', '/stats', '/'].map((path) => operator.open(path)));
  expect(pages.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect((await producer.call('GET', '/metrics')).status).toBe(200);
  await presences.deleteOne({ _id: 'old' });
});
