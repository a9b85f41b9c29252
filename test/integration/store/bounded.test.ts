import { MongoClient } from 'mongodb';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TcpProxy } from '../../../infra/chaos/tcp-proxy.ts';
import { StoreTimeout } from '../../../shared/store/index.ts';
import { bounded } from '../../../shared/store/bounded.ts';
import { createTestServers, mongoAt, type TestServers } from '../../support/servers.ts';

interface Item {
  _id: number;
  text: string;
}

let servers: TestServers;
let proxy: TcpProxy;
let client: MongoClient;
const items = () => client.db(servers.vhost).collection<Item>('items');

beforeEach(async () => {
  servers = await createTestServers();
  proxy = await TcpProxy.start(Number(new URL(servers.mongoUri.replace('mongodb:', 'http:')).port));
  client = new MongoClient(mongoAt(proxy.port, servers.mongoUri), {
    socketTimeoutMS: 500,
    serverSelectionTimeoutMS: 500,
    waitQueueTimeoutMS: 500,
  });
  await client.connect();
});
afterEach(async () => {
  await proxy.stop();
  await client.close();
  await servers.drop();
});

test('a write whose socket dies while it waits for room comes to an end, which the driver alone does not give it', async () => {
  const large = Array.from({ length: 20 }, (_, _id) => ({ _id, text: 'x'.repeat(500_000) }));
  proxy.stopReading();
  const writing = bounded(items(), 3_000).insertMany(large);
  await expect(writing).rejects.toThrow(StoreTimeout);
});

test('calls, cursors and iteration answer what they answer without', async () => {
  const all = bounded(items());
  await all.insertMany([1, 2, 3].map((_id) => ({ _id, text: 'x' })));
  expect(
    await all
      .find({ _id: { $gt: 1 } })
      .sort({ _id: -1 })
      .limit(1)
      .toArray(),
  ).toMatchObject([{ _id: 3 }]);
  const seen = [];
  for await (const { _id } of all.find().sort({ _id: 1 }).batchSize(2)) seen.push(_id);
  expect(seen).toEqual([1, 2, 3]);
  expect(all.collectionName).toBe('items');
});

test('a cursor that hangs while it is read comes to an end', async () => {
  await items().insertMany([1, 2, 3].map((_id) => ({ _id, text: 'x' })));
  const cursor = bounded(items(), 200).find().batchSize(1);
  await cursor.next();
  proxy.be({ loseUpstream: true });
  await expect(cursor.next()).rejects.toThrow(StoreTimeout);
});
