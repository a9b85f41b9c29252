import { readFileSync, statSync } from 'node:fs';
import { setIn } from '../../../shared/runtime/environment.ts';
import { toError } from '../../../shared/runtime/errors.ts';
import { isLoopback } from '../../../shared/runtime/loopback.ts';
import { CliError, usageError } from '../exit.ts';
import { fleetHere, type FleetHere } from './fleet-here.ts';

/** Where a producer listens unless told otherwise. */
const DEFAULT_URL = 'http://localhost:3000';
/** What an Authorization header can carry; no key and no token has anything else. */
const BEARER = /^[\x21-\x7e]+$/;
/** The public half of a key that the API made. */
const KEY_ID = /^tidk_([0-9a-f]+)_/;

/** Where the API is, and what is shown there. */
export interface Connection {
  /** Without a slash at its end. */
  address: string;
  key: string;
  /** Where the key was found, for whoever has a wrong one. */
  keyFrom: string;
  /** What somebody should know before it is used. */
  warnings: string[];
}

/** There is no key for an address. */
export class NoKeyError extends CliError {
  readonly address: string;
  /** That no fleet runs in this folder, whose key would have been found. */
  readonly isNoneHere: boolean;

  constructor(address: string, isNoneHere: boolean, words: string) {
    super('denied', words);
    this.address = address;
    this.isNoneHere = isNoneHere;
  }
}

/** What was said about it on the command line. There is none for the key itself: whoever lists processes would see it. */
export interface ConnectionOptions {
  url?: string;
  keyFile?: string;
}

/** Finds address and key. @throws CliError that says what to set */
export function connectionOf(
  { url, keyFile }: ConnectionOptions,
  env: NodeJS.ProcessEnv,
  here: FleetHere | undefined = fleetHere(env),
): Connection {
  const named = url ?? setIn(env).TIDINGS_URL;
  const address = addressOf(
    named ?? here?.address ?? DEFAULT_URL,
    url === undefined ? 'TIDINGS_URL' : '--url',
  );
  const found = keyOf(keyFile, env, here && isSame(address, here.address) ? here : undefined);
  if (found === undefined)
    throw new NoKeyError(
      address,
      here === undefined,
      `No key for ${address}. Set TIDINGS_API_KEY, or name a file that holds one with --key-file or TIDINGS_KEY_FILE. ` +
        'The key of a fleet that npm start runs in this folder is found by itself.',
    );
  if (!BEARER.test(found.key))
    throw usageError(`${found.keyFrom} holds no key: a key is one word of printable ASCII.`);
  return { address, key: found.key, keyFrom: found.keyFrom, warnings: warningsOf(address, found.file) };
}

/** Who sends, as far as idempotency keys belong to somebody: the id of a key, which a rotation keeps. Nothing of a secret is in it. */
export function senderOf(key: string): string {
  const id = KEY_ID.exec(key)?.[1];
  return id === undefined ? 'a key without an id' : `the key ${id}`;
}

/** Whether two addresses are the same place; this machine has several names for itself. */
function isSame(one: string, other: string): boolean {
  return placeOf(one) === placeOf(other);
}

/** An address in one spelling. */
export function placeOf(address: string): string {
  const url = new URL(address);
  if (isLoopback(url.hostname)) url.hostname = 'localhost';
  return url.href.replace(/\/$/, '');
}

function addressOf(text: string, source: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol))
    throw usageError(`${source} must be an address such as https://tidings.example.org, not ${text}`);
  if (url.username || url.password)
    throw usageError(`${source} must not hold a user or password: the API takes a key (TIDINGS_API_KEY).`);
  if (url.search || url.hash) throw usageError(`${source} must end with the path: no ? and no # in it.`);
  return url.href.replace(/\/+$/, '');
}

interface FoundKey {
  key: string;
  keyFrom: string;
  file?: string;
}

/** The first of: --key-file, TIDINGS_API_KEY, TIDINGS_KEY_FILE, the fleet here. */
function keyOf(
  keyFile: string | undefined,
  env: NodeJS.ProcessEnv,
  here: FleetHere | undefined,
): FoundKey | undefined {
  if (keyFile !== undefined) return keyInFile(keyFile, '--key-file');
  const { TIDINGS_API_KEY: key, TIDINGS_KEY_FILE: file } = setIn(env);
  if (key !== undefined) return { key: key.trim(), keyFrom: 'TIDINGS_API_KEY' };
  if (file !== undefined) return keyInFile(file, 'TIDINGS_KEY_FILE');
  return here && { key: here.apiKey, keyFrom: 'the fleet that runs in this folder' };
}

function keyInFile(file: string, source: string): FoundKey {
  try {
    return { key: readFileSync(file, 'utf8').trim(), keyFrom: `${source} (${file})`, file };
  } catch (thrown) {
    throw usageError(`${source}: the key cannot be read: ${toError(thrown).message}`);
  }
}

function warningsOf(address: string, file: string | undefined): string[] {
  const { protocol, hostname } = new URL(address);
  const isOpenWire = protocol === 'http:' && !isLoopback(hostname);
  const isOpenFile =
    file !== undefined && process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0;
  return [
    ...(isOpenWire
      ? [`The key goes to ${address} as it is: with https nobody on the way could read it.`]
      : []),
    ...(isOpenFile ? [`Others on this machine can read the key: chmod 600 ${file}`] : []),
  ];
}
