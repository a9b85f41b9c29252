import { Argument, Option, type Command } from 'commander';
import { SUPPRESSIBLE } from '../../../shared/contracts/index.ts';
import { suppressionAnswer, suppressionsAnswer, type SuppressionShown } from '../api/answers.ts';
import type { Acting, Context } from '../context.ts';
import type { Exit } from '../exit.ts';
import type { Output } from '../terminal/output.ts';
import { printTable } from '../terminal/table.ts';
import { withLimit } from './list.ts';
import { printPages } from './paging.ts';

const PATH = '/v1/suppressions';

interface ListOptions {
  channel?: string;
  address?: string;
  limit: number;
  all?: true;
}

/** `tidings suppressions [list]|lift` */
export function addSuppressions(program: Command, acts: Acting): void {
  const suppressions = program
    .command('suppressions')
    .summary('addresses that nothing is handed over to: list, lift')
    .description('Addresses that nothing is handed over to, as what went there came back for good.');
  withLimit(
    suppressions
      .command('list', { isDefault: true })
      .description('Lists suppressions, newest first; with --json one a line.')
      .addOption(new Option('--channel <channel>', 'of this channel').choices(SUPPRESSIBLE))
      .option('--address <address>', 'this address or number, in full'),
  ).action(acts(list));
  suppressions
    .command('lift')
    .description(
      'Lifts one: the address gets something again. What was suppressed meanwhile is not sent. It needs the scope retry.',
    )
    .addArgument(new Argument('<channel>', 'its channel').choices(SUPPRESSIBLE))
    .argument('<address>', 'the address or number, in full')
    .action(acts(lift));
}

async function list(context: Context, { channel, address, limit, all }: ListOptions): Promise<Exit> {
  await printPages(context, {
    path: PATH,
    filters: { channel, address },
    limit: all ? Infinity : limit,
    answer: suppressionsAnswer,
    itemsOf: (answer) => answer.suppressions,
    print: printSuppressions,
  });
  return 'done';
}

/** Not repeated when its answer is lost: the second time would find nothing, though it was the first that lifted it. */
async function lift(context: Context, _options: object, channel: string, address: string): Promise<Exit> {
  const { output, isJson } = context;
  const path = `${PATH}/${channel}/${encodeURIComponent(address)}`;
  const lifted = await context.api().call(suppressionAnswer, { method: 'DELETE', path });
  if (isJson) output.json(lifted);
  else output.print(`${address} gets ${channel} again; it was suppressed since ${lifted.since}`);
  return 'done';
}

function printSuppressions(output: Output, page: readonly SuppressionShown[]): void {
  printTable(
    output,
    ['CHANNEL', 'ADDRESS', 'SINCE', 'BY', 'WHY'],
    page.map((one) => [
      one.channel,
      one.address ?? 'erased',
      one.since,
      one.actor,
      [one.code, one.reason].filter((part) => part !== undefined).join(' '),
    ]),
  );
}
