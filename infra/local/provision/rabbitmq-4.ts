import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { downloadArchives, mustRun, unpackArchives } from './debian-archives.ts';
import type { NodeProgram } from './rabbitmq-node.ts';
import { aptMirror, canInstallPackages } from './packages.ts';
import { ProvisionError } from './run.ts';

/** Debian 13 has RabbitMQ 4.0; its packages run in a folder beside the 3.10 of Debian 12. */
const SUITE = 'trixie';
/** The broker, and the little that its start scripts expect of a system. */
const PACKAGES = [
  'rabbitmq-server',
  'dash',
  'bash',
  'coreutils',
  'sed',
  'grep',
  'mawk',
  'hostname',
  'procps',
];
/** Devices that Erlang opens: name, major, minor. */
const DEVICES = [
  ['null', '1', '3'],
  ['random', '1', '8'],
  ['urandom', '1', '9'],
] as const;

/**
 * RabbitMQ 4 for tests, unpacked into a folder and run in a chroot; nothing is installed. Needs root and the package manager of Debian.
 * @throws ProvisionError where it cannot be had.
 */
export async function fetchRabbitmq4(toolsDir: string): Promise<NodeProgram> {
  if (!canInstallPackages()) throw new ProvisionError('it takes root and the package manager of Debian');
  const root = join(toolsDir, 'rabbitmq-4');
  if (!existsSync(root)) await unpack(toolsDir, root);
  return {
    name: 'rabbitmq-4',
    server: ['chroot', root, '/usr/lib/rabbitmq/bin/rabbitmq-server'],
    epmd: ['chroot', root, '/usr/bin/epmd'],
    folder: { real: join(root, 'data'), seen: '/data' },
    // There is no /proc to read the memory from.
    settings: ['vm_memory_calculation_strategy = allocated'],
  };
}

async function unpack(toolsDir: string, root: string): Promise<void> {
  const work = join(toolsDir, 'rabbitmq-4-download');
  rmSync(work, { recursive: true, force: true });
  const archives = await download(work);
  const unfinished = join(work, 'root');
  for (const folder of ['usr/bin', 'usr/sbin', 'usr/lib', 'usr/lib64', 'dev', 'tmp', 'data'])
    mkdirSync(join(unfinished, folder), { recursive: true });
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${name}`, join(unfinished, name));
  await unpackArchives(archives, unfinished);
  symlinkSync('mawk', join(unfinished, 'usr/bin/awk'));
  for (const [name, major, minor] of DEVICES)
    await mustRun('mknod', ['-m', '666', join(unfinished, 'dev', name), 'c', major, minor]);
  // Last and at once, so that an interrupted download leaves nothing that looks whole.
  renameSync(unfinished, root);
  rmSync(work, { recursive: true, force: true });
}

/** Downloads the packages with all that they depend on; answers the archives. */
function download(work: string): Promise<string[]> {
  mkdirSync(work, { recursive: true });
  const status = join(work, 'status');
  const sources = join(work, 'sources.list');
  writeFileSync(status, '');
  writeFileSync(sources, `deb ${aptMirror()} ${SUITE} main\n`);
  return downloadArchives(work, PACKAGES, { sources, status });
}
