import { createInterface } from 'node:readline/promises';
import { usageError } from '../exit.ts';
import type { Output } from './output.ts';

/**
 * Asks for a yes before something that cannot be taken back; `--yes` says it beforehand.
 * @throws CliError without a terminal to ask on, or when the answer is another one
 */
export async function confirm(output: Output, question: string, isYes: boolean): Promise<void> {
  if (isYes) return;
  if (!process.stdin.isTTY) throw usageError(`${question} There is no terminal to ask on: say --yes.`);
  output.say(question);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question('Type yes: ');
  terminal.close();
  if (answer.trim().toLowerCase() !== 'yes') throw usageError('Nothing was done.');
}
