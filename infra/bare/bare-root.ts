import { spawn, type ChildProcess } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { pause } from '../../shared/runtime/backoff.ts';
import { aptMirror, canInstallPackages, installPackages } from '../local/provision/packages.ts';
import { ProvisionError, findProgram, run } from '../local/provision/run.ts';
import { carrySettings, hostEnvironment } from './host-settings.ts';

/** The release whose smallest installation is made. */
const SUITE = 'bookworm';
const MADE_WITHIN_MS = 900_000;
/** What programs expect of a system, from this machine: mounted, and unmounted in the opposite order. */
const MOUNTS = [
  ['-t', 'proc', 'proc', 'proc'],
  ['--bind', '/dev', 'dev'],
  ['--bind', '/dev/pts', 'dev/pts'],
  ['--bind', '/dev/shm', 'dev/shm'],
] as const;
/** Where the clone is, as seen inside. */
const CLONE = 'tidings';
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The smallest Debian there is, in a folder, with Node, npm and a clone of this project; it shares the network of this machine. */
export class BareRoot {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Makes it in an empty folder. @throws ProvisionError where it cannot be had */
  static async make(folder: string, project: string): Promise<BareRoot> {
    if (!canInstallPackages()) throw new ProvisionError('it takes root and the package manager of Debian');
    if (findProgram('debootstrap') === undefined) await installPackages(['debootstrap']);
    mkdirSync(folder, { recursive: true });
    const root = new BareRoot(folder);
    try {
      await root.#fill(project);
    } catch (thrown) {
      await root.remove();
      throw thrown;
    }
    return root;
  }

  /** The clone, as seen from here. */
  get clone(): string {
    return join(this.folder, CLONE);
  }

  /** Starts a command of the clone inside, with nothing of this machine's environment but how it reaches registries. */
  start(command: string, more: Record<string, string> = {}): ChildProcess {
    const env = { HOME: '/root', PATH, LANG: 'C.UTF-8', TMPDIR: '/tmp', ...hostEnvironment(), ...more };
    const pairs = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const line = `cd /${CLONE} && exec ${command}`;
    const args = [this.folder, '/usr/bin/env', '-i', ...pairs, '/bin/sh', '-c', line];
    return spawn('chroot', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** The ids of the processes that run inside. */
  processes(): number[] {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    return pids.map(Number).filter((pid) => this.#isInside(pid));
  }

  /** Ends what runs inside, unmounts, and removes the folder. @throws Error when something stays mounted: nothing is removed then */
  async remove(): Promise<void> {
    for (const pid of this.processes()) end(pid);
    for (let tries = 0; this.processes().length > 0 && tries < 50; tries += 1) await pause(100);
    for (const mount of MOUNTS.toReversed()) await run('umount', [join(this.folder, mount.at(-1) ?? '')]);
    // What is mounted is this machine's own: removing the folder would remove that.
    const { output } = await run('cat', ['/proc/self/mounts']);
    if (output.split('\n').some((line) => line.split(' ')[1]?.startsWith(`${realpathSync(this.folder)}/`)))
      throw new Error(`something is still mounted under ${this.folder}: unmount it, then remove the folder`);
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #fill(project: string): Promise<void> {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const args = ['--variant=minbase', SUITE, this.folder, aptMirror()];
    await must('debootstrap', args, { env, timeoutMs: MADE_WITHIN_MS });
    await carrySettings(this.folder);
    this.#copyNode();
    await must('git', ['clone', '--quiet', '--no-hardlinks', project, this.clone]);
    for (const mount of MOUNTS)
      await must('mount', [...mount.slice(0, -1), join(this.folder, mount.at(-1) ?? '')]);
    await must('chroot', [this.folder, '/usr/local/bin/node', '--version']);
  }

  /** The Node that runs this, with its npm, where a Node of one's own is. */
  #copyNode(): void {
    const node = realpathSync(process.execPath);
    const npm = join(dirname(node), '../lib/node_modules/npm');
    if (!existsSync(npm)) throw new ProvisionError(`there is no npm beside ${node}`);
    const local = join(this.folder, 'usr/local');
    cpSync(node, join(local, 'bin/node'));
    cpSync(npm, join(local, 'lib/node_modules/npm'), { recursive: true });
    for (const name of ['npm', 'npx'])
      symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(local, 'bin', name));
  }

  #isInside(pid: number): boolean {
    try {
      return readlinkSync(`/proc/${pid}/root`).startsWith(realpathSync(this.folder));
    } catch {
      // It has ended, or is not ours to see.
      return false;
    }
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone already.
  }
}

async function must(
  file: string,
  args: readonly string[],
  options: Parameters<typeof run>[2] = {},
): Promise<void> {
  const { code, output } = await run(file, args, options);
  if (code !== 0) throw new ProvisionError(`${file} failed: ${output.split('\n').slice(-4).join(' | ')}`);
}
