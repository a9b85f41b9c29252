import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../infra/local/ports.ts';
import { findProgram, isExecutable, run } from '../../infra/local/provision/run.ts';
import { ownFolder, peerFolder, startPeerServer } from './peer-server.ts';

/** A real Postfix with configuration, queue and ports of its own. */
export interface Postfix {
  /** Where it takes mail, on 127.0.0.1. */
  port: number;
  /** A folder that its daemons can read, for what a test gives them. */
  folder: string;
  /** All that it has logged so far. */
  log: () => string;
  /** Runs a command of Postfix on this instance, such as `postqueue -p`; answers what it says. */
  command: (program: string, ...args: string[]) => Promise<string>;
  stop: () => Promise<void>;
}

/** What is configured beside the usual. */
export interface PostfixOptions {
  /** Parameters of main.cf. */
  main?: Readonly<Record<string, string>>;
  /** Further lines of master.cf; `{folder}` is the folder of the instance. */
  master?: readonly string[];
  /** Called with the folder before it starts. */
  prepare?: (folder: string) => void | Promise<void>;
}

/** Why no Postfix can be started here, for a test that is skipped; undefined where it can. Its master process needs root. */
export function postfixTrouble(): string | undefined {
  if (programOf('postfix') === undefined) return 'postfix is not installed (apt-get install postfix)';
  return process.getuid?.() === 0 ? undefined : 'Postfix can only be started by root';
}

/** By the environment of `npm test`, or of the system; servers lie where the path of an ordinary user does not lead. */
function programOf(name: string): string | undefined {
  const given = JSON.parse(process.env.PEER_PROGRAMS ?? '{}') as Record<string, string | undefined>;
  return given[name] ?? findProgram(name) ?? [join('/usr/sbin', name)].find(isExecutable);
}

/** Services of master.cf that every instance has; nothing is in a chroot. */
const SERVICES = [
  'pickup unix n - n 60 1 pickup',
  'cleanup unix n - n - 0 cleanup',
  'qmgr unix n - n 1 1 qmgr',
  'rewrite unix - - n - - trivial-rewrite',
  'bounce unix - - n - 0 bounce',
  'defer unix - - n - 0 bounce',
  'trace unix - - n - 0 bounce',
  'verify unix - - n - 1 verify',
  'proxymap unix - - n - - proxymap',
  'tlsmgr unix - - n 1000? 1 tlsmgr',
  'smtp unix - - n - - smtp',
  'lmtp unix - - n - - lmtp',
  'discard unix - - n - - discard',
  'error unix - - n - - error',
  'retry unix - - n - - error',
  'anvil unix - - n - 1 anvil',
  'scache unix - - n - 1 scache',
  'showq unix n - n - - showq',
  'postlog unix-dgram n - n - 1 postlogd',
];

/** The folders of its queue that belong to it. */
const QUEUES = [
  ...['active', 'bounce', 'corrupt', 'defer', 'deferred', 'flush', 'hold', 'incoming', 'maildrop'],
  ...['private', 'public', 'saved', 'trace'],
];

/** Starts one. Mail is delivered where `transport_maps` says; it retries a deferred mail after a second. */
export async function startPostfix({ main = {}, master = [], prepare }: PostfixOptions): Promise<Postfix> {
  const folder = peerFolder('postfix');
  const port = await freePort();
  makeQueue(folder);
  writeConfiguration(folder, port, { main, master });
  await prepare?.(folder);
  const config = join(folder, 'etc');
  const log = join(folder, 'postfix.log');
  const command = async (program: string, ...args: string[]): Promise<string> =>
    (await run(programOf(program) ?? program, ['-c', config, ...args])).output;
  // The built-in value: with the configuration, postconf also warns of whatever it finds odd.
  const { output: daemons } = await run(programOf('postconf') ?? 'postconf', [
    '-d',
    '-h',
    'daemon_directory',
  ]);
  const server = await startPeerServer({
    name: 'master',
    folder,
    command: join(daemons, 'master'),
    // With -d it stays in the process group that ends with the test; `postfix start-fg` leaves that.
    args: ['-d', '-c', config],
    ports: [port],
  });
  return {
    port,
    folder,
    log: () => (existsSync(log) ? readFileSync(log, 'utf8') : ''),
    command,
    stop: server.stop,
  };
}

/** What `postfix check` makes, which takes that a long time on a busy machine. */
function makeQueue(folder: string): void {
  mkdirSync(join(folder, 'etc'));
  mkdirSync(join(folder, 'spool/pid'), { recursive: true });
  for (const name of QUEUES) ownFolder(join(folder, 'spool', name), 'postfix');
  ownFolder(join(folder, 'data'), 'postfix');
}

function writeConfiguration(
  folder: string,
  port: number,
  { main, master }: Required<Pick<PostfixOptions, 'main' | 'master'>>,
): void {
  const parameters = {
    compatibility_level: '3.6',
    queue_directory: join(folder, 'spool'),
    data_directory: join(folder, 'data'),
    maillog_file: join(folder, 'postfix.log'),
    maillog_file_prefixes: folder,
    myhostname: 'mx.localhost.example',
    inet_interfaces: '127.0.0.1',
    inet_protocols: 'ipv4',
    mynetworks: '127.0.0.0/8',
    mydestination: '',
    smtpd_relay_restrictions: 'permit_mynetworks, reject',
    smtp_dns_support_level: 'disabled',
    queue_run_delay: '1s',
    minimal_backoff_time: '1s',
    maximal_backoff_time: '1s',
    ...main,
  };
  const lines = Object.entries(parameters).map(([name, value]) => `${name} = ${value}`);
  writeFileSync(join(folder, 'etc/main.cf'), `${lines.join('\n')}\n`);
  const services = [`127.0.0.1:${port} inet n - n - - smtpd`, ...SERVICES, ...master];
  writeFileSync(join(folder, 'etc/master.cf'), `${services.join('\n').replaceAll('{folder}', folder)}\n`);
}
