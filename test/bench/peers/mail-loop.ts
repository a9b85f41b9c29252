/** nodemailer's own pool and nothing else: as many mails as it can compose and hand over, from a list in memory. One process. */
import { createTransport } from 'nodemailer';

const { LOOP_SMTP_PORT = '0', LOOP_CONNECTIONS = '20' } = process.env;
const connections = Number(LOOP_CONNECTIONS);
const transport = createTransport({
  host: '127.0.0.1',
  port: Number(LOOP_SMTP_PORT),
  pool: true,
  maxConnections: connections,
  maxMessages: Infinity,
  ignoreTLS: true,
});

async function send(count: number): Promise<number> {
  let left = count;
  const startedAt = performance.now();
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await transport.sendMail({
        from: 'Bench <bench@example.org>',
        to: 'someone@example.org',
        subject: 'Your order',
        text: 'Your order has been shipped.',
      });
    }
  };
  await Promise.all(Array.from({ length: connections }, worker));
  return performance.now() - startedAt;
}

process.on('message', ({ count }: { count: number }) => {
  void send(count).then((ms) => process.send?.({ ms }));
});
process.once('disconnect', () => process.exit());
process.send?.('ready');
