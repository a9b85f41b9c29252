import { connect } from 'amqplib';
import { readFileSync } from 'node:fs';
import { MongoClient, MongoServerError, type Db } from 'mongodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ServiceProcess } from '../../../infra/chaos/fleet/service-process.ts';
import { SERVICES } from '../../../infra/local/fleet.ts';
import { DEAD_LETTER_QUEUE, EXCHANGES, workQueue } from '../../../shared/broker/index.ts';
import { newId } from '../../../shared/runtime/ids.ts';
import { silentLogger } from '../../../shared/runtime/logger.ts';
import { Quarantine } from '../../../shared/store/index.ts';
import { consuming, publishing, refusalOf, type BrokerAct } from '../../support/broker-acts.ts';
import { startCommand } from '../../support/command.ts';
import { documentedBlock } from '../../support/documented.ts';
import { aRecord } from '../../support/records.ts';
import { startSecuredFleet, type SecuredFleet } from '../../support/secured-fleet.ts';
import { sentResult } from '../../support/test-store.ts';
import { until } from '../../support/until.ts';
import { Visitor } from '../../support/visitor.ts';

let fleet: SecuredFleet;

beforeAll(async () => {
  fleet = await startSecuredFleet();
}, 120_000);
afterAll(() => fleet.stop(), 60_000);

const mail = { type: 'email', email: 'a@example.org', subject: 'Hello' };

async function send(body: object): Promise<string> {
  const answer = await fleet.call('POST', '/v1/notifications', { user_id: 'u1', message: 'Hello', ...body });
  expect([answer.status, answer.text]).toEqual([202, expect.any(String)]);
  return String(answer.json.id);
}

const untilStatus = (id: string, status: string) =>
  until(async () => {
    const { json } = await fleet.call('GET', `/v1/notifications/${id}`);
    return json.status === status && json;
  });

/** Does something in the database with the rights of a user. */
async function inStore<T>(user: string, work: (db: Db) => Promise<T>): Promise<T> {
  const uri = `${fleet.mongodb.uri(user)}&tlsCAFile=${encodeURIComponent(fleet.certificates.authority)}`;
  const client = new MongoClient(uri, { serverSelectionTimeoutMS: 5_000 });
  try {
    return await work(client.db());
  } finally {
    await client.close();
  }
}

/** What MongoDB refused, by its log; but to those who made the first user, and whose sessions ended before they had a name. */
const refusedInStore = () =>
  fleet.mongodb
    .log()
    .split('\n')
    .filter((line) => line.includes('Checking authorization failed') && !line.includes('endSessions'));
/** What RabbitMQ refused, by its log: methods of the protocol. */
const refusedInBroker = () =>
  [...fleet.rabbitmq.log().matchAll(/operation (\S+) caused a channel exception access_refused/g)].map(
    ([, method]) => method,
  );

