import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { toError } from '../../../shared/runtime/errors.ts';
import { findPython, runPython } from './python.ts';
import { ProvisionError, run } from './run.ts';

/** A Python, and the folder of packages that it is given. */
export interface PythonPackages {
  python: string;
  folder: string;
}

/** An installation takes seconds; a network that only swallows packets must not hold a run for longer. */
const INSTALL_TIMEOUT_MS = 180_000;
/** What is compiled in a package fits one Python on one kind of machine. */
const KIND = 'import sys, sysconfig; print(sys.implementation.cache_tag, sysconfig.get_platform())';

/**
 * Installs what a file of requirements pins by hash, once: a folder under `toolsDir` has the name, and a digest of the file and of the Python.
 * @throws ProvisionError when there is no Python, or no network.
 */
export async function providePythonPackages(
  toolsDir: string,
  name: string,
  requirements: string,
): Promise<PythonPackages> {
  try {
    const python = await findPython();
    const { output: kind } = await run(python, ['-c', KIND]);
    const digest = createHash('sha256').update(readFileSync(requirements)).update(kind).digest('hex');
    const folder = join(toolsDir, `${name}-${digest.slice(0, 12)}`);
    if (!existsSync(folder)) await installPythonPackages({ python, folder }, requirements);
    return { python, folder };
  } catch (thrown) {
    throw new ProvisionError(
      `No Python packages for the tests (${requirements}): ${toError(thrown).message}\n` +
        'They need Python 3.11 or later with pip, and the network once; then run the same command again.',
    );
  }
}

/** Installs wheels alone into a folder, in place of what is there. @throws ProvisionError with pip's last lines. */
export async function installPythonPackages(
  { python, folder }: PythonPackages,
  requirements: string,
): Promise<void> {
  mkdirSync(join(folder, '..'), { recursive: true });
  // One of its own: two commands may fetch at the same time.
  const unfinished = mkdtempSync(`${folder}-download-`);
  const pip = ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', '--no-deps', '--retries', '2'];
  const pinned = ['--only-binary=:all:', '--require-hashes', '-r', requirements, '--target', unfinished];
  try {
    await runPython(python, [...pip, ...pinned], 'the download failed', INSTALL_TIMEOUT_MS);
    rmSync(folder, { recursive: true, force: true });
    // Last and at once, so that an interrupted download leaves nothing that looks whole.
    renameSync(unfinished, folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

/** The environment in which Python finds the packages. A folder on its path and no virtual environment: Debian has those in a package of their own. */
export function pythonEnvironment(folder: string): NodeJS.ProcessEnv {
  return { ...process.env, PYTHONPATH: folder };
}
