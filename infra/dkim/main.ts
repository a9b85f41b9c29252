import { existsSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import { parseArgs } from 'node:util';
import { ConfigError, readConfig, type Config } from '../../shared/runtime/config.ts';
import { toError } from '../../shared/runtime/errors.ts';
import { domainOf, readSigningKey } from '../../shared/smtp/index.ts';
import { loadEnvironment } from '../local/environment.ts';
import { makeKey } from './key.ts';
import { dkimValue, quoted } from './record.ts';

/** `npm run dkim:record`: makes the key that signs, once, and prints what belongs into DNS. */
const USAGE = `npm run dkim:record [-- options]

  --domain <domain>       whose mail is signed; DKIM_DOMAIN, else that of MAIL_FROM
  --selector <name>       name of the key; DKIM_SELECTOR
  --key-file <file>       where the private key is, or is to be; DKIM_KEY_FILE, else .data/dkim/<domain>.<selector>.pem
`;

/** Printed beside a key that lies where `reset` deletes. */
const RESET_WARNING =
  'WARNING: npm run reset removes .data, and this key with it: for good use move it, or give --key-file a place among your secrets.\n';

try {
  main();
} catch (thrown) {
  process.stderr.write(`${toError(thrown).message}\n`);
  process.exitCode = 1;
}

function main(): void {
  const given = argumentsOf(process.argv.slice(3));
  if (given.help) {
    process.stdout.write(USAGE);
    return;
  }
  loadEnvironment();
  const { domain, selector, file } = namesOf(given, readConfig());
  const isNew = !existsSync(file);
  if (isNew) makeKey(file);
  process.stdout.write(textOf({ domain, selector, file, isNew }));
}

interface Arguments {
  help?: boolean;
  domain?: string;
  selector?: string;
  'key-file'?: string;
}

function argumentsOf(args: string[]): Arguments {
  const options = {
    help: { type: 'boolean' },
    domain: { type: 'string' },
    selector: { type: 'string' },
    'key-file': { type: 'string' },
  } as const;
  try {
    return parseArgs({ args, options }).values;
  } catch (thrown) {
    throw new ConfigError(`${toError(thrown).message}\n\n${USAGE}`);
  }
}

function namesOf(given: Arguments, config: Config): { domain: string; selector: string; file: string } {
  const wanted = {
    DKIM_DOMAIN: given.domain ?? config.DKIM_DOMAIN ?? domainOf(config.MAIL_FROM),
    DKIM_SELECTOR: given.selector ?? config.DKIM_SELECTOR,
  };
  // By the very rules of the settings that they become.
  const { DKIM_DOMAIN: domain = '', DKIM_SELECTOR: selector } = readConfig(wanted);
  return {
    domain,
    selector,
    file: given['key-file'] ?? config.DKIM_KEY_FILE ?? `.data/dkim/${domain}.${selector}.pem`,
  };
}

function isUnderData(file: string): boolean {
  return resolve(file).startsWith(resolve('.data') + sep);
}

function textOf({
  domain,
  selector,
  file,
  isNew,
}: {
  domain: string;
  selector: string;
  file: string;
  isNew: boolean;
}): string {
  return `The private key ${isNew ? 'is new' : 'was there already'}: ${file}. Only the e-mail consumer needs it; keep a copy where your other secrets are.
${isUnderData(file) ? RESET_WARNING : ''}
Into the DNS of ${domain}:

${selector}._domainkey.${domain}. TXT ${quoted(dkimValue(readSigningKey(file)))}

And, unless they are there already (one record each; what they must say depends on who else sends for ${domain}):

${domain}. TXT "v=spf1 include:<what your mail server's operator names> ~all"
_dmarc.${domain}. TXT "v=DMARC1; p=none; rua=mailto:postmaster@${domain}"

Settings of the e-mail consumer, once the first record is to be seen (dig TXT ${selector}._domainkey.${domain}):

DKIM_DOMAIN=${domain}
DKIM_SELECTOR=${selector}
DKIM_KEY_FILE=${file}

docs/mail-domain.md says what each of them is for, and how to go on to p=reject.
`;
}
