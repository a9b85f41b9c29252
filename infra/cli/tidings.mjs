#!/usr/bin/env node
/**
 * The door of `npx tidings`: plain JavaScript, for it also runs before anything is installed. A build of the very sources that are there runs, as
 * `npm start` makes one: it begins in less than half the time. Else the sources run as they are; where the development packages are not installed, whatever build there is.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isBuildFresh } from '../local/build-stamp.mjs';

const source = new URL('./main.ts', import.meta.url);
const built = new URL('../../dist/infra/cli/main.js', import.meta.url);
const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');

await (
  await program()
)();

/** @returns {Promise<() => Promise<unknown>>} */
async function program() {
  if (existsSync(fileURLToPath(built)) && isBuildFresh(root) && (await hasPackage('commander')))
    return () => import(built.href);
  if (await hasPackage('tsx/esm/api')) {
    const { register } = await import('tsx/esm/api');
    register();
    return () => import(source.href);
  }
  if (!(await hasPackage('commander')))
    fail(
      'The packages are not installed yet. Run this in the project’s folder, then the same command again:\n  npm ci',
    );
  if (!existsSync(fileURLToPath(built)))
    fail(
      'There is neither a build nor the packages to run the sources. Run one of these, then the same command again:\n  npm ci\n  npm run build',
    );
  return () => import(built.href);
}

/** @param {string} name */
async function hasPackage(name) {
  try {
    await import(name);
    return true;
  } catch {
    return false;
  }
}

/**
 * @param {string} words
 * @returns {never}
 */
function fail(words) {
  process.stderr.write(`${words}\n`);
  process.exit(2);
}
