import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createInAppChannel } from '../../../services/in-app/channel.ts';
import { controlListSchema, controlViewSchema } from '../../../shared/contracts/index.ts';
import { Controls, notificationsOf, openStore, type Store } from '../../../shared/store/index.ts';
import type { Service } from '../../../shared/runtime/service.ts';
import { holderOf } from '../../support/api-client.ts';
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

/** `/v1/controls`, with a producer, the in-app consumer, and the scheduler that counts. */
let servers: TestServers;
let producer: TestProducer;
let inApp: Service;
let scheduler: Service;
let store: Store;
let controls: Controls;

beforeAll(async () => {
  servers = await createTestServers();
  const config = testConfig(servers);
  [producer, inApp, scheduler] = await Promise.all([
    startTestProducer(config),
    startTestChannel(config, createInAppChannel()),
    startTestScheduler(config),
  ]);
  store = openStore(servers.mongoUri, 'test');
  controls = new Controls(store.db);
});
afterEach(async () => {
  for (const { _id } of await controls.active()) await controls.clear(_id);
});
afterAll(async () => {
  await Promise.all([producer.stop(), inApp.stop(), scheduler.stop(), store.stop()]);
  await servers.drop();
});

const list = async () => controlListSchema.parse((await producer.call('GET', '/v1/controls')).json).controls;
const stateOf = async (id: string) => (await list()).find((one) => one.id === id)?.state;
const pause = (id: string, body: object = { reason: 'a test' }) =>
  producer.call('POST', `/v1/controls/${encodeURIComponent(id)}/pause`, body);
const resume = (id: string) => producer.call('POST', `/v1/controls/${encodeURIComponent(id)}/resume`);
const send = () =>
  producer.call('POST', '/v1/notifications', { user_id: 'u1', type: 'in_app', message: 'Hello' });
const statusOf = async (id: unknown) =>
  (await notificationsOf(store.db).findOne({ _id: String(id) }))?.status;

test('lists channels, providers and accepting with their states', async () => {
  await until(async () => (await stateOf('channel:in_app')) === 'running');
  const states = Object.fromEntries((await list()).map(({ id, state }) => [id, state]));
  expect(states).toEqual({
    'channel:email': 'no_consumer',
    'channel:sms': 'no_consumer',
    'channel:in_app': 'running',
    'provider:inbox': 'running',
    accepting: 'accepting',
  });
});

test('pauses a channel while accepting goes on, and delivers after it is resumed', async () => {
  const paused = await pause('channel:in_app', { reason: 'the provider moves', minutes: 5 });
  expect(paused.status).toBe(200);
  const { since = '', until: end = '', ...view } = controlViewSchema.parse(paused.json);
  expect(view).toMatchObject({ id: 'channel:in_app', by: 'api', reason: 'the provider moves' });
  expect(Date.parse(end) - Date.parse(since)).toBe(300_000);
  await until(async () => (await stateOf('channel:in_app')) === 'paused');
  expect((await list()).find(({ id }) => id === 'provider:inbox')).toMatchObject({
    state: 'paused',
    paused_by: 'channel:in_app',
  });
  const accepted = await send();
  expect(accepted.status).toBe(202);

  const resumed = await resume('channel:in_app');
  expect(resumed.status).toBe(200);
  expect(resumed.json).not.toHaveProperty('reason');
  await until(async () => (await statusOf(accepted.json.id)) === 'sent');
  await until(async () => (await stateOf('channel:in_app')) === 'running');
});

test('ends a pause by itself at its end', async () => {
  await pause('channel:in_app', { reason: 'a test', minutes: 1 });
  await until(async () => (await stateOf('channel:in_app')) === 'paused');
  const accepted = await send();
  // Its last second, as nobody waits for a minute here.
  const ends = { until: new Date(Date.now() + 1_000) };
  await store.db.collection<{ _id: string }>('controls').updateOne({ _id: 'channel:in_app' }, { $set: ends });
  await until(async () => (await statusOf(accepted.json.id)) === 'sent');
  expect((await list()).find(({ id }) => id === 'channel:in_app')).not.toHaveProperty('by');
});

