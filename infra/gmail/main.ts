import { parseArgs } from 'node:util';
import { ConfigError, readConfig } from '../../shared/runtime/config.ts';
import { SECOND } from '../../shared/runtime/duration.ts';
import { toError } from '../../shared/runtime/errors.ts';
import { googleAddresses, SEND_ONLY, WHOLE_MAILBOX } from '../../shared/google/index.ts';
import { loadEnvironment } from '../local/environment.ts';
import { exchange } from './exchange.ts';
import { newConsent } from './consent.ts';
import { writeSetting } from './env-file.ts';
import { ConnectError } from './errors.ts';
import { listenForAnswer } from './loopback.ts';

/** `npm run gmail:connect`: leads through Google's consent and gets the refresh token by which the e-mail consumer sends. */
const USAGE = `npm run gmail:connect [-- options]

Needs GMAIL_CLIENT_ID and GMAIL_CLIENT_SECRET, in the environment or in .env (docs/gmail.md says where they come from).

  --write <file>     puts GMAIL_REFRESH_TOKEN into this file, such as .env, instead of printing it
  --smtp             asks for the whole mailbox, which SMTP_OAUTH needs; else for sending only
  --port <number>    listens on this port of 127.0.0.1; any free one when not given
  --wait <seconds>   how long to wait for the answer; 300 when not given
`;

try {
  await main();
} catch (thrown) {
  const error = toError(thrown);
  const isExpected = error instanceof ConnectError || error instanceof ConfigError;
  process.stderr.write(`${isExpected ? error.message : (error.stack ?? error.message)}\n`);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const { help, write, smtp, port, wait } = argumentsOf(process.argv.slice(3));
  if (help) {
    say(USAGE);
    return;
  }
  loadEnvironment();
  const config = readConfig();
  const { GMAIL_CLIENT_ID: clientId, GMAIL_CLIENT_SECRET: clientSecret } = config;
  if (clientId === undefined || clientSecret === undefined)
    throw new ConnectError(
      'GMAIL_CLIENT_ID and GMAIL_CLIENT_SECRET are needed first: at https://console.cloud.google.com/apis/credentials make an OAuth client of the kind "Desktop app", and put both into .env. docs/gmail.md has the steps.',
    );
  const addresses = googleAddresses(config);
  const scope = smtp ? WHOLE_MAILBOX : SEND_ONLY;
  const consent = newConsent({ address: addresses.consent, clientId, scope, user: config.GMAIL_USER });
  const listener = await listenForAnswer(port, consent.state);
  try {
    say(
      `Open this address in a browser on this machine, and agree:\n\n  ${consent.urlFor(listener.redirectUri)}\n`,
    );
    say(`Waiting for Google's answer on ${listener.redirectUri} for ${wait} s …`);
    const code = await listener.answer(wait * SECOND);
    const { verifier } = consent;
    const client = { clientId, clientSecret };
    const token = await exchange(addresses.token, {
      ...client,
      code,
      verifier,
      redirectUri: listener.redirectUri,
      scope,
    });
    tell(token, write);
  } finally {
    await listener.close();
  }
}

function tell(token: string, file: string | undefined): void {
  const then = 'Then restart the e-mail consumer, with EMAIL_PROVIDERS=gmail or SMTP_OAUTH=google.';
  if (file === undefined) {
    say(
      `\nGoogle agrees. Put this into .env, or into the settings of the e-mail consumer:\n\nGMAIL_REFRESH_TOKEN=${token}\n\n${then}`,
    );
    return;
  }
  writeSetting(file, 'GMAIL_REFRESH_TOKEN', token);
  say(`\nGoogle agrees. GMAIL_REFRESH_TOKEN is in ${file}, which only its owner may read. ${then}`);
}

interface Arguments {
  help: boolean;
  write: string | undefined;
  smtp: boolean;
  port: number;
  /** Seconds. */
  wait: number;
}

function argumentsOf(args: string[]): Arguments {
  const options = {
    help: { type: 'boolean', default: false },
    write: { type: 'string' },
    smtp: { type: 'boolean', default: false },
    port: { type: 'string', default: '0' },
    wait: { type: 'string', default: '300' },
  } as const;
  try {
    const { help, write, smtp, port, wait } = parseArgs({ args, options }).values;
    return { help, write, smtp, port: whole('--port', port, 65_535), wait: whole('--wait', wait, 3_600) };
  } catch (thrown) {
    throw new ConnectError(`${toError(thrown).message}\n\n${USAGE}`);
  }
}

function whole(name: string, text: string, max: number): number {
  const number = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (number <= max) return number;
  throw new ConnectError(`${name} must be a whole number up to ${max}`);
}

function say(words: string): void {
  process.stdout.write(`${words}\n`);
}
