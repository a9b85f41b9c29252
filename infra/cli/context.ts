import type { Command } from 'commander';
import { SECOND } from '../../shared/runtime/duration.ts';
import { ApiClient, answers } from './api/client.ts';
import { NoKeyError, connectionOf } from './api/connection.ts';
import { CliError, type Exit } from './exit.ts';
import type { Output } from './terminal/output.ts';

/** What a command works with. */
export interface Context {
  output: Output;
  /** Whether somebody wants JSON instead of tables. */
  isJson: boolean;
  /** A client of the API that was named; looks for address and key when it is first asked. `patience`: seconds, unless --patience says it. */
  api: (patience?: number) => ApiClient;
}

/** What every command takes. */
export interface GlobalOptions {
  url?: string;
  keyFile?: string;
  patience?: number;
  json?: true;
}

/** How long a call is repeated unless a command or --patience says otherwise; seconds. */
export const PATIENCE_SECONDS = 10;

/** Makes what commander calls out of what a command does. The exit is kept for the end of the process. */
export type Acting = (
  act: (context: Context, options: never, ...args: never[]) => Promise<Exit>,
) => (...given: unknown[]) => Promise<void>;

/** See `Acting`. */
export function acting(output: Output, env: NodeJS.ProcessEnv, onExit: (exit: Exit) => void): Acting {
  return (act) =>
    async (...given) => {
      // Commander gives the arguments, the options, and the command itself.
      const command = given.at(-1) as Command;
      const options = command.optsWithGlobals<GlobalOptions>();
      const context = contextOf(output, env, options);
      const words = given.slice(0, -2) as never[];
      const acted = act(context, options as never, ...words).catch(async (thrown: unknown) => {
        throw await withCause(thrown);
      });
      onExit(await acted);
    };
}

/** Who has no key because nothing runs is told that: a key would not help. */
async function withCause(thrown: unknown): Promise<unknown> {
  if (!(thrown instanceof NoKeyError) || !thrown.isNoneHere || (await answers(thrown.address))) return thrown;
  return new CliError(
    'unreachable',
    `No fleet runs in this folder (npm start starts one), and nothing answers at ${thrown.address}. ` +
      'A fleet elsewhere is named with --url or TIDINGS_URL.',
  );
}

function contextOf(output: Output, env: NodeJS.ProcessEnv, options: GlobalOptions): Context {
  const api = (patience = PATIENCE_SECONDS): ApiClient => {
    const connection = connectionOf(options, env);
    for (const warning of connection.warnings) output.say(warning);
    return new ApiClient(connection, (options.patience ?? patience) * SECOND, (words) => {
      output.say(words);
    });
  };
  return { output, isJson: options.json === true, api };
}
