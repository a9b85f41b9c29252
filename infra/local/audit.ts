import { spawnSync } from 'node:child_process';
import { verdictOf } from './audit-verdict.ts';

/** Looks for known vulnerabilities in the packages that ship, as `npm test` does: high and critical ones fail. */
const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--json'], { encoding: 'utf8', timeout: 60_000 });
const { isFailed, words } = verdictOf(stdout);
process.stdout.write(`${words}\n`);
process.exitCode = isFailed ? 1 : 0;
