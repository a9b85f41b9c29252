/** What a Node team would pick instead, the worker: a BullMQ worker that sends with pooled nodemailer. */
import { Worker } from 'bullmq';
import { createTransport } from 'nodemailer';

const { PEER_REDIS_PORT, PEER_SMTP_PORT, PEER_CONNECTIONS = '20' } = process.env;
const connections = Number(PEER_CONNECTIONS);
const transport = createTransport({
  host: '127.0.0.1',
  port: Number(PEER_SMTP_PORT),
  pool: true,
  maxConnections: connections,
  maxMessages: Infinity,
  ignoreTLS: true,
});
const worker = new Worker<{ email: string; subject: string; message: string }>(
  'mail',
  async ({ data }) => {
    await transport.sendMail({
      from: 'Bench <bench@example.org>',
      to: data.email,
      subject: data.subject,
      text: data.message,
    });
  },
  { connection: { host: '127.0.0.1', port: Number(PEER_REDIS_PORT) }, concurrency: connections },
);
await worker.waitUntilReady();
process.once('disconnect', () => process.exit());
process.send?.('ready');
