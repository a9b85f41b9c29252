import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import express from 'express';
import { io } from 'socket.io-client';
import { afterEach, beforeEach, test } from 'vitest';
import type { Gate } from '../../../services/producer/access/gate.ts';
import { ROOT } from '../../../services/producer/access/identity.ts';
import type { Listening } from '../../../services/producer/realtime/listening.ts';
import { Streams } from '../../../services/producer/realtime/streams.ts';
import type { TaskFeed } from '../../../services/producer/realtime/task-feed.ts';
import { TaskSockets } from '../../../services/producer/realtime/task-sockets.ts';
import { streamTaskUpdates } from '../../../services/producer/realtime/task-stream.ts';
import { silentLogger } from '../../../shared/runtime/logger.ts';
import { until } from '../../support/until.ts';

/** What a look at who asks takes: until the test lets it end. */
let looking: { isBegun: boolean; isOver: boolean; end: () => void; over: Promise<void> };
let listening: Listening;
let server: Server;
let sockets: TaskSockets;
let openConnections: number;

beforeEach(async () => {
  let end = (): void => undefined;
  const over = new Promise<void>((resolve) => (end = resolve));
  looking = { isBegun: false, isOver: false, end, over };
  listening = {
    gate: { addressOf: () => '', countAddress: () => undefined, admitBearer: look } as unknown as Gate,
    feed: { turn: new Promise(() => undefined), newest: () => 0, after: () => [] } as unknown as TaskFeed,
    streams: new Streams({ log: silentLogger }),
    log: silentLogger,
  };
  const app = express();
  app.use(async (_request, _response, next) => {
    await look();
    next();
  });
  const serve = streamTaskUpdates({ tasks: { listening } });
  app.get('/task_updates', (request, response, next) => {
    void serve(request, response, next);
    looking.isOver = true;
  });
  server = createServer(app);
  sockets = new TaskSockets(server, listening, {});
  openConnections = 0;
  server.on('connection', (socket) => {
    openConnections += 1;
    socket.once('close', () => (openConnections -= 1));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  listening.streams.stop();
  sockets.stop();
  server.closeAllConnections();
  server.close();
});

async function look(): Promise<typeof ROOT> {
  looking.isBegun = true;
  await looking.over;
  setImmediate(() => (looking.isOver = true));
  return ROOT;
}

const port = (): number => (server.address() as AddressInfo).port;

/** The look ends when nobody is there any more. */
async function endTheLook(): Promise<void> {
  await until(() => openConnections === 0);
  looking.end();
  await until(() => looking.isOver);
}

test('who has gone before the event stream begins leaves none behind', async () => {
  const client = connect(port(), '127.0.0.1');
  client.write('GET /task_updates HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await until(() => looking.isBegun);
  client.destroy();
  await endTheLook();
  await until(() => listening.streams.count('sse') === 0, 1_000);
});

test('a connection of Socket.IO that goes before it is known who it is leaves none behind', async () => {
  const socket = io(`http://127.0.0.1:${port()}`, {
    auth: { token: 'a-key' },
    transports: ['websocket'],
    forceNew: true,
    reconnection: false,
  });
  await until(() => looking.isBegun);
  socket.disconnect();
  await endTheLook();
  await until(() => listening.streams.count('socket_io') === 0, 1_000);
});
