import { CommanderError } from 'commander';
import { toError } from '../../shared/runtime/errors.ts';
import { CliError, EXITS, type Exit } from './exit.ts';
import { programOf } from './program.ts';
import { Output } from './terminal/output.ts';

/** `npx tidings …`: a client of the API, and of nothing else. */
const output = new Output(process.stdout, process.stderr, process.env);
let exit: Exit = 'done';
try {
  const program = programOf(output, process.env, (how) => {
    exit = how;
  });
  await program.parseAsync(process.argv);
} catch (thrown) {
  exit = exitOf(thrown);
}
// Not process.exit(): what was printed into a pipe may still be on its way.
process.exitCode = EXITS[exit].code;

function exitOf(thrown: unknown): Exit {
  // Commander has said its words itself, and its help is no failure.
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 'done' : 'usage';
  if (!(thrown instanceof CliError)) {
    output.say(`This is a bug: ${toError(thrown).stack ?? ''}`);
    return 'refused';
  }
  output.say({ text: thrown.message, colour: 'bad' });
  if (thrown.body !== undefined && process.argv.includes('--json')) output.json(thrown.body);
  return thrown.exit;
}
