import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ProvisionError, run } from './run.ts';

/** Where packages are looked up: by default the sources of this machine, and what is installed here is not downloaded. */
export interface DebianArchives {
  /** A file of package sources in place of this machine's. */
  sources?: string;
  /** A file in place of the list of what is installed; an empty one downloads every dependency. */
  status?: string;
  /** A folder for the lists of packages, which several downloads of one process share. */
  lists?: string;
}

/** Folders whose lists are of this run. */
const upToDate = new Set<string>();

/**
 * Downloads packages with the dependencies that are missing, into a folder of its own; answers the archives.
 * Installs nothing, so it needs no root.
 * @throws ProvisionError with the last words of the package manager.
 */
export async function downloadArchives(
  folder: string,
  packages: readonly string[],
  { sources, status = '/var/lib/dpkg/status', lists = join(folder, 'state') }: DebianArchives = {},
): Promise<string[]> {
  for (const part of [join(lists, 'lists/partial'), join(folder, 'cache/archives/partial')])
    mkdirSync(part, { recursive: true });
  const settings = {
    ...(sources !== undefined && {
      'Dir::Etc::SourceList': sources,
      'Dir::Etc::SourceParts': '/nonexistent',
    }),
    'Dir::State': lists,
    'Dir::State::status': status,
    'Dir::Cache': join(folder, 'cache'),
    'APT::Install-Recommends': 'false',
    'APT::Sandbox::User': 'root',
    'Debug::NoLocking': '1',
    // A network that only swallows packets holds nobody up for long; seconds.
    'Acquire::http::Timeout': '20',
    'Acquire::https::Timeout': '20',
    'Acquire::Retries': '1',
  };
  const options = ['-qq', ...Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`])];
  if (!upToDate.has(lists)) await mustRun('apt-get', [...options, 'update']);
  upToDate.add(lists);
  // Also a package that is installed, and whose program was asked for all the same.
  await mustRun('apt-get', [...options, '-y', '--download-only', '--reinstall', 'install', ...packages]);
  const archives = join(folder, 'cache/archives');
  return readdirSync(archives)
    .filter((name) => name.endsWith('.deb'))
    .map((name) => join(archives, name));
}

/** Unpacks archives into a folder; nothing of them is run. @throws ProvisionError */
export async function unpackArchives(archives: readonly string[], folder: string): Promise<void> {
  for (const archive of archives) await mustRun('dpkg-deb', ['-x', archive, folder]);
}

/** Runs a command that must succeed. @throws ProvisionError with its last words. */
export async function mustRun(file: string, args: readonly string[]): Promise<void> {
  const { code, output } = await run(file, args);
  if (code !== 0) throw new ProvisionError(`${file} failed: ${output.split('\n').slice(-3).join(' ')}`);
}
