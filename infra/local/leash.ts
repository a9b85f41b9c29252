/**
 * Runs a server so that it cannot outlive whoever started us: when our standard input closes (the supervisor is gone, however it went) or
 * on SIGTERM, the server's whole process group is ended; asked a second time, at once. What the server prints goes into a
 * file beside the pid file. Usage: leash.js <pid file> <grace ms> <command> [argument…]
 */
import { spawn } from 'node:child_process';
import { openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

const [pidFile = '', graceText = '', command = '', ...args] = process.argv.slice(2);
const graceMs = Number(graceText);
let isEnding = false;

const log = openSync(pidFile.replace(/\.pid$/, '.log'), 'w');
const server = spawn(command, args, { detached: true, stdio: ['ignore', log, log] });
if (server.pid !== undefined) writeFileSync(pidFile, String(server.pid));
server.once('error', (error) => {
  process.stderr.write(`${command}: ${error.message}\n`);
  process.exit(127);
});
server.once('exit', (code, signal) => {
  // Children that it left behind go with it.
  killGroup('SIGKILL');
  forgetPid();
  process.exit(code ?? (signal === null ? 0 : 1));
});

process.stdin.resume().once('end', end).once('error', end);
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, end);

function end(): void {
  killGroup(isEnding ? 'SIGKILL' : 'SIGTERM');
  if (isEnding) return;
  isEnding = true;
  setTimeout(() => {
    killGroup('SIGKILL');
  }, graceMs);
}

function killGroup(signal: NodeJS.Signals): void {
  try {
    if (server.pid !== undefined) process.kill(-server.pid, signal);
  } catch {
    // It is gone already.
  }
}

/** A later leash may have written its own server's id meanwhile. */
function forgetPid(): void {
  try {
    if (readFileSync(pidFile, 'utf8') === String(server.pid)) rmSync(pidFile, { force: true });
  } catch {
    // It is gone already.
  }
}
