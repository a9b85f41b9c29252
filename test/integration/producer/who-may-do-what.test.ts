import type { Router } from 'express';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { frameworkApp, operationsOf } from '../../../services/producer/app.ts';
import type { ProducerContext } from '../../../services/producer/context.ts';
import { Draining } from '../../../services/producer/draining.ts';
import { pageRoutes } from '../../../services/producer/web/router.ts';
import { ROLES, SCOPES, meets, type Scope } from '../../../shared/contracts/index.ts';
import { readConfig } from '../../../shared/runtime/config.ts';
import { silentLogger } from '../../../shared/runtime/logger.ts';
import { ApiClient, PASSWORD, accountWithPassword, holderOf } from '../../support/api-client.ts';
import { startTestProducer, testConfig, type TestProducer } from '../../support/fleet.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';
import { Visitor, signedIn } from '../../support/visitor.ts';

/** The table that this test writes, and that is read before a release: `npx vitest -u` takes what has changed. */
const TABLE = '../../../docs/access.md';
const PERSON = 'u1';
/** It never ends, so that only its head is asked for. */
const STREAM = '/task_updates';
/** What is neither an operation nor a page. */
const OTHERS = [
  '/healthz',
  '/readyz',
  '/metrics',
  STREAM,
  '/docs',
  '/openapi.json',
  '/asyncapi.json',
  '/assets/tidings.css',
];

let servers: TestServers;
let producer: TestProducer;
let clients: Record<string, ApiClient>;
const context = {
  config: readConfig({}),
  draining: new Draining(),
  log: silentLogger,
} as unknown as ProducerContext;
const operations = operationsOf(context);
const pages = pageRoutes(context);

beforeAll(async () => {
  servers = await createTestServers();
  producer = await startTestProducer(testConfig(servers, { ADDRESS_REQUESTS_PER_SECOND: '0' }));
  for (const role of ROLES) await accountWithPassword(servers.mongoUri, role);
  const root = new ApiClient(producer.address, 'a-key-for-the-tests-only');
  const inboxOf = async (user: string) =>
    new ApiClient(
      producer.address,
      String((await root.call('POST', `/v1/users/${user}/token`)).json.access_token),
    );
  const byRole = async (username: string) => {
    const body = { grant_type: 'password', username, password: PASSWORD };
    const { json } = await root.call('POST', '/v1/auth/token', body);
    return new ApiClient(producer.address, String(json.access_token));
  };
  clients = {
    'no key': new ApiClient(producer.address),
    'other user’s token': await inboxOf('somebody-else'),
    'own token': await inboxOf(PERSON),
  };
  for (const role of ROLES) clients[role] = await byRole(role);
});
afterAll(async () => {
  await producer.stop();
  await servers.drop();
});

/** Whoever has every scope but those that would do. */
function wrongScope(needs: readonly Scope[] | 'nobody'): Promise<ApiClient> {
  const others = SCOPES.filter((scope) => needs !== 'nobody' && !needs.some((need) => meets([scope], need)));
  return holderOf(producer, ...(others.length > 0 ? others : ['read']));
}

const inAddress = (path: string) =>
  path
    .replace('{user_id}', PERSON)
    .replace(/\{id\}|:id/, 'none')
    .replace(':name', 'nobody')
    .replace('{channel}', 'email')
    .replace('{address}', 'none@example.org');

/** One row: what an address answers to each of these. */
const columns = ['no key', 'wrong scope', 'other user’s token', 'own token', ...ROLES];
const row = (method: string, path: string, needs: string, statuses: readonly number[]) =>
  `| ${method} | \`${path}\` | ${needs} | ${statuses.join(' | ')} |`;

async function operationRows(): Promise<string[]> {
  const rows = [];
  for (const { method, path, needs, body, isOfUser } of operations) {
    const asked = [...Object.values(clients)];
    asked.splice(1, 0, await wrongScope(needs));
    const statuses = [];
    for (const client of asked)
      statuses.push((await client.call(method.toUpperCase(), inAddress(path), body ? {} : undefined)).status);
    const words =
      needs === 'nobody'
        ? 'open'
        : `${needs.join(' + ').replace(/^send$/, 'send, or that of the channel')}${isOfUser ? ', or the person' : ''}`;
    rows.push(row(method.toUpperCase(), path, words, statuses));
  }
  return rows;
}

async function pageRows(): Promise<string[]> {
  const rows = [];
  for (const { path, needs, get, post } of pages) {
    for (const method of [...(get ? ['GET'] : []), ...(post ? ['POST'] : [])]) {
      const statuses = [await pageStatus(new Visitor(producer.address), method, path)];
      // Each on its own: signing out ends a session.
      for (const role of ROLES)
        statuses.push(
          await pageStatus(
            new Visitor(producer.address, await signedIn(servers.mongoUri, role)),
            method,
            path,
          ),
        );
      rows.push(row(method, path, needs === 'nobody' ? 'open' : needs, statuses));
    }
  }
  return rows;
}

async function pageStatus(visitor: Visitor, method: string, path: string): Promise<number> {
  const address = inAddress(path);
  return (await (method === 'GET' ? visitor.open(address) : visitor.submit(address))).status;
}

async function otherRows(): Promise<string[]> {
  const rows = [];
  const wrong = await holderOf(producer, 'send');
  for (const path of OTHERS) {
    const asked = [...Object.values(clients)];
    asked.splice(1, 0, wrong);
    const statuses = [];
    for (const client of asked)
      statuses.push((await client.call(path === STREAM ? 'HEAD' : 'GET', path)).status);
    rows.push(row('GET', path, ['/metrics', STREAM].includes(path) ? 'read' : 'open', statuses));
  }
  return rows;
}

const head = (names: readonly string[]) =>
  [`| method | address | needs | ${names.join(' | ')} |`, `|${'---|'.repeat(names.length + 3)}`].join('\n');

test('every address answers each identity as docs/access.md says', async () => {
  const text = `# Who may do what

Written by \`test/integration/producer/who-may-do-what.test.ts\`, which asks every address as each of these, with an empty body and ids of nothing,
and fails when an answer differs. The pages are asked as a browser does (\`Accept: text/html\`), the API without.
So 400, 404 and 422 are of those who were let in; 401 and 403 of those who were not; 303 leads to the sign-in.

## The API

Keys and tokens have scopes; an account's token has those of its role. *Wrong scope*: a key with every scope but those that would do. *Own token*: a
token for the inbox of the very person in the address.

${[head(columns), ...(await operationRows()), ...(await otherRows())].join('\n')}

## The pages

By session; a key or token opens none of them.

${[head(['signed out', ...ROLES]), ...(await pageRows())].join('\n')}
`;
  await expect(text).toMatchFileSnapshot(TABLE);
}, 120_000);

test('there is no address beside them', () => {
  const known = new Set([
    ...operations.map(({ path }) => path.replace(/\{(\w+)\}/g, ':$1').replace(/^\/v1/, '')),
    ...pages.map(({ path }) => path),
    ...OTHERS,
  ]);
  const found = pathsOf(frameworkApp(context, operations).router);
  // Otherwise it looks where nothing is.
  expect(found).toEqual(expect.arrayContaining(['/users/:user_id', '/notifications/:id/live', '/readyz']));
  expect(found.filter((path) => !known.has(path))).toEqual([]);
});

/** The paths of a router and of those within it, each from where it is mounted. */
function pathsOf(router: Router): string[] {
  return router.stack.flatMap(({ route, handle }) => {
    if (route) return [route.path];
    return 'stack' in handle ? pathsOf(handle as unknown as Router) : [];
  });
}
