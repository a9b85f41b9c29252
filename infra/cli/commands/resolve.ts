import { Option, type Command } from 'commander';
import { resolveRequestSchema } from '../../../shared/contracts/index.ts';
import { acceptedAnswer } from '../api/answers.ts';
import type { Acting, Context } from '../context.ts';
import { exitOfMany, type Exit } from '../exit.ts';
import { idsOf, pathOf } from '../ids.ts';
import { each } from './each.ts';
import { painted } from './show.ts';

/** `tidings resolve ID… --as sent|failed` */
export function addResolve(program: Command, acts: Acting): void {
  program
    .command('resolve')
    .summary('say what became of notifications whose outcome is unknown')
    .description(
      'Records what became of notifications that are outcome_unknown. An ID - reads ids from standard input.',
    )
    .argument('<ID...>', 'ids of notifications')
    .addOption(
      new Option('--as <outcome>', 'whether they arrived')
        .choices(resolveRequestSchema.shape.outcome.options)
        .makeOptionMandatory(),
    )
    .action(acts(resolveAll));
}

async function resolveAll(context: Context, { as }: { as: string }, words: string[]): Promise<Exit> {
  const api = context.api();
  const { output, isJson } = context;
  const exits = await each(context, await idsOf(words), async (id) => {
    const call = { method: 'POST' as const, path: pathOf(id, '/resolve'), body: { outcome: as } };
    const answer = await api.call(acceptedAnswer, call);
    if (isJson) output.json(answer);
    else output.print(answer.id, '  ', painted(answer.status));
    return 'done';
  });
  return exitOfMany(exits);
}
