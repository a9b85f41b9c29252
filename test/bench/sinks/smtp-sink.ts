/** A mail server that takes everything: the same for every peer. Answers with how many came, and how old each was by its subject. */
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

let count = 0;
let lastAt = 0;
let ages: number[] = [];
const SENT_AT = /^Subject: (?:.*?)t=(\d+)/m;

const server = new SMTPServer({
  disabledCommands: ['AUTH', 'STARTTLS'],
  onData: (stream, _session, done) => {
    let head = '';
    stream.on('data', (bytes: Buffer) => {
      if (head.length < 1_024) head += bytes.toString('latin1');
    });
    stream.once('end', () => {
      done();
      count += 1;
      lastAt = Date.now();
      const sentAt = SENT_AT.exec(head)?.[1];
      if (sentAt !== undefined) ages.push(lastAt - Number(sentAt));
    });
  },
});
// A peer that is ended leaves its connections as they are.
server.on('error', () => undefined);
server.listen(0, '127.0.0.1', () => {
  process.send?.({ port: (server.server.address() as AddressInfo).port });
});
process.on('message', ({ reset }: { reset?: boolean }) => {
  process.send?.({ count, lastAt, ages });
  if (!reset) return;
  count = 0;
  ages = [];
});
process.once('disconnect', () => process.exit());