describe('with the rights of its own service each', () => {
  test.each([
    ['an e-mail', 'sent', mail],
    ['an SMS', 'delivered', { type: 'sms', phone: '+15005550006' }],
    ['an in-app notification', 'sent', { type: 'in_app' }],
  ])('%s is %s', async (_what, status, body) => {
    await untilStatus(await send(body), status);
  });

  test('what a provider reports is heard, also before our own record, and what came back for good is suppressed', async () => {
    await untilStatus(await send({ type: 'sms', phone: '+15005550108' }), 'delivered');
    await untilStatus(await send({ ...mail, email: 'gone@example.org' }), 'bounced');
    await untilStatus(await send({ ...mail, email: 'gone@example.org' }), 'suppressed');
    expect((await fleet.call('DELETE', '/v1/suppressions/email/gone@example.org')).status).toBe(200);
  });

  test('a consumer adds a result to what is in quarantine already', async () => {
    const id = await send({ ...mail, send_at: new Date(Date.now() + 3_600_000).toISOString() });
    const refusal = { operation: 'record', code: '121', reason: 'Document failed validation' } as const;
    const result = sentResult(id, 1);
    const entry = await inStore('tidings-email', async (db) => {
      const quarantine = new Quarantine(db, silentLogger);
      await quarantine.add(id, refusal);
      await quarantine.add(id, { ...refusal, result });
      return quarantine.get(id);
    });
    expect(entry?.result).toMatchObject({ id, status: 'sent' });
    expect((await fleet.call('POST', `/v1/quarantine/${id}/discard`)).status).toBe(200);
  });

  test('what fails for now comes back through its wait queue and is sent', async () => {
    const id = await send({ ...mail, email: 'flaky@example.org' });
    expect(await untilStatus(id, 'sent')).toMatchObject({ attempt: 3, retry_count: 2 });
  });

  test('a dead letter gets into the dead-letter queue, and its address is suppressed', async () => {
    await untilStatus(await send({ ...mail, email: 'nobody@example.org' }), 'failed_permanently');
    const { json } = await fleet.call('GET', '/v1/suppressions?address=nobody@example.org');
    expect(json.suppressions).toMatchObject([{ actor: 'consumer:email' }]);
    const model = await fleet.rabbitmq.connect();
    const channel = await model.createChannel();
    await until(async () => (await channel.checkQueue(DEAD_LETTER_QUEUE)).messageCount === 1);
    await model.close();
  });

  test.each(SERVICES)('%s is ready', async (service) => {
    const { checks } = await until(async () => {
      const found = await fleet.readiness(service);
      return found.status === 'ok' && found;
    });
    if (service === 'producer') expect(checks).toHaveProperty('policies', { ok: true });
  });

  test('programs use the API', async () => {
    const later = { ...mail, send_at: new Date(Date.now() + 3_600_000).toISOString() };
    const [waiting, dead] = await Promise.all([send(later), send({ ...mail, email: 'bounce@example.org' })]);
    await untilStatus(dead, 'failed_permanently');
    const calls: [string, string, unknown?][] = [
      ['POST', `/v1/notifications/${waiting}/cancel`],
      ['POST', `/v1/notifications/${dead}/retry`],
      ['GET', '/v1/notifications?status=sent'],
      ['GET', '/v1/users/u1/notifications'],
      ['GET', '/v1/users/u1/notifications/unread_count'],
      ['POST', '/v1/users/u1/notifications/read_all'],
      ['GET', '/stats'],
      ['GET', '/v1/dead-letters'],
      ['POST', '/v1/dead-letters/retry', { filter: {} }],
      ['POST', '/v1/dead-letters/discard', { filter: {}, reason: 'a test' }],
      ['POST', '/v1/keys', { name: 'shop', scopes: ['send'] }],
      ['GET', '/v1/keys'],
      ['GET', '/v1/audit'],
      ['GET', '/v1/suppressions'],
      ['POST', '/v1/users/u1/token'],
      ['GET', '/v1/users/u1/export'],
      ['DELETE', '/v1/users/u2'],
    ];
    for (const [method, path, body] of calls) {
      const { status, text } = await fleet.call(method, path, body);
      expect([path, status, text]).toEqual([path, expect.toSatisfy((code: number) => code < 300), text]);
    }
  });

  test('people sign in, look at every page, pause and go on', async () => {
    const { visitor, name } = await signInByLink();
    const password = 'correct horse battery';
    for (const [path, fields] of [
      ['/account', { password }],
      ['/sign-in', { name, password: 'wrong horse battery' }],
      ['/sign-in', { name, password }],
      ['/accounts', { name: 'ada', role: 'viewer' }],
      ['/accounts/ada/disable', {}],
      ['/controls/channel%3Asms', { reason: 'a test', minutes: '' }],
      ['/controls/channel%3Asms/resume', {}],
    ] as const)
      expect([path, (await visitor.submit(path, fields)).status]).toEqual([
        path,
        expect.toSatisfy((code: number) => code < 404),
      ]);
    for (const path of [
      '/',
      '/stats',
      '/notifications',
      '/dead-letters',
      '/suppressions',
      '/controls',
      '/accounts',
      '/account',
      '/keys',
      '/audit',
    ])
      expect([path, (await visitor.open(path)).status]).toEqual([path, 200]);
    const grant = { grant_type: 'password', username: name, password };
    const { json } = await fleet.call('POST', '/v1/auth/token', grant);
    const again = { grant_type: 'refresh_token', refresh_token: json.refresh_token };
    expect((await fleet.call('POST', '/v1/auth/token', again)).status).toBe(200);
    await visitor.submit('/sign-out');
  });

  test('what is finished is deleted when its time is over', async () => {
    const over = aRecord({ status: 'sent', delete_at: new Date(0), user_id: 'gone' });
    await inStore('tidings-producer', (db) => db.collection<typeof over>('notifications').insertOne(over));
    await until(async () => (await fleet.call('GET', `/v1/notifications/${over._id}`)).status === 404);
  });

  test('nothing that the fleet has done, to its end, was refused, but to declare what is there', async () => {
    expect(await fleet.stopServices()).toEqual([]);
    expect(refusedInStore()).toEqual([]);
    expect(new Set(refusedInBroker())).toEqual(new Set(['exchange.declare']));
    expect(fleet.log()).toContain('this user may not declare the topology');
  });
});

