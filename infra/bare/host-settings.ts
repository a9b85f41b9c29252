import { cpSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { setIn } from '../../shared/runtime/environment.ts';
import { run } from '../local/provision/run.ts';

/** How this machine reaches its package sources; a root without it reaches none. Files and folders, each taken over to the same path. */
const FILES = [
  '/etc/resolv.conf',
  '/etc/hosts',
  '/etc/apt/sources.list',
  '/etc/apt/sources.list.d',
  '/etc/apt/auth.conf',
  '/etc/apt/auth.conf.d',
  '/etc/apt/keyrings',
  '/etc/apt/trusted.gpg',
  '/etc/apt/trusted.gpg.d',
  '/usr/share/keyrings',
  '/etc/ssl/certs/ca-certificates.crt',
  '/usr/local/share/ca-certificates',
  '/usr/local/etc/npmrc',
  '/etc/npmrc',
  '/etc/pip.conf',
];
/** The same of the user, under the home of root. */
const OWN_FILES = ['.npmrc', '.config/pip/pip.conf', '.pip/pip.conf'];

/** Variables about registries, proxies and certificates; nothing that says where things are on this machine. */
const VARIABLES = [
  /^(https?|no|ftp|all)_proxy$/i,
  /^npm_config_(registry|proxy|https_proxy|noproxy|cafile|strict_ssl|fetch_\w+|.*:_authtoken)$/i,
  /^PIP_(?!FIND_LINKS|TARGET|PREFIX|CACHE_DIR|LOG)/,
  /^(NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE)$/,
];

/** Where files that variables name are inside: a package that is installed there rewrites its own. */
const NAMED = '/etc/from-host';

/** The environment of this machine for commands inside a root. */
export function hostEnvironment(env: NodeJS.ProcessEnv = process.env): Record<string, string> {
  return Object.fromEntries(
    variables(env).map(([name, value]) => [name, isFile(value) ? placeOf(value) : value]),
  );
}

/** Takes over how this machine reaches its registries and package sources into a root. */
export async function carrySettings(root: string): Promise<void> {
  for (const path of FILES) carry(path, join(root, path));
  for (const path of OWN_FILES) carry(join(homedir(), path), join(root, 'root', path));
  for (const [, value] of variables(process.env)) if (isFile(value)) carry(value, join(root, placeOf(value)));
  // What says how to fetch; the rest calls programs of this machine.
  const { output } = await run('apt-config', ['dump', '--format', '%F "%v";%n']);
  const fetching = output.split('\n').filter((line) => /^Acquire::.+ ".+";$/.test(line));
  writeFileSync(join(root, 'etc/apt/apt.conf.d/90-host'), `${fetching.join('\n')}\n`);
}

function variables(env: NodeJS.ProcessEnv): [string, string][] {
  return Object.entries(setIn(env)).filter(([name]) => VARIABLES.some((one) => one.test(name)));
}

function placeOf(path: string): string {
  return `${NAMED}/${path.slice(1).replaceAll('/', '-')}`;
}

function carry(from: string, to: string): void {
  if (!existsSync(from)) return;
  mkdirSync(dirname(to), { recursive: true });
  // A link is of this machine; what it leads to is wanted.
  cpSync(from, to, { recursive: true, dereference: true, force: true });
}

function isFile(path: string): boolean {
  return isAbsolute(path) && existsSync(path) && statSync(path).isFile();
}
