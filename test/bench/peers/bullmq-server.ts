/** What a Node team would pick instead, the door: Express + BullMQ. Each request adds one job and answers 202. */
import type { AddressInfo } from 'node:net';
import { Queue } from 'bullmq';
import express from 'express';

const queue = new Queue('mail', {
  connection: { host: '127.0.0.1', port: Number(process.env.PEER_REDIS_PORT) },
});
const app = express();
app.use(express.json());
app.post('/v1/notifications', (request, response, next) => {
  queue
    .add('mail', request.body as object, {
      attempts: 6,
      backoff: { type: 'exponential', delay: 30_000 },
      removeOnComplete: true,
    })
    .then((job) => response.status(202).json({ id: job.id, status: 'pending' }))
    .catch(next);
});
const server = app.listen(0, '127.0.0.1', () => {
  process.send?.({ port: (server.address() as AddressInfo).port });
});
process.once('disconnect', () => process.exit());
