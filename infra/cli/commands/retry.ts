import type { Command } from 'commander';
import { acceptedAnswer } from '../api/answers.ts';
import type { Acting, Context } from '../context.ts';
import { exitOfMany, type Exit } from '../exit.ts';
import { idsOf, pathOf } from '../ids.ts';
import { each } from './each.ts';
import { painted } from './show.ts';

/** `tidings retry ID…` */
export function addRetry(program: Command, acts: Acting): void {
  program
    .command('retry')
    .summary('send notifications again by hand')
    .description(
      'Sends notifications again, from failed_permanently, outcome_unknown, or suppressed once the suppression is removed, with a full ladder. An ID - reads ids from standard input. ' +
        'Many at once, by what they died of: tidings dead-letters retry.',
    )
    .argument('<ID...>', 'ids of notifications')
    .action(acts(retryAll));
}

async function retryAll(context: Context, _options: object, words: string[]): Promise<Exit> {
  const api = context.api();
  const { output, isJson } = context;
  const exits = await each(context, await idsOf(words), async (id) => {
    // Not repeated when its answer is lost: by then it may have been sent, and have failed once more.
    const answer = await api.call(acceptedAnswer, { method: 'POST', path: pathOf(id, '/retry') });
    if (isJson) output.json(answer);
    else output.print(answer.id, '  ', painted(answer.status));
    return 'done';
  });
  return exitOfMany(exits);
}
