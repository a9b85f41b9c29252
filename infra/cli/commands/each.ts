import type { Context } from '../context.ts';
import { CliError, type Exit } from '../exit.ts';

/**
 * Does something to one id after the other. What the API refuses for one is said, and the next one's turn; what would be the same for all
 * (no connection, no right) ends it. @throws CliError
 */
export async function each(
  { output, isJson }: Context,
  ids: readonly string[],
  act: (id: string) => Promise<Exit>,
): Promise<Exit[]> {
  const exits: Exit[] = [];
  for (const id of ids) {
    try {
      exits.push(await act(id));
    } catch (thrown) {
      if (!(thrown instanceof CliError) || thrown.exit !== 'refused') throw thrown;
      output.say(`${id}: ${thrown.message}`);
      if (isJson) output.json({ id, problem: thrown.body });
      exits.push('refused');
    }
    await output.drained();
  }
  return exits;
}
