import type { Command } from 'commander';
import { acceptedAnswer } from '../api/answers.ts';
import type { Acting, Context } from '../context.ts';
import { exitOfMany, type Exit } from '../exit.ts';
import { idsOf, pathOf } from '../ids.ts';
import { each } from './each.ts';
import { painted } from './show.ts';

/** `tidings cancel ID…` */
export function addCancel(program: Command, acts: Acting): void {
  program
    .command('cancel')
    .summary('cancel notifications that have not begun to be sent')
    .description(
      'Cancels notifications that have not begun to be sent. An ID - reads ids from standard input.',
    )
    .argument('<ID...>', 'ids of notifications')
    .action(acts(cancelAll));
}

async function cancelAll(context: Context, _options: object, words: string[]): Promise<Exit> {
  const api = context.api();
  const { output, isJson } = context;
  const exits = await each(context, await idsOf(words), async (id) => {
    // Not repeated when its answer is lost: the second call would be refused, though the first one canceled it.
    const answer = await api.call(acceptedAnswer, { method: 'POST', path: pathOf(id, '/cancel') });
    if (isJson) output.json(answer);
    else output.print(answer.id, '  ', painted(answer.status));
    return 'done';
  });
  return exitOfMany(exits);
}
