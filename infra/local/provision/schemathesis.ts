import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toError } from '../../../shared/runtime/errors.ts';
import { installPythonPackages, pythonEnvironment } from './python-packages.ts';
import { findPython } from './python.ts';
import { ProvisionError, run } from './run.ts';

/** A command of Python that can be run: the program, what comes before its own arguments, and its environment. */
export interface PythonCommand {
  file: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
}

const ADVICE = `The fuzz run needs schemathesis, for which Python 3.11 or later with pip must be there. Do one of these, then run the same command again:
  apt-get update && apt-get install python3-pip     (as root, on Debian 12 or Ubuntu 24.04, or later)
  put a python3 of 3.11 or later with pip on PATH`;

/**
 * Installs schemathesis into a folder of its own, unless it is there and runs. `requirements` pins it and all that it needs by hash.
 * @throws ProvisionError that says what to do when it cannot be had.
 */
export async function fetchSchemathesis(toolsDir: string, requirements: string): Promise<PythonCommand> {
  try {
    const python = await findPython();
    const folder = join(toolsDir, `schemathesis-${versionIn(requirements)}`);
    const command = commandIn(folder, python);
    // Another Python than the one that installed it may not be able to load what is compiled.
    if (!(await runs(command))) await installPythonPackages({ python, folder }, requirements);
    if (await runs(command)) return command;
    throw new ProvisionError('it is installed, and does not run');
  } catch (thrown) {
    throw new ProvisionError(`No schemathesis: ${toError(thrown).message}\n${ADVICE}`);
  }
}

function versionIn(requirements: string): string {
  const version = /^schemathesis==([\w.]+)/m.exec(readFileSync(requirements, 'utf8'))?.[1];
  if (version === undefined) throw new ProvisionError(`${requirements} does not pin schemathesis`);
  return version;
}

function commandIn(folder: string, python: string): PythonCommand {
  return { file: python, args: [join(folder, 'bin/schemathesis')], env: pythonEnvironment(folder) };
}

async function runs({ file, args, env }: PythonCommand): Promise<boolean> {
  return existsSync(args[0] ?? '') && (await run(file, [...args, '--version'], { env })).code === 0;
}
