import { canInstallPackages, installPackages } from './packages.ts';
import { ProvisionError, findProgram, run } from './run.ts';

/**
 * A Python that has pip; where the system's is missing, and may be installed, it is.
 * @throws ProvisionError when there is none.
 */
export async function findPython(): Promise<string> {
  for (const name of ['python3', 'python']) {
    const python = findProgram(name);
    if (python && (await run(python, ['-m', 'pip', '--version'])).code === 0) return python;
  }
  if (!canInstallPackages())
    throw new ProvisionError('Python with pip is missing, and packages can be installed by root only');
  await installPackages(['python3-pip']);
  return 'python3';
}

/** Runs Python or its pip, for `timeoutMs` at most. @throws ProvisionError with the trouble in words and its last lines. */
export async function runPython(
  python: string,
  args: string[],
  trouble: string,
  timeoutMs?: number,
): Promise<void> {
  const { code, output } = await run(python, args, { timeoutMs });
  if (code === 0) return;
  // pip warns of each of its retries before it says what is wrong.
  const lines = output.split('\n').filter((line) => !line.startsWith('WARNING'));
  throw new ProvisionError(`${trouble} (is the network there?):\n    ${lines.slice(-5).join('\n    ')}`);
}
