import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ProvisionError, findProgram, run } from './run.ts';

/** Whether we may install packages: Debian or one of its kin, as root. */
export function canInstallPackages(): boolean {
  return findProgram('apt-get') !== undefined && process.getuid?.() === 0;
}

/** The mirror that this machine takes its own packages from. @throws ProvisionError where it is no Debian */
export function aptMirror(): string {
  const folder = '/etc/apt/sources.list.d';
  const files = [
    '/etc/apt/sources.list',
    ...(existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []),
  ];
  const texts = files.filter((file) => existsSync(file)).map((file) => readFileSync(file, 'utf8'));
  const urls = texts.flatMap((text) => text.match(/https?:\/\/[^\s\]]+/g) ?? []);
  const url = urls.find((one) => /\/debian\/?$/.test(one));
  if (url === undefined) throw new ProvisionError('this is no Debian, or its package sources name no mirror');
  return url;
}

const POLICY = '/usr/sbin/policy-rc.d';
const DENY_START =
  '#!/bin/sh\n# Written by Tidings while it installs packages: no service of theirs is started.\nexit 101\n';

/**
 * Installs packages of the system without starting their services. `answers`: what is said to their questions, as debconf writes it.
 * @throws ProvisionError with the last words of the package manager.
 */
export async function installPackages(
  names: readonly string[],
  answers: readonly string[] = [],
): Promise<void> {
  // A package's own default service would take the standard ports, and is not ours to run.
  // One that an interrupted run of ours left behind is ours, too.
  const ownPolicy = !existsSync(POLICY) || readFileSync(POLICY, 'utf8') === DENY_START;
  const removePolicy = (): void => {
    if (ownPolicy) rmSync(POLICY, { force: true });
  };
  const interrupt = (): void => process.exit(130);
  process.once('exit', removePolicy).once('SIGINT', interrupt).once('SIGTERM', interrupt);
  if (ownPolicy) writeFileSync(POLICY, DENY_START, { mode: 0o755 });
  try {
    await apt(['update']);
    await preseed(answers);
    // What the owner of this machine installed stays: Postfix would take the place of another mail server.
    await apt(['install', '-y', '--no-remove', '--no-install-recommends', ...names]);
  } finally {
    removePolicy();
    process.off('exit', removePolicy).off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

async function preseed(answers: readonly string[]): Promise<void> {
  if (answers.length === 0) return;
  const script = 'printf "%s\\n" "$@" | debconf-set-selections';
  const { code, output } = await run('sh', ['-c', script, 'sh', ...answers]);
  if (code !== 0) throw new ProvisionError(`debconf-set-selections failed: ${output}`);
}

async function apt(args: readonly string[]): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { code, output } = await run('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=120', ...args], { env });
  if (code === 0) return;
  const words = output.split('\n').slice(-6).join('\n  ');
  throw new ProvisionError(`apt-get ${args.join(' ')} failed (is the network there?):\n  ${words}`);
}
