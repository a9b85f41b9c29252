import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { createAccess } from '../../../services/producer/access/access.ts';
import { hotPath } from '../../../services/producer/api/hot-path.ts';
import { operation } from '../../../services/producer/api/operation.ts';
import { Draining } from '../../../services/producer/draining.ts';
import { readConfig } from '../../../shared/runtime/config.ts';
import { silentLogger } from '../../../shared/runtime/logger.ts';
import { Audit, openStore, type Store } from '../../../shared/store/index.ts';
import { SignIn } from '../../../services/producer/sign-in/sign-in.ts';

const API_KEY = 'a-key-for-tests-only';
const [HOT, FRAMEWORK, REFUSED] = [202, 418, 401];
let server: Server;
let address: string;
let store: Store;

beforeAll(async () => {
  const cold = operation({
    method: 'post',
    path: '/v1/cold',
    id: 'createThing',
    needs: ['send'],
    tag: 'Things',
    summary: 'Takes a thing',
    body: z.object({}),
    answer: { status: HOT, description: 'Taken', schema: z.object({}) },
    problems: [],
    handle: () => Promise.resolve({ status: HOT, body: {} }),
  });
  const config = { ...readConfig({ API_KEY }), API_KEY };
  // Nobody is there: what these calls bring is decided without the store.
  store = openStore('mongodb://127.0.0.1:1/none', 'test');
  const signIn = new SignIn(store, config);
  const audit = new Audit(store.db, { keepDays: 1, log: silentLogger });
  const context = {
    ...createAccess({ store, config, signIn, audit, log: silentLogger }),
    draining: new Draining(),
    log: silentLogger,
  };
  server = createServer(
    hotPath(context, [cold, { ...cold, path: '/v1/things', isHot: true }], (_request, response) => {
      response.writeHead(FRAMEWORK).end();
    }),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.close();
  await store.stop();
});

const plain = { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' };

test.each<[string, number, string, RequestInit & { duplex?: 'half' }]>([
  ['a plain call', HOT, '/v1/things', { method: 'POST', headers: plain, body: '{}' }],
  [
    'a charset',
    HOT,
    '/v1/things',
    { method: 'POST', headers: { ...plain, 'content-type': 'application/json; charset=utf-8' }, body: '{}' },
  ],
  ['a call that is not hot', FRAMEWORK, '/v1/cold', { method: 'POST', headers: plain, body: '{}' }],
  ['a query', FRAMEWORK, '/v1/things?a', { method: 'POST', headers: plain, body: '{}' }],
  ['another method', FRAMEWORK, '/v1/things', { method: 'PUT', headers: plain, body: '{}' }],
  [
    'no key',
    REFUSED,
    '/v1/things',
    { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' },
  ],
  [
    'a wrong key',
    REFUSED,
    '/v1/things',
    { method: 'POST', headers: { ...plain, authorization: 'Bearer wrong' }, body: '{}' },
  ],
  [
    'another type',
    FRAMEWORK,
    '/v1/things',
    { method: 'POST', headers: { ...plain, 'content-type': 'text/plain' }, body: '{}' },
  ],
  [
    'a body in chunks, of unknown length',
    FRAMEWORK,
    '/v1/things',
    { method: 'POST', headers: plain, body: new Blob(['{}']).stream(), duplex: 'half' },
  ],
  ['no body', FRAMEWORK, '/v1/things', { method: 'POST', headers: plain }],
  [
    'a body that is encoded',
    FRAMEWORK,
    '/v1/things',
    { method: 'POST', headers: { ...plain, 'content-encoding': 'gzip' }, body: '{}' },
  ],
  [
    'one that is too large',
    FRAMEWORK,
    '/v1/things',
    { method: 'POST', headers: plain, body: ' '.repeat(2_000_000) },
  ],
])('%s is served with %i', async (_what, status, path, init) => {
  expect((await fetch(address + path, init)).status).toBe(status);
});
