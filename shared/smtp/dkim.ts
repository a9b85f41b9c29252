import DKIM from 'nodemailer/lib/dkim';
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { ConfigError, type Config } from '../runtime/config.ts';
import { toError } from '../runtime/errors.ts';
import type { Mail } from './compose.ts';
import { domainOf, isOfDomain } from './domains.ts';
import { mailBytes } from './mail-bytes.ts';

/** Signs a mail of this From, or leaves it as it is when the From is not ours to vouch for. */
export type MailSigner = (mail: Mail, from: string) => Mail;

/** RFC 8301: verifiers need not take shorter ones, and nobody should make them. */
const LEAST_RSA_BITS = 2048;

/** What RFC 6376 §5.4 advises, and what RFC 8058 demands for one click to unsubscribe. */
const SIGNED_FIELDS = [
  ...['From', 'Sender', 'Reply-To', 'To', 'Cc', 'Subject', 'Date', 'Message-ID', 'In-Reply-To', 'References'],
  ...['MIME-Version', 'Content-Type', 'Content-Transfer-Encoding', 'Auto-Submitted'],
  ...['List-Id', 'List-Unsubscribe', 'List-Unsubscribe-Post'],
].join(':');

/**
 * The signer of the settings; undefined without DKIM_DOMAIN.
 * @throws ConfigError for a key that cannot sign, and when no sender is of the domain.
 */
export function dkimSignerOf(config: Config): MailSigner | undefined {
  const { DKIM_DOMAIN: domain, DKIM_KEY_FILE: file, DKIM_SELECTOR: selector } = config;
  if (domain === undefined && file === undefined) return undefined;
  if (domain === undefined || file === undefined)
    throw new ConfigError(
      'DKIM_DOMAIN and DKIM_KEY_FILE are needed together; npm run dkim:record makes a key',
    );
  const others = [config.SMS_GATEWAY_FROM ?? [], config.ALLOWED_SENDERS?.split(',') ?? []].flat();
  const senders = [config.MAIL_FROM, ...others];
  if (!senders.some((sender) => isOfDomain(sender, domain)))
    throw new ConfigError(
      `DKIM_DOMAIN: no sender is of ${domain}, so nothing would be signed: those of MAIL_FROM, ALLOWED_SENDERS and SMS_GATEWAY_FROM are of ${senders.map(domainOf).join(', ')}`,
    );
  return dkimSigner({ domain, selector, privateKey: readSigningKey(file) });
}

/** Signs what is handed over, when it is: a mail that is refused before its body costs no signature, and one that is handed over twice gets two. */
export function dkimSigner(key: { domain: string; selector: string; privateKey: KeyObject }): MailSigner {
  const dkim = new DKIM({
    domainName: key.domain,
    keySelector: key.selector,
    privateKey: key.privateKey,
    headerFieldNames: SIGNED_FIELDS,
  });
  return (mail, from) => {
    if (!isOfDomain(from, key.domain)) return mail;
    return {
      getEnvelope: () => mail.getEnvelope(),
      messageId: () => mail.messageId(),
      getHeader: (name) => mail.getHeader(name),
      createReadStream: () => Readable.from(signed(dkim, mail), { objectMode: false }),
    };
  };
}

async function* signed(dkim: DKIM, mail: Mail): AsyncGenerator<Buffer> {
  // Over the very bytes of the wire: a lone line feed that became CRLF later would break the signature.
  yield* dkim.sign(await mailBytes(mail)) as AsyncIterable<Buffer>;
}

/** A key that can sign: nodemailer would send without a signature where one cannot. @throws ConfigError that says what is wrong with it. */
export function readSigningKey(file: string): KeyObject {
  const key = readKey(file);
  if (key.asymmetricKeyType !== 'rsa')
    throw new ConfigError(
      `DKIM_KEY_FILE: ${file} is a key for ${key.asymmetricKeyType ?? 'something else'}; it must be an RSA key, which every receiver can check: npm run dkim:record makes one`,
    );
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < LEAST_RSA_BITS)
    throw new ConfigError(`DKIM_KEY_FILE: ${file} has ${bits} bits; it must have at least ${LEAST_RSA_BITS}`);
  return key;
}

function readKey(file: string): KeyObject {
  try {
    return createPrivateKey(readFileSync(file));
  } catch (thrown) {
    throw new ConfigError(
      `DKIM_KEY_FILE: ${file} cannot be read as a private key in PEM: ${toError(thrown).message}`,
    );
  }
}
