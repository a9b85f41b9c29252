import { z } from 'zod';
import { setIn } from '../../../shared/runtime/environment.ts';
import { toError } from '../../../shared/runtime/errors.ts';
import type { GoogleClient } from './google-account.ts';
import { startSandbox, type Sandbox } from './sandbox.ts';

const port = z
  .string({ error: 'is missing; 0 takes any free port' })
  .regex(/^\d{1,5}$/, { error: 'must be a port from 0 to 65535; 0 takes any free one' })
  .transform(Number)
  .refine((number) => number <= 65_535, { error: 'must be at most 65535' });
const filled = z.string({ error: 'is missing' }).min(1, { error: 'is empty' });
const environment = z.object({
  SANDBOX_SMTP_PORT: port,
  SANDBOX_HTTP_PORT: port,
  SANDBOX_BOUNCE_PORT: port.optional(),
  SANDBOX_TWILIO_ACCOUNT_SID: filled,
  SANDBOX_TWILIO_AUTH_TOKEN: filled,
  SANDBOX_GOOGLE_CLIENT_ID: filled.optional(),
  SANDBOX_GOOGLE_CLIENT_SECRET: filled.optional(),
  SANDBOX_GOOGLE_REFRESH_TOKEN: filled.optional(),
});

/** Stopping takes milliseconds; if it ever does not, the process ends after so many anyway. */
const STOP_MS = 2_000;

const starting = startFromEnvironment();
stopOnSignals(starting);
try {
  await starting;
} catch (thrown) {
  process.stderr.write(`the sandbox could not start: ${toError(thrown).message}\n`);
  process.exit(1);
}

async function startFromEnvironment(): Promise<Sandbox> {
  const result = environment.safeParse(setIn(process.env));
  if (!result.success) throw new Error(problemsOf(result.error));
  const env = result.data;
  const sandbox = await startSandbox({
    smtpPort: env.SANDBOX_SMTP_PORT,
    httpPort: env.SANDBOX_HTTP_PORT,
    bouncePort: env.SANDBOX_BOUNCE_PORT,
    accountSid: env.SANDBOX_TWILIO_ACCOUNT_SID,
    authToken: env.SANDBOX_TWILIO_AUTH_TOKEN,
    google: googleClientOf(env),
  });
  process.stdout.write(
    `mail on smtp://127.0.0.1:${sandbox.smtpPort}, SMS and mailbox on http://127.0.0.1:${sandbox.httpPort}\n`,
  );
  return sandbox;
}

/** Who does not send by Gmail names no client. */
function googleClientOf(env: z.output<typeof environment>): GoogleClient | undefined {
  const { SANDBOX_GOOGLE_CLIENT_ID: clientId, SANDBOX_GOOGLE_CLIENT_SECRET: clientSecret } = env;
  const { SANDBOX_GOOGLE_REFRESH_TOKEN: refreshToken } = env;
  if (clientId === undefined || clientSecret === undefined || refreshToken === undefined) return undefined;
  return { clientId, clientSecret, refreshToken };
}

function problemsOf({ issues }: z.ZodError): string {
  return issues.map((issue) => `\n  ${issue.path.join('.')}: ${issue.message}`).join('');
}

function stopOnSignals(starting: Promise<Sandbox>): void {
  const stop = (): void => {
    setTimeout(() => process.exit(1), STOP_MS).unref();
    void starting.then((sandbox) => sandbox.stop()).then(() => process.exit(0));
  };
  process.once('SIGTERM', stop).once('SIGINT', stop);
  // A supervised process must not outlive its supervisor, even one that was killed.
  if (process.env.TIDINGS_SUPERVISED === '1') process.stdin.resume().once('end', stop).once('error', stop);
}
