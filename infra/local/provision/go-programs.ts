import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ProvisionError, findProgram, run } from './run.ts';

/** Compiling takes a minute or two on two cores; a network that only swallows packets must not hold a run for longer. Milliseconds. */
const BUILD_TIMEOUT_MS = 420_000;

/**
 * Builds a program of a Go module, such as `github.com/axllent/mailpit@v1.33.1`, once; answers its path. Go checks the module's hash.
 * @throws ProvisionError when there is no Go that is new enough, or no network.
 */
export function buildGoModule(toolsDir: string, module: string): Promise<string> {
  const [path = '', version = ''] = module.split('@');
  const name = basename(path);
  return buildOnce(toolsDir, { name, id: `${name}-${version}` }, (go, folder) =>
    run(go, ['install', '-trimpath', module], {
      env: { ...process.env, GOBIN: folder },
      timeoutMs: BUILD_TIMEOUT_MS,
    }),
  );
}

/** Builds a program of ours from a folder of Go sources, anew when they change; answers its path. `go.sum` pins the modules by hash. @throws ProvisionError */
export function buildGoFolder(toolsDir: string, folder: string): Promise<string> {
  const name = basename(folder);
  const digest = createHash('sha256');
  for (const file of readdirSync(folder).sort()) digest.update(readFileSync(join(folder, file)));
  const id = `${name}-${digest.digest('hex').slice(0, 12)}`;
  return buildOnce(toolsDir, { name, id }, (go, target) =>
    run(go, ['build', '-trimpath', '-mod=readonly', '-o', join(target, name), '.'], {
      cwd: folder,
      timeoutMs: BUILD_TIMEOUT_MS,
    }),
  );
}

async function buildOnce(
  toolsDir: string,
  { name, id }: { name: string; id: string },
  build: (go: string, folder: string) => ReturnType<typeof run>,
): Promise<string> {
  const kept = join(toolsDir, id);
  if (!existsSync(kept)) {
    const go = findProgram('go');
    if (go === undefined) throw new ProvisionError('Go is not installed');
    mkdirSync(toolsDir, { recursive: true });
    const unfinished = mkdtempSync(`${kept}-build-`);
    try {
      const { code, output } = await build(go, unfinished);
      if (code !== 0) throw new ProvisionError(`go failed: ${output.split('\n').slice(-2).join(' ')}`);
      // Last and at once, so that an interrupted build leaves nothing that looks whole.
      renameSync(unfinished, kept);
    } finally {
      rmSync(unfinished, { recursive: true, force: true });
    }
  }
  return join(kept, name);
}
