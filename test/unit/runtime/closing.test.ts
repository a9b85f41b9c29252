import { createServer, get } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { closing } from '../../../shared/runtime/closing.ts';

test('a server closes though a connection was opened ahead of a request that never comes, and what is under way is answered', async () => {
  const server = createServer((_request, response) => {
    setTimeout(() => response.end('done'), 300);
  });
  const close = closing(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const ahead = connect(port, '127.0.0.1');
  await once(ahead, 'connect');
  const answered = new Promise<string>((resolve, reject) => {
    get({ port, host: '127.0.0.1', agent: false }, (response) => {
      response.setEncoding('utf8').once('data', resolve);
    }).once('error', reject);
  });
  await once(server, 'request');
  const closed = close();
  expect(await answered).toBe('done');
  await closed;
  ahead.destroy();
});
