import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { PROJECT_ROOT } from '../../shared/runtime/project-root.ts';
import { addAudit } from './commands/audit.ts';
import { addCancel } from './commands/cancel.ts';
import { addControls } from './commands/controls.ts';
import { addDeadLetters } from './commands/dead-letters.ts';
import { addKeys } from './commands/keys.ts';
import { addList } from './commands/list.ts';
import { addDrain, addPause } from './commands/pause.ts';
import { addQuarantine } from './commands/quarantine.ts';
import { addResolve } from './commands/resolve.ts';
import { addResume } from './commands/resume.ts';
import { addRetry } from './commands/retry.ts';
import { addSend } from './commands/send.ts';
import { addStats } from './commands/stats.ts';
import { addStatus } from './commands/status.ts';
import { addSuppressions } from './commands/suppressions.ts';
import { addUpdateTask } from './commands/update-task.ts';
import { addUsers } from './commands/users.ts';
import { acting, PATIENCE_SECONDS } from './context.ts';
import { EXITS, type Exit } from './exit.ts';
import { numberFrom } from './options.ts';
import type { Output } from './terminal/output.ts';
import { visible } from './terminal/visible.ts';

const SURROUNDINGS = `
Address and key:
  TIDINGS_URL        address of the API; --url says another one. Without both: the fleet that npm start runs in this
                     project's folder, or http://localhost:3000
  TIDINGS_API_KEY    the key
  TIDINGS_KEY_FILE   a file that holds it; --key-file says another one. The key of the fleet that npm start runs here
                     is found by itself. It is never an argument: everybody could see it in the list of processes.
  NO_COLOR           no colours

Data go to stdout, words to stderr. With --json stdout has what the API answers, lists with one object a line.`;

/** The whole command line. `onExit` hears how the command ended. */
export function programOf(output: Output, env: NodeJS.ProcessEnv, onExit: (exit: Exit) => void): Command {
  const acts = acting(output, env, onExit);
  const program = new Command('tidings')
    .description('Hand over notifications to a Tidings fleet, and see what becomes of them.')
    .version(versionOf(), '-V, --version', 'print the version')
    .option('--url <address>', 'address of the API')
    .option('--key-file <file>', 'a file that holds the key')
    .option(
      '--patience <seconds>',
      `how long to repeat what may be repeated while the API is away or busy (${PATIENCE_SECONDS}; send --csv 60)`,
      numberFrom(0, 86_400),
    )
    .option('--json', 'JSON instead of tables')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeErr: (text) => process.stderr.write(visible(text)) })
    .showHelpAfterError('(tidings --help, or tidings <command> --help, says what there is)')
    .exitOverride()
    .addHelpText('after', `${SURROUNDINGS}\n\nExit codes:\n${exitTable()}`);
  for (const add of [
    addSend,
    addStatus,
    addList,
    addRetry,
    addCancel,
    addResolve,
    addDeadLetters,
    addQuarantine,
    addSuppressions,
    addControls,
    addPause,
    addResume,
    addDrain,
    addStats,
    addUsers,
    addUpdateTask,
    addKeys,
    addAudit,
  ])
    add(program, acts);
  return program;
}

function exitTable(): string {
  return Object.values(EXITS)
    .map(({ code, meaning }) => `  ${String(code).padEnd(4)} ${meaning}`)
    .join('\n');
}

function versionOf(): string {
  const file = join(PROJECT_ROOT, 'package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
