import type { Command } from 'commander';
import type { ApiClient } from '../api/client.ts';
import type { Acting, Context } from '../context.ts';
import { exitOfMany, type Exit } from '../exit.ts';
import { idsOf } from '../ids.ts';
import { wholeFrom } from '../options.ts';
import { each } from './each.ts';
import { follow, lookAt } from './follow.ts';
import { printDetail } from './show.ts';

interface StatusOptions {
  follow?: true;
  timeout?: number;
}

/** `tidings status ID…` */
export function addStatus(program: Command, acts: Acting): void {
  program
    .command('status')
    .summary('what became of notifications, with their timelines')
    .description('Shows notifications with their timelines. An ID - reads ids from standard input.')
    .argument('<ID...>', 'ids of notifications')
    .option('-f, --follow', 'go on until nothing more happens by itself; 0 when all were sent')
    .option('--timeout <seconds>', 'with --follow: no longer than this', wholeFrom(1, 1_000_000))
    .action(acts(showStatus));
}

async function showStatus(context: Context, options: StatusOptions, words: string[]): Promise<Exit> {
  const api = context.api();
  const show = options.follow
    ? (id: string) => followOne(context, api, id, options)
    : (id: string) => showOne(context, api, id);
  return exitOfMany(await each(context, await idsOf(words), show));
}

async function showOne({ output, isJson }: Context, api: ApiClient, id: string): Promise<Exit> {
  const one = await lookAt(api, id);
  if (isJson) output.json(one);
  else printDetail(output, one);
  return 'done';
}

function followOne(context: Context, api: ApiClient, id: string, { timeout }: StatusOptions): Promise<Exit> {
  return follow(context, api, { id, ...(timeout !== undefined && { timeout }) });
}
