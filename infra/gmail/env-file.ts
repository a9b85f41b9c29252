import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

/** Puts one setting into a file of settings, in the place where it was; afterwards only its owner may read the file. */
export function writeSetting(file: string, name: string, value: string): void {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').replace(/\n$/, '').split('\n') : [];
  const isIt = (line: string): boolean => line.startsWith(`${name}=`);
  const setting = `${name}=${value}`;
  const kept = lines.some(isIt) ? lines.map((line) => (isIt(line) ? setting : line)) : [...lines, setting];
  // At once: a crash in the middle leaves the old one.
  const fresh = `${file}.new`;
  writeFileSync(fresh, `${kept.filter((line, index) => index > 0 || line !== '').join('\n')}\n`, {
    mode: 0o600,
  });
  chmodSync(fresh, 0o600);
  renameSync(fresh, file);
}
