import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { downloadArchives, unpackArchives } from './debian-archives.ts';
import { canInstallPackages, installPackages } from './packages.ts';
import { ProvisionError, findProgram, isExecutable } from './run.ts';

/** A package, and the path of the program in it. */
export interface PackagedProgram {
  package: string;
  program: string;
}

/**
 * A program of the system, or else of a Debian package that is unpacked under `toolsDir`, not installed: no root is needed, and no service of
 * it ever starts. Answers its path. @throws ProvisionError where it cannot be had.
 */
export async function unpackedProgram(toolsDir: string, from: PackagedProgram): Promise<string> {
  const name = basename(from.program);
  const present = programOfSystem(name);
  if (present !== undefined) return present;
  if (findProgram('apt-get') === undefined) throw new ProvisionError('this machine has no apt-get');
  const folder = join(toolsDir, `debian-${name}`);
  if (!existsSync(folder)) await unpack(toolsDir, folder, from);
  return join(folder, name);
}

async function unpack(toolsDir: string, folder: string, from: PackagedProgram): Promise<void> {
  mkdirSync(toolsDir, { recursive: true });
  const lists = join(toolsDir, 'debian-lists');
  const unfinished = mkdtempSync(`${folder}-download-`);
  try {
    const work = join(unfinished, 'download');
    await unpackArchives(await downloadArchives(work, [from.package], { lists }), unfinished);
    rmSync(work, { recursive: true });
    const starter = join(unfinished, basename(from.program));
    writeFileSync(starter, starterOf(unfinished, folder, from.program));
    chmodSync(starter, 0o755);
    // Last and at once, so that an interrupted download leaves nothing that looks whole.
    renameSync(unfinished, folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

/** A script that runs the program with the libraries that came with it. */
function starterOf(unpackedTo: string, folder: string, program: string): string {
  const lib = join(unpackedTo, 'usr/lib');
  const folders = existsSync(lib) ? readdirSync(lib).filter((name) => name.includes('-linux-')) : [];
  const path = folders.map((name) => join(folder, 'usr/lib', name)).join(':');
  return `#!/bin/sh\nLD_LIBRARY_PATH='${path}' exec '${join(folder, program)}' "$@"\n`;
}

/**
 * The first program of packages that need users and rights of the system, so that they are installed, and run by root; their services are not started.
 * `answers`: what is said to questions of the packages. Answers its path. @throws ProvisionError where it cannot be had.
 */
export async function installedProgram(from: {
  packages: readonly string[];
  programs: readonly [string, ...string[]];
  answers?: readonly string[];
}): Promise<string> {
  if (process.getuid?.() !== 0) throw new ProvisionError('it takes root to install and to run it');
  const missing = (): string | undefined => from.programs.find((name) => !programOfSystem(name));
  if (missing() !== undefined) {
    if (!canInstallPackages()) throw new ProvisionError('this machine has no apt-get');
    await installPackages(from.packages, from.answers);
  }
  const found = programOfSystem(from.programs[0]);
  if (found === undefined || missing() !== undefined)
    throw new ProvisionError(`the packages brought no program ${missing() ?? ''}`);
  return found;
}

/** Servers lie where the path of an ordinary user does not lead. */
function programOfSystem(name: string): string | undefined {
  return findProgram(name) ?? [join('/usr/sbin', name)].find(isExecutable);
}
