import { ConfigError, readConfig } from '../../../shared/runtime/config.ts';
import { toError } from '../../../shared/runtime/errors.ts';
import { linkFor } from './first-link.ts';
import { FIRST_ACCOUNT } from './links.ts';

/**
 * Prints a one-time sign-in link: `node dist/services/producer/sign-in/main.js [name] [--admin]`, with MONGO_URI and PUBLIC_URL as the
 * producer has them. `--admin` makes the account an open one of an admin first, for when nobody else can.
 */
const name = process.argv.slice(2).find((word) => !word.startsWith('--')) ?? FIRST_ACCOUNT;
const isAdmin = process.argv.includes('--admin');
try {
  const config = readConfig();
  const address = config.PUBLIC_URL ?? `http://127.0.0.1:${config.PORT}`;
  const link = await linkFor(config, address, name, isAdmin);
  if (!link)
    throw new ConfigError(
      `There is no account ${name}, or it is disabled. An admin adds accounts on /accounts.`,
    );
  process.stdout.write(
    `This link signs in as ${link.name}. It works once, within a day:\n  ${link.address}\n`,
  );
} catch (thrown) {
  process.stderr.write(`${toError(thrown).message}\n`);
  process.exitCode = 1;
}
