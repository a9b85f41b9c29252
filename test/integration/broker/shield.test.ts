import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SHIELD_POLICY, setShieldPolicy } from '../../../infra/local/shield.ts';
import { rabbitTrouble } from '../../../infra/local/provision/answers.ts';
import { Broker } from '../../../shared/broker/index.ts';
import { silentLogger } from '../../../shared/runtime/logger.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';

let servers: TestServers;
/** A virtual host whose name has to be escaped. */
const vhost = `ord/er ünd ${randomUUID().slice(0, 8)}`;
const user = `grün-${randomUUID().slice(0, 8)}`;
const PASSWORD = 'pässword/@,%';

beforeEach(async () => {
  servers = await createTestServers();
  const all = { configure: '.*', write: '.*', read: '.*' };
  await servers.management('PUT', `vhosts/${encodeURIComponent(vhost)}`, {});
  await servers.management('PUT', `users/${encodeURIComponent(user)}`, {
    password: PASSWORD,
    tags: 'administrator',
  });
  for (const name of [user, new URL(servers.managementUrl).username])
    await servers.management(
      'PUT',
      `permissions/${encodeURIComponent(vhost)}/${encodeURIComponent(name)}`,
      all,
    );
});
afterEach(async () => {
  await servers.management('DELETE', `vhosts/${encodeURIComponent(vhost)}`);
  await servers.management('DELETE', `users/${encodeURIComponent(user)}`);
  await servers.drop();
});

/** Two nodes, of which the first is away, on the virtual host. */
function twoNodes(): string {
  const { port } = new URL(servers.rabbitmqUrl);
  const [name, password] = [encodeURIComponent(user), encodeURIComponent(PASSWORD)];
  return ['127.0.0.1:1', `127.0.0.1:${port}`]
    .map((host) => `amqp://${name}:${password}@${host}/${encodeURIComponent(vhost)}`)
    .join(',');
}

test('the shield policy goes to the virtual host of a RABBITMQ_URL of several nodes', async () => {
  expect(await setShieldPolicy(servers.managementUrl, twoNodes())).toBeUndefined();
  const policies = await servers.management('GET', `policies/${encodeURIComponent(vhost)}`);
  expect(policies).toMatchObject([{ name: SHIELD_POLICY.name, vhost, pattern: SHIELD_POLICY.pattern }]);
  expect(await servers.management('GET', `policies/${servers.vhost}`)).toEqual([]);
});

test('a policy that cannot be set is said in words', async () => {
  const { href } = Object.assign(new URL(servers.managementUrl), { password: 'wrong' });
  expect(await setShieldPolicy(href, twoNodes())).toBe('the management API answers 401');
  expect(await setShieldPolicy('http://127.0.0.1:1', twoNodes())).toMatch(/fetch failed/);
});

test('a user and a password outside ASCII sign in, at the check of the start and in a service', async () => {
  expect(await rabbitTrouble(twoNodes())).toBeUndefined();
  const broker = new Broker({ url: twoNodes(), service: 'test', delays: [100], log: silentLogger });
  broker.start();
  expect(await broker.ready(10_000)).toBe(true);
  await broker.stop();
});
