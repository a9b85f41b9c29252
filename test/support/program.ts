import { spawn } from 'node:child_process';

/** What a program did. */
export interface FinishedProgram {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a program of others to its end; it is killed after `timeoutMs`. */
export function runProgram(
  file: string,
  args: readonly string[],
  {
    input = '',
    env = {},
    timeoutMs = 20_000,
  }: { input?: string; env?: NodeJS.ProcessEnv; timeoutMs?: number } = {},
): Promise<FinishedProgram> {
  const bounds = { timeout: timeoutMs, killSignal: 'SIGKILL' } as const;
  const child = spawn(file, args, { env: { ...process.env, ...env }, stdio: 'pipe', ...bounds });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => (said[name] += text));
  // One that is over before it has read everything closes the pipe.
  child.stdin.on('error', () => undefined).end(input);
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('close', (code) => {
      resolve({ code, ...said });
    });
  });
}
