/** Whether the build in dist/ is of the sources as they are: plain JavaScript without dependencies, for it is asked before anything is installed. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the build is made of; a change in any of it builds anew. */
const SOURCES = ['services', 'shared', 'infra', 'tsconfig.json', 'tsconfig.build.json'];

/**
 * Whether a whole build of the sources is there; `digest` as they are now.
 * @param {string} root
 */
export function isBuildFresh(root, digest = digestOf(root)) {
  const stamp = stampOf(root);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === digest;
}

/**
 * Notes of what a build was made that has come to its end: the digest from before it, for a source may have changed meanwhile.
 * @param {string} root
 * @param {string} digest
 */
export function noteBuild(root, digest) {
  mkdirSync(join(root, 'dist'), { recursive: true });
  writeFileSync(stampOf(root), digest);
}

/**
 * From now on there is no whole build, until one has come to its end: what is half built must not pass for the former one, whose sources may come back.
 * @param {string} root
 */
export function forgetBuild(root) {
  rmSync(stampOf(root), { force: true });
}

/** @param {string} root */
function stampOf(root) {
  return join(root, 'dist/.sources');
}

/**
 * What tells one state of the sources from another.
 * @param {string} root
 */
export function digestOf(root) {
  const hash = createHash('sha256');
  for (const source of SOURCES)
    for (const file of filesOf(root, source)) hash.update(file).update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

/**
 * A file, or all files of a folder, in one order.
 * @param {string} root
 * @param {string} path
 * @returns {string[]}
 */
function filesOf(root, path) {
  if (!existsSync(join(root, path))) return [];
  if (path.includes('.')) return [path];
  const entries = readdirSync(join(root, path), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();
}
