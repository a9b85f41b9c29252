import { Argument, Option, type Command } from 'commander';
import { SUPPRESSIBLE } from '../../../shared/contracts/index.ts';
import { MINUTE, SECOND } from '../../../shared/runtime/duration.ts';
import { bulkAnswer, suppressionAnswer, suppressionsAnswer, type SuppressionShown } from '../api/answers.ts';
import type { Acting, Context } from '../context.ts';
import { usageError, type Exit } from '../exit.ts';
import { confirm } from '../terminal/ask.ts';
import type { Output } from '../terminal/output.ts';
import { printTable } from '../terminal/table.ts';
import { withLimit } from './list.ts';
import { printPages } from './paging.ts';

const PATH = '/v1/suppressions';
/** The API answers a removal within two minutes, and a little for the way; milliseconds. */
const REMOVAL_TIMEOUT_MS = 2 * MINUTE + 10 * SECOND;

/** Which suppressions. */
interface Which {
  channel?: string;
  code?: string;
  provider?: string;
  words?: string;
  from?: string;
  to?: string;
}

interface RemoveOptions extends Which {
  reason: string;
  all?: true;
  dryRun?: true;
  yes?: true;
}

interface ListOptions extends Which {
  address?: string;
  limit: number;
  all?: true;
}

/** `tidings suppressions [list]|add|remove|lift` */
export function addSuppressions(program: Command, acts: Acting): void {
  const suppressions = program
    .command('suppressions')
    .summary('addresses that nothing is sent to: list, add, remove')
    .description('Addresses that nothing is handed over to, as what went there came back for good.');
  withLimit(
    withFilter(
      suppressions
        .command('list', { isDefault: true })
        .description('Lists suppressions, newest first; with --json one a line.'),
    ).option('--address <address>', 'this address or number, in full'),
  ).action(acts(list));
  suppressions
    .command('lift')
    .description(
      'Removes one: the address gets something again. What was suppressed meanwhile can be retried. It needs the scope retry:all.',
    )
    .addArgument(new Argument('<channel>', 'its channel').choices(SUPPRESSIBLE))
    .argument('<address>', 'the address or number, in full')
    .action(acts(lift));
  suppressions
    .command('add')
    .description('Suppresses an address by hand. It needs the scope retry:all.')
    .addArgument(new Argument('<channel>', 'its channel').choices(SUPPRESSIBLE))
    .argument('<address>', 'the address or number, in full')
    .requiredOption('--reason <words>', 'why; it is shown beside the address')
    .action(acts(add));
  withFilter(
    suppressions
      .command('remove')
      .description(
        'Removes all suppressions that match. Opt-outs (21610) only by --code 21610. What was suppressed meanwhile can be retried. It needs the scope retry:all.',
      ),
  )
    .requiredOption('--reason <words>', 'why; it stays in the audit')
    .option('--all', 'every suppression: without any filter this must be said')
    .option('--dry-run', 'only say how many match')
    .option('-y, --yes', 'do it without asking')
    .action(acts(remove));
}

function withFilter(command: Command): Command {
  return command
    .addOption(new Option('--channel <channel>', 'of this channel').choices(SUPPRESSIBLE))
    .option('--code <code>', 'by this code, such as 5.1.1')
    .option('--provider <name>', 'that this provider refused, such as smtp')
    .option('--words <words>', 'with this part in the words of the provider')
    .option('--from <time>', 'suppressed at this time or later, such as 2030-01-31T09:00:00Z')
    .option('--to <time>', 'suppressed before this time');
}

/** A filter in the words of the API. */
function filterOf({ channel, code, provider, words, from, to }: Which) {
  return { channel, code, provider, reason: words, from, to };
}

async function add(
  context: Context,
  { reason }: { reason: string },
  channel: string,
  address: string,
): Promise<Exit> {
  const { output, isJson } = context;
  const call = {
    method: 'POST' as const,
    path: PATH,
    body: { channel, address, reason },
    isRepeatable: true,
  };
  const added = await context.api().call(suppressionAnswer, call);
  if (isJson) output.json(added);
  else output.print(`${address} gets no ${channel} any more`);
  return 'done';
}

async function remove(context: Context, options: RemoveOptions): Promise<Exit> {
  const { output, isJson } = context;
  const filter = filterOf(options);
  const isAny = Object.values(filter).some((value) => value !== undefined);
  if (isAny === (options.all === true))
    throw usageError('Say which: --channel, --code, --provider, --words, --from or --to; or --all.');
  const api = context.api();
  const call = (dryRun: boolean) =>
    api.call(bulkAnswer, {
      method: 'POST',
      path: `${PATH}/remove`,
      body: { filter, reason: options.reason, dry_run: dryRun },
      // Removed twice is removed.
      isRepeatable: true,
      timeoutMs: REMOVAL_TIMEOUT_MS,
    });
  const planned = await call(true);
  const isPlanOnly = options.dryRun === true || planned.matched === 0;
  const words = `${planned.matched} ${planned.matched === 1 ? 'suppression' : 'suppressions'}`;
  if (!isPlanOnly) await confirm(output, `${words} will be removed.`, options.yes === true);
  const result = isPlanOnly ? planned : await call(false);
  if (isJson) output.json(result);
  else
    output.print(
      result.dry_run ? `${words} match; nothing was done` : `${result.changed} of ${words} removed`,
    );
  return 'done';
}

async function list(context: Context, { address, limit, all, ...which }: ListOptions): Promise<Exit> {
  await printPages(context, {
    path: PATH,
    filters: { ...filterOf(which), address },
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
