/** An SMS API that takes everything, in Twilio's words. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

let count = 0;
let lastAt = 0;

const server = createServer((request, response) => {
  request.resume().once('end', () => {
    count += 1;
    lastAt = Date.now();
    response.writeHead(201, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ sid: `SM${count.toString(16).padStart(32, '0')}`, status: 'queued' }));
  });
});
server.listen(0, '127.0.0.1', () => {
  process.send?.({ port: (server.address() as AddressInfo).port });
});
process.on('message', ({ reset }: { reset?: boolean }) => {
  process.send?.({ count, lastAt, ages: [] });
  if (reset) count = 0;
});
process.once('disconnect', () => process.exit());
