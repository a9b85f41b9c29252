import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../infra/local/ports.ts';
import { findProgram, isExecutable, run } from '../../infra/local/provision/run.ts';
import { until } from './until.ts';

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
  prepare?: (folder: string) => void;
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
  'cleanup unix n - n - 0 cleanup',
  'qmgr unix n - n 1 1 qmgr',
  'rewrite unix - - n - - trivial-rewrite',
  'bounce unix - - n - 0 bounce',
  'defer unix - - n - 0 bounce',
  'trace unix - - n - 0 bounce',
  'verify unix - - n - 1 verify',
  'proxymap unix - - n - - proxymap',
  'smtp unix - - n - - smtp',
  'error unix - - n - - error',
  'retry unix - - n - - error',
  'anvil unix - - n - 1 anvil',
  'scache unix - - n - 1 scache',
  'showq unix n - n - - showq',
  'postlog unix-dgram n - n - 1 postlogd',
];

/** Starts one. Mail is delivered where `transport_maps` says; it retries a deferred mail after a second. */
export async function startPostfix({ main = {}, master = [], prepare }: PostfixOptions): Promise<Postfix> {
  const folder = mkdtempSync(join(tmpdir(), 'postfix-'));
  // Its daemons are other users.
  chmodSync(folder, 0o755);
  const port = await freePort();
  writeConfiguration(folder, port, { main, master });
  prepare?.(folder);
  const config = join(folder, 'etc');
  const log = join(folder, 'postfix.log');
  const postfix = programOf('postfix') ?? 'postfix';
  const child = spawn(postfix, ['-c', config, 'start-fg'], { stdio: 'ignore' });
  const stopNow = (): void => void spawnSync(postfix, ['-c', config, 'abort'], { stdio: 'ignore' });
  process.once('exit', stopNow);
  const read = (): string => readFileSync(log, { encoding: 'utf8', flag: 'a+' });
  await until(() => {
    if (child.exitCode !== null) throw new Error(`Postfix did not start: ${read()}`);
    return read().includes('daemon started');
  });
  return {
    port,
    folder,
    log: read,
    command: async (program, ...args) =>
      (await run(programOf(program) ?? program, ['-c', config, ...args])).output,
    stop: async () => {
      process.off('exit', stopNow);
      await run(postfix, ['-c', config, 'stop'], { timeoutMs: 10_000 });
      await ended(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function writeConfiguration(
  folder: string,
  port: number,
  { main, master }: Required<Pick<PostfixOptions, 'main' | 'master'>>,
): void {
  for (const name of ['etc', 'spool', 'data']) mkdirSync(join(folder, name), { mode: 0o755 });
  const [uid, gid] = ['-u', '-g'].map((what) => Number(spawnSync('id', [what, 'postfix']).stdout.toString()));
  chownSync(join(folder, 'data'), uid ?? 0, gid ?? 0);
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

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('close', () => {
      resolve();
    });
  });
}
