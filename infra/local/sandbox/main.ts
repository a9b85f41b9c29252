import { z } from 'zod';
import { toError } from '../../../shared/runtime/errors.ts';
import { startSandbox, type Sandbox } from './sandbox.ts';

const port = z.coerce.number().int().min(0).max(65_535);
const environment = z.object({
  SANDBOX_SMTP_PORT: port,
  SANDBOX_HTTP_PORT: port,
  SANDBOX_TWILIO_ACCOUNT_SID: z.string().min(1),
  SANDBOX_TWILIO_AUTH_TOKEN: z.string().min(1),
});

try {
  stopOnSignals(await startFromEnvironment());
} catch (thrown) {
  process.stderr.write(`the sandbox could not start: ${toError(thrown).message}\n`);
  process.exit(1);
}

async function startFromEnvironment(): Promise<Sandbox> {
  const result = environment.safeParse(process.env);
  if (!result.success) throw new Error(z.prettifyError(result.error));
  const env = result.data;
  const sandbox = await startSandbox({
    smtpPort: env.SANDBOX_SMTP_PORT,
    httpPort: env.SANDBOX_HTTP_PORT,
    accountSid: env.SANDBOX_TWILIO_ACCOUNT_SID,
    authToken: env.SANDBOX_TWILIO_AUTH_TOKEN,
  });
  process.stdout.write(
    `mail on smtp://127.0.0.1:${sandbox.smtpPort}, SMS and mailbox on http://127.0.0.1:${sandbox.httpPort}\n`,
  );
  return sandbox;
}

function stopOnSignals(sandbox: Sandbox): void {
  const stop = (): void => {
    void sandbox.stop().finally(() => process.exit(0));
  };
  process.once('SIGTERM', stop).once('SIGINT', stop);
  if (process.env.TIDINGS_SUPERVISED === '1') process.stdin.resume().once('end', stop);
}
