import { spawn, type ChildProcess } from 'node:child_process';

/** A command of the project that was started. */
export interface StartedCommand {
  child: ChildProcess;
  /** Everything that it has printed. */
  output: () => string;
  /** Resolves with its exit code when it is over. */
  ended: Promise<number | null>;
  /** Asks it to end, and waits. */
  stop: () => Promise<number | null>;
}

/** Starts a Node program of the project, as the scripts of package.json do. */
export function startCommand(
  args: readonly string[],
  env: Record<string, string | undefined>,
): StartedCommand {
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const stop = (): Promise<number | null> => {
    child.kill('SIGTERM');
    return ended;
  };
  return { child, output: () => text, ended, stop };
}