/** Prints a link by the command of the documents, and uses it. */
async function signInByLink(): Promise<{ visitor: Visitor; name: string }> {
  const command = startCommand(['dist/services/producer/sign-in/main.js'], {
    ...process.env,
    NODE_EXTRA_CA_CERTS: fleet.certificates.authority,
    MONGO_URI: fleet.mongodb.uri('tidings-producer'),
  });
  expect([await command.ended, command.output()]).toEqual([0, expect.any(String)]);
  const secret = /secret=(\S+)/.exec(command.output())?.[1] ?? '';
  const answer = await new Visitor(fleet.address).submit('/sign-in/link', { secret });
  const cookie = /tidings=[^;]+/.exec(answer.headers.get('set-cookie') ?? '')?.[0] ?? '';
  return { visitor: new Visitor(fleet.address, cookie), name: 'operator' };
}

describe('RabbitMQ refuses', () => {
  const queue = workQueue('sms', 'transactional');
  test.each<[string, string, BrokerAct]>([
    ['email', 'consume the queue of SMS', consuming(queue)],
    ['email', 'delete a queue', (channel) => channel.deleteQueue(workQueue('email', 'bulk'))],
    ['email', 'publish for SMS', publishing(EXCHANGES.work, 'sms.transactional')],
    ['producer', 'consume what it sends', consuming(queue)],
    ['scheduler', 'consume what it sends', consuming(queue)],
    ['monitor', 'publish', publishing(EXCHANGES.work, 'email.transactional')],
  ])('%s to %s', async (user, _what, act) => {
    const model = await fleet.rabbitmq.connect(`tidings-${user}`);
    expect(await refusalOf(model, act)).toBe(403);
    await model.close();
  });
});

test('lets a team that docs/amqp.md made a user for publish requests, and nothing else', async () => {
  const { rabbitmq, certificates } = fleet;
  const password = 'of-the-shop';
  await rabbitmq.shell(documentedBlock('docs/amqp.md', 'rabbitmqctl add_user'), `${password}\n`);
  const url = new URL(rabbitmq.url());
  Object.assign(url, { username: 'shop', password });
  const ca = readFileSync(certificates.authority);
  const model = await connect(url.toString(), { ca, timeout: 5_000 });
  expect(await refusalOf(model, publishing(EXCHANGES.requests, 'notification.requested'))).toBeUndefined();
  expect(await refusalOf(model, publishing(EXCHANGES.requests, 'notification.requested.else'))).toBe(403);
  expect(await refusalOf(model, publishing(EXCHANGES.work, 'email.transactional'))).toBe(403);
  await model.close();
});

