import { codeOf, toError } from './errors.ts';

/** What somebody can do about a connection that could not be made. */
export interface ConnectionAdvice {
  /** One or two sentences, without the last full stop. */
  words: string;
  /** No server was there: another one, or none, may be named instead. */
  isAway: boolean;
}

/** The advice about one kind of trouble with a connection. */
interface Advice {
  /** Codes of Node, nodemailer and MongoDB. */
  codes: readonly (string | RegExp)[];
  /** Words by which it is known where there is no code: amqplib has none. */
  words?: RegExp;
  isAway?: true;
  /** What to do; `setting` holds the address. */
  say: (setting: string) => string;
}

/** The first that fits counts, so the ones that say more stand first. */
const ADVICES: readonly Advice[] = [
  {
    codes: [
      'SELF_SIGNED_CERT_IN_CHAIN',
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      /^UNABLE_TO_GET_ISSUER_CERT/,
      'CERT_UNTRUSTED',
      'CERT_SIGNATURE_FAILURE',
    ],
    say: () =>
      'This machine does not know the authority that signed the certificate of the server. Name the file of that authority in the environment, which Node reads before any .env: NODE_EXTRA_CA_CERTS=/path/to/ca.pem',
  },
  {
    codes: ['ERR_TLS_CERT_ALTNAME_INVALID'],
    say: (setting) =>
      `The certificate of the server is for other names. Use one of those as the host in ${setting}`,
  },
  {
    codes: ['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'],
    say: () => 'The certificate of the server is not valid now. Renew it, or set the clock of this machine',
  },
  {
    codes: ['EPROTO', /^ERR_SSL_/, 'ETLS'],
    say: (setting) =>
      `The server does not speak TLS on this port as we do. Check scheme and port in ${setting}`,
  },
  {
    codes: ['EAUTH', 'ENOAUTH', '18', '8000'],
    words: /ACCESS[-_]REFUSED|Authentication failed|requires authentication/i,
    say: (setting) => `The server refuses the user or the password. Check both in ${setting}`,
  },
  {
    codes: [],
    // amqplib does not pass on why a virtual host cannot be opened.
    words: /NOT[-_]ALLOWED|Expected ConnectionOpenOk/,
    say: (setting) =>
      `The virtual host is not there, or is closed to this user. Check the path at the end of ${setting}`,
  },
  {
    isAway: true,
    codes: ['ENOTFOUND', 'EAI_AGAIN', 'EDNS'],
    say: (setting) => `There is no such host. Check the host in ${setting}`,
  },
  {
    isAway: true,
    codes: ['ECONNREFUSED'],
    words: /ECONNREFUSED/,
    say: (setting) => `Nothing listens there. Start the server, or check host and port in ${setting}`,
  },
  {
    isAway: true,
    codes: ['ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN'],
    words: /ETIMEDOUT|timed out/,
    say: (setting) => `The host does not answer. Check the host in ${setting}, the network, and firewalls`,
  },
  {
    codes: ['ECONNRESET', 'EPIPE'],
    words: /closed abruptly|Expected a protocol header|socket hang up/i,
    say: (setting) =>
      `Something else answers on this port, or wants TLS. Check scheme and port in ${setting}`,
  },
];

/** Says what somebody can do about a connection that could not be made; undefined when nothing is known that helps. `setting` holds the address. */
export function connectionAdvice(thrown: unknown, setting: string): ConnectionAdvice | undefined {
  const errors = chainOf(thrown);
  const found = ADVICES.find((advice) => errors.some((error) => fits(error, advice)));
  return found && { words: found.say(setting), isAway: found.isAway === true };
}

/** The reason of a failed connection in words. One that every address of a host refuses comes as an AggregateError without words. */
export function connectionReason(thrown: unknown): string {
  const error = toError(thrown);
  return error.message || (chainOf(error).find(({ message }) => message !== '')?.message ?? error.name);
}

function fits(error: Error, { codes, words }: Advice): boolean {
  const { originalCode } = error as { originalCode?: unknown };
  const own = [codeOf(error), typeof originalCode === 'string' ? originalCode : undefined];
  return (
    own.some((code) => code !== undefined && codes.some((one) => isCode(code, one))) ||
    words?.test(error.message) === true
  );
}

function isCode(code: string, one: string | RegExp): boolean {
  return typeof one === 'string' ? code === one : one.test(code);
}

/** How deep causes are looked into. */
const MAX_DEPTH = 5;

/** An error with all that it came from: causes, the errors of each address, and those of each member of a replica set. */
function chainOf(thrown: unknown, depth = 0): Error[] {
  if (!(thrown instanceof Error) || depth > MAX_DEPTH) return [];
  const { cause, errors, reason } = thrown as { cause?: unknown; errors?: unknown; reason?: unknown };
  const inner = [cause, ...(Array.isArray(errors) ? (errors as unknown[]) : []), ...membersOf(reason)];
  return [thrown, ...inner.flatMap((one) => chainOf(one, depth + 1))];
}

/** MongoDB's driver keeps the error of each member in its picture of the replica set. */
function membersOf(reason: unknown): unknown[] {
  const { servers } = (reason ?? {}) as { servers?: unknown };
  return servers instanceof Map
    ? [...(servers as Map<string, { error?: unknown }>).values()].map(({ error }) => error)
    : [];
}