test('drains the fleet: nothing is accepted until it is resumed', async () => {
  expect((await pause('accepting')).json).toMatchObject({ id: 'accepting', reason: 'a test' });
  await until(async () => (await send()).status === 503);
  expect((await send()).json.code).toBe('accepting_stopped');
  await until(async () => (await stateOf('accepting')) === 'drained');
  expect((await resume('accepting')).json).toMatchObject({ state: 'accepting' });
  await until(async () => (await send()).status === 202);
});

test('changes the reason and the end of a pause when it is repeated', async () => {
  await pause('channel:sms', { reason: 'first', minutes: 5 });
  const { json } = await pause('channel:sms', { reason: 'second' });
  expect(json).toMatchObject({ reason: 'second' });
  expect(json).not.toHaveProperty('until');
});

test('pages and API show the same pause, and each ends that of the other', async () => {
  const operator = new Visitor(producer.address, await signedIn(servers.mongoUri, 'operator'));
  await pause('channel:sms', { reason: 'by the API' });
  expect((await operator.open('/controls')).text).toContain('by the API');
  await operator.submit('/controls/channel%3Asms/resume');
  expect(await stateOf('channel:sms')).toBe('no_consumer');
  await operator.submit('/controls/channel%3Asms', { reason: 'by the page' });
  expect((await list()).find(({ id }) => id === 'channel:sms')).toMatchObject({
    by: 'web:operator',
    reason: 'by the page',
  });
  expect((await resume('channel:sms')).status).toBe(200);
});

test('answers 404 for what cannot be paused, and 409 for what is not paused', async () => {
  for (const id of ['channel:fax', 'provider:nobody', 'email', 'channel:', '%24where']) {
    const missing = await pause(id);
    expect([missing.status, missing.json.code]).toEqual([404, 'not_found']);
    expect((await resume(id)).status).toBe(404);
  }
  const conflict = await resume('channel:sms');
  expect(conflict.status).toBe(409);
  expect(conflict.json).toMatchObject({
    code: 'state_conflict',
    state: 'no_consumer',
    detail: 'channel:sms is not paused: it is no_consumer.',
  });
  expect(await controls.active()).toEqual([]);
});

test.each([
  [{}, 'reason'],
  [{ reason: ' ' }, 'reason'],
  [{ reason: 'x'.repeat(201) }, 'reason'],
  [{ reason: 'x', minutes: 0 }, 'minutes'],
  [{ reason: 'x', minutes: 1.5 }, 'minutes'],
  [{ reason: 'x', minutes: '5' }, 'minutes'],
  [{ reason: 'x', minutes: 10_081 }, 'minutes'],
  [{ reason: 'x', until: '2030-01-01T00:00:00Z' }, 'until'],
])('refuses %j and names %s', async (body, field) => {
  const { status, json } = await pause('channel:sms', body);
  expect([status, (json.errors as { field: string }[]).map((error) => error.field)]).toEqual([400, [field]]);
  expect(await controls.active()).toEqual([]);
});

test('notes who paused and who resumed in the audit, and no refusal', async () => {
  const { key, id } = { key: await holderOf(producer, 'read:all', 'retry:all'), id: 'channel:email' };
  await key.call('POST', `/v1/controls/${id}/pause`, { reason: 'we move', minutes: 5 });
  await key.call('POST', `/v1/controls/${id}/resume`);
  await key.call('POST', `/v1/controls/${id}/resume`);
  const { json } = await producer.call('GET', `/v1/audit?subject=${id}`);
  expect(json.entries).toMatchObject([
    { act: 'switched_off', actor: expect.stringMatching(/^key:/) as string },
    { act: 'switched_on', detail: 'for 5 min: we move' },
  ]);
});

test('lets readers look, and only operators pause', async () => {
  const reader = await holderOf(producer, 'read:all');
  expect((await reader.call('GET', '/v1/controls')).status).toBe(200);
  expect((await reader.call('POST', '/v1/controls/channel:sms/pause', { reason: 'x' })).status).toBe(403);
  const sender = await holderOf(producer, 'send');
  expect((await sender.call('GET', '/v1/controls')).status).toBe(403);
});
