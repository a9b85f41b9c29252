import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestProducer, testConfig, type TestProducer } from '../../support/fleet.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';

let servers: TestServers;
let producer: TestProducer;
beforeAll(async () => {
  servers = await createTestServers();
  producer = await startTestProducer(testConfig(servers));
  const mail = { user_id: 'u1', type: 'email', email: 'a@example.org', message: 'Hello' };
  await producer.call('POST', '/v1/notifications', mail);
});
afterAll(async () => {
  await producer.stop();
  await servers.drop();
});

test('no gauge is called like a counter, and every counter is', async () => {
  const { text } = await producer.call('GET', '/metrics');
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]);
  expect(types.length).toBeGreaterThan(20);
  const wrong = types.filter(([name = '', type]) => name.endsWith('_total') !== (type === 'counter'));
  expect(wrong).toEqual([]);
});

test('what the process holds is counted by kind, and in all', async () => {
  const { text } = await producer.call('GET', '/metrics');
  for (const name of ['handles', 'resources', 'requests'])
    expect(text).toMatch(new RegExp(`^# TYPE nodejs_active_${name} gauge$`, 'm'));
});
