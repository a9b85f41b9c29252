import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { digestOf, forgetBuild, isBuildFresh, noteBuild } from '../../../infra/local/build-stamp.mjs';

/** What `npx tidings` runs: the build where it is of these very sources, which starts faster; else the sources. */
const root = mkdtempSync(join(tmpdir(), 'tidings-door-'));
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});
const write = (file: string, text: string): void => {
  mkdirSync(join(root, file, '..'), { recursive: true });
  writeFileSync(join(root, file), text);
};
const run = (): string =>
  execFileSync(process.execPath, [join(root, 'infra/cli/tidings.mjs')], { encoding: 'utf8' });

test('a build of other sources does not run, nor one that did not come to its end', () => {
  for (const file of ['infra/cli/tidings.mjs', 'infra/local/build-stamp.mjs'])
    cpSync(file, join(root, file), { recursive: true });
  symlinkSync(join(process.cwd(), 'node_modules'), join(root, 'node_modules'));
  write('package.json', '{"type":"module"}');
  write('infra/cli/main.ts', "process.stdout.write('sources');");
  write('shared/part.ts', '');
  write('dist/infra/cli/main.js', "process.stdout.write('build');");
  const digest = digestOf(root);
  expect([isBuildFresh(root), run()]).toEqual([false, 'sources']);
  noteBuild(root, digest);
  expect([isBuildFresh(root), run()]).toEqual([true, 'build']);
  write('shared/part.ts', 'const changed = true;');
  // Also when it was built while that changed.
  noteBuild(root, digest);
  expect([isBuildFresh(root), run()]).toEqual([false, 'sources']);
  // Also when the sources of the build before come back after a build that failed.
  forgetBuild(root);
  write('shared/part.ts', '');
  expect([isBuildFresh(root), run()]).toEqual([false, 'sources']);
}, 60_000);
