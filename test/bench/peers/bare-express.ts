/** Express 5 with `express.json()`, which answers 202 and does nothing: what the web framework alone can do. */
import type { AddressInfo } from 'node:net';
import express from 'express';

const app = express();
app.use(express.json());
app.post('/v1/notifications', (_request, response) => {
  response.status(202).json({ id: '0', status: 'pending' });
});
const server = app.listen(0, '127.0.0.1', () => {
  process.send?.({ port: (server.address() as AddressInfo).port });
});
process.once('disconnect', () => process.exit());
