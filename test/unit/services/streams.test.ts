import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import express, { type RequestHandler } from 'express';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LiveUpdates } from '../../../services/producer/realtime/live-updates.ts';
import { Streams, type OpenStream } from '../../../services/producer/realtime/streams.ts';
import { silentLogger } from '../../../shared/runtime/logger.ts';
import { until } from '../../support/until.ts';

let live: LiveUpdates;
let server: Server;
/** What comes before the stream is opened, as the look at who asks. */
let before: RequestHandler;
let opened: number;
const clients: Socket[] = [];

beforeEach(async () => {
  live = new LiveUpdates();
  before = (_request, _response, next) => {
    next();
  };
  opened = 0;
  const app = express();
  app.use((request, response, next) => {
    before(request, response, next);
  });
  app.get('/:id', ({ params }, response) => {
    live.watch(params.id, response);
    opened += 1;
  });
  server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  live.stop();
  for (const client of clients.splice(0)) client.destroy();
  server.closeAllConnections();
  server.close();
});

const changeOf = (id: string) => ({ id, user_id: 'u1', status: 'sent' as const });
const port = (): number => (server.address() as AddressInfo).port;

/** A client that reads nothing unless it is told to. */
function open(id: string): Socket {
  const client = connect(port(), '127.0.0.1');
  client.on('error', () => undefined);
  client.write(`GET /${id} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  clients.push(client);
  return client;
}

test('a page that has gone before its stream begins leaves none behind', async () => {
  let isAsked = false;
  before = (_request, response, next) => {
    isAsked = true;
    response.once('close', next);
  };
  const client = open('n1');
  await until(() => isAsked);
  client.destroy();
  await until(() => opened === 1);
  expect(live.count).toBe(0);
});

test('a page that comes after the stop is sent elsewhere at once', async () => {
  live.stop();
  const answer = await fetch(`http://127.0.0.1:${port()}/n1`);
  expect(await answer.text()).toContain('event: changed\ndata: n1\n\n');
  expect(live.count).toBe(0);
});

test('a page that does not read is cut before much piles up, and one that reads is not', async () => {
  const id = 'n'.repeat(8_000);
  open(id);
  let read = 0;
  open('short').on('data', (chunk: Buffer) => (read += chunk.length));
  await until(() => live.count === 2);
  let told = 0;
  await until(async () => {
    for (let round = 0; round < 200 && live.count === 2; round += 1) {
      live.notify([changeOf(id), changeOf('short')]);
      told += 1;
      await setImmediate();
    }
    return live.count === 1;
  });
  await until(() => read > told * 'event: changed\ndata: short\n\n'.length);
});

test('a stream of updates that is added after the stop ends at once, and is not kept', () => {
  const streams = new Streams({ log: silentLogger });
  const ends: string[] = [];
  const stream: OpenStream = {
    kind: 'sse',
    actor: 'a',
    stillMay: () => Promise.resolve(true),
    end: (why) => ends.push(why),
  };
  streams.add(stream);
  streams.stop();
  expect(ends).toEqual(['stopping']);
  streams.add(stream)();
  expect(ends).toEqual(['stopping', 'stopping']);
  expect(streams.count('sse')).toBe(1);
});