describe('MongoDB refuses', () => {
  const UNAUTHORIZED = 13;
  const one = { _id: newId() as never };
  test.each<[string, string, (db: Db) => Promise<unknown>]>([
    ['email', 'read accounts', (db) => db.collection('accounts').findOne()],
    ['email', 'remove notifications', (db) => db.collection('notifications').deleteOne(one)],
    ['email', 'add notifications', (db) => db.collection('notifications').insertOne({ ...one })],
    [
      'email',
      'create an index',
      (db) => db.collection('notifications').createIndexes([{ name: 'x', key: { x: 1 } }]),
    ],
    ['producer', 'change the audit', (db) => db.collection('audit').updateOne(one, { $set: { x: 1 } })],
    ['producer', 'take from the audit', (db) => db.collection('audit').deleteOne(one)],
    ['producer', 'drop the audit', (db) => db.collection('audit').drop()],
    ['producer', 'remove notifications', (db) => db.collection('notifications').deleteMany({})],
    ['scheduler', 'read accounts', (db) => db.collection('accounts').findOne()],
  ])('%s to %s', async (user, _what, act) => {
    const refused: unknown = await inStore(`tidings-${user}`, act).catch((thrown: unknown) => thrown);
    expect(refused).toBeInstanceOf(MongoServerError);
    expect(refused).toHaveProperty('code', UNAUTHORIZED);
  });

  test('what it refuses it also logs, and the audit takes what is added', async () => {
    expect(refusedInStore().length).toBeGreaterThan(0);
    const found = await inStore('tidings-producer', async (db) => {
      await db.collection('audit').insertOne({ ...one });
      return db.collection('audit').findOne(one);
    });
    expect(found).toEqual(one);
  });
});

describe('without TLS, or with a server that nobody vouches for, there is no connection', () => {
  test('RabbitMQ listens to nobody without TLS', async () => {
    const { plainUrl, url } = fleet.rabbitmq;
    await expect(connect(plainUrl, { timeout: 3_000 })).rejects.toThrow('ECONNREFUSED');
    const plain = url('tidings-email').replace('amqps:', 'amqp:');
    await expect(connect(plain, { timeout: 3_000 })).rejects.toThrow();
  });

  test('MongoDB answers nobody without TLS', async () => {
    const plain = fleet.mongodb.uri('tidings-email').replace('tls=true', 'tls=false');
    const client = new MongoClient(plain, { serverSelectionTimeoutMS: 1_000 });
    await expect(client.db().command({ ping: 1 })).rejects.toThrow('closed');
    await client.close();
  });

  test('a service trusts no authority that it was not told of', async () => {
    const why = /unable to verify the first certificate|self-signed certificate/;
    await expectNoConnection({ NODE_EXTRA_CA_CERTS: '' }, why);
  });

  test('a service trusts no other authority of the same name', async () => {
    const settings = { NODE_EXTRA_CA_CERTS: fleet.strange.authority };
    await expectNoConnection(settings, /certificate signature failure/);
  });

  test('a service trusts no server under another name than its certificate has', async () => {
    const { rabbitmq, mongodb } = fleet;
    const elsewhere = (address: string): string => address.replace('@127.0.0.1', '@localhost');
    await expectNoConnection(
      {
        RABBITMQ_URL: elsewhere(rabbitmq.url('tidings-email')),
        MONGO_URI: elsewhere(mongodb.uri('tidings-email')),
      },
      /does not match certificate's altnames/,
    );
  });

  /** Starts one more consumer; it has to say of both servers why it does not connect. */
  async function expectNoConnection(settings: NodeJS.ProcessEnv, why: RegExp): Promise<void> {
    const service = await fleet.start('email', { ...settings, HEALTH_PORT: '0', PORT: '0' });
    const says = (words: string) => linesOf(service).some((line) => line.includes(words) && why.test(line));
    try {
      await until(() => says('RabbitMQ cannot be reached') && says('MongoDB cannot be reached'));
      expect(service.log).not.toContain('connected to RabbitMQ');
    } finally {
      await service.kill();
    }
  }
});

function linesOf(service: ServiceProcess): string[] {
  return service.log.split('\n');
}
