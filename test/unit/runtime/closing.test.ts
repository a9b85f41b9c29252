import { spawn } from 'node:child_process';
import { createServer, get } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { pause } from '../../../shared/runtime/backoff.ts';
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

/** Asks so many times at once when it is told to, and says what came of it. */
const CLIENT = `
const { get } = require('node:http');
const [port, count] = process.argv.slice(1).map(Number);
const ask = () => new Promise((resolve) => {
  get({ port, host: '127.0.0.1', agent: false }, (response) => { response.resume(); resolve(response.statusCode); })
    .once('error', ({ code }) => resolve(code));
});
process.stdin.once('data', async (at) => {
  await new Promise((resolve) => setTimeout(resolve, Number(at) - Date.now()));
  console.log(JSON.stringify(await Promise.all(Array.from({ length: count }, ask))));
  process.exit();
});
console.log('ready');
`;

test('who connected while the process was busy is answered, not reset', async () => {
  const server = createServer((_request, response) => response.end('done'));
  const close = closing(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const client = spawn(process.execPath, ['-e', CLIENT, String(port), '40'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(client.stdout, 'data');
  const at = Date.now() + 200;
  client.stdin.write(String(at));
  await pause(100);
  // Busy while they connect, and then at its end without having looked.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600);
  const closed = close();
  const [said] = (await once(client.stdout, 'data')) as [Buffer];
  expect(JSON.parse(String(said))).toEqual(Array.from({ length: 40 }, () => 200));
  await closed;
});
