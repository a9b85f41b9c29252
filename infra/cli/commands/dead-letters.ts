import { Option, type Command } from 'commander';
import { CHANNEL_NAMES, type DeadLetterFilter } from '../../../shared/contracts/index.ts';
import { MINUTE, SECOND } from '../../../shared/runtime/duration.ts';
import { bulkAnswer } from '../api/answers.ts';
import type { ApiClient } from '../api/client.ts';
import type { Acting, Context } from '../context.ts';
import { CliError, usageError, type Exit } from '../exit.ts';
import { gathered, numberFrom } from '../options.ts';
import { confirm } from '../terminal/ask.ts';
import { withLimit } from './list.ts';
import { printPages } from './paging.ts';
import { NOTIFICATIONS } from './show.ts';

/** The API answers an act on many within two minutes, done or not; milliseconds, and a little for the way. */
const BULK_TIMEOUT_MS = 2 * MINUTE + 10 * SECOND;

interface Which {
  type?: string;
  user?: string;
  code?: string;
  provider?: string;
}

interface ActOptions extends Which {
  id?: string[];
  before?: string;
  all?: true;
  dryRun?: true;
  yes?: true;
  rate?: number;
  reason?: string;
}

/** `tidings dead-letters list|retry|discard` */
export function addDeadLetters(program: Command, acts: Acting): void {
  const deadLetters = program
    .command('dead-letters')
    .summary('list, retry or discard what failed for good')
    .description('Notifications that failed permanently: look at them, send them again, give them up.');
  withLimit(
    withFilter(
      deadLetters.command('list').description('Lists dead letters, newest first; with --json one a line.'),
    ),
  ).action(acts(list));
  withAct(
    deadLetters
      .command('retry')
      .description('Sends all dead letters again that match, each with a full ladder.'),
  )
    .option('--rate <number>', 'at most so many per second; without it, all at once', numberFrom(0.1, 10_000))
    .action(acts(redrive));
  withAct(deadLetters.command('discard').description('Gives all dead letters up that match, for good.'))
    .requiredOption('--reason <words>', 'why; it stays on their timelines')
    .action(acts(discard));
}

function withFilter(command: Command): Command {
  return command
    .addOption(new Option('--type <type>', 'of this channel').choices(CHANNEL_NAMES))
    .option('--user <user_id>', 'of this person')
    .option('--code <code>', 'whose last error has this code, such as 550')
    .option('--provider <name>', 'that this provider refused last, such as smtp');
}

function withAct(command: Command): Command {
  return withFilter(command)
    .option('--id <id>', 'this one; may come several times', gathered)
    .option('--before <time>', 'that died at this time or earlier, such as 2030-01-31T09:00:00Z')
    .option('--all', 'every dead letter: without any filter this must be said')
    .option('--dry-run', 'only say how many match')
    .option('-y, --yes', 'do it without asking');
}

async function list(
  context: Context,
  { type, user, code, provider, limit, all }: Which & { limit: number; all?: true },
): Promise<Exit> {
  const filters = { type, user_id: user, code, provider };
  await printPages(context, {
    path: '/v1/dead-letters',
    filters,
    limit: all ? Infinity : limit,
    ...NOTIFICATIONS,
  });
  return 'done';
}

function redrive(context: Context, options: ActOptions): Promise<Exit> {
  const { rate } = options;
  const verb = rate === undefined ? 'sent again' : `sent again, at most ${rate} a second`;
  return act(context, options, { path: '/v1/dead-letters/retry', verb, more: { rate } });
}

function discard(context: Context, options: ActOptions): Promise<Exit> {
  const more = { reason: options.reason };
  return act(context, options, { path: '/v1/dead-letters/discard', verb: 'given up', more });
}

/** What is done to all that match. `verb`: as what becomes of them. */
interface Act {
  path: string;
  verb: string;
  more: { rate?: number | undefined; reason?: string | undefined };
}

async function act(context: Context, options: ActOptions, { path, verb, more }: Act): Promise<Exit> {
  const { output, isJson } = context;
  const filter = filterOf(options);
  const api = context.api();
  const call = (dryRun: boolean) => callBulk(api, path, { filter, ...more, dry_run: dryRun }, verb);
  const planned = await call(true);
  if (!options.dryRun && planned.matched > 0)
    await confirm(
      output,
      `${planned.matched} ${planned.matched === 1 ? 'dead letter' : 'dead letters'} will be ${verb}.`,
      options.yes === true,
    );
  const result = options.dryRun || planned.matched === 0 ? planned : await call(false);
  if (isJson) output.json(result);
  else
    output.print(
      options.dryRun
        ? `${result.matched} match; nothing was done`
        : `${result.changed} of ${result.matched} ${verb}`,
    );
  return result.dry_run || result.changed >= result.matched ? 'done' : 'partly';
}

async function callBulk(
  api: ApiClient,
  path: string,
  body: { dry_run: boolean; filter: object },
  verb: string,
) {
  try {
    // A dry run may come twice. The act itself is not repeated when its answer is lost: it may be under way.
    const call = {
      method: 'POST' as const,
      path,
      body,
      isRepeatable: body.dry_run,
      timeoutMs: BULK_TIMEOUT_MS,
    };
    return await api.call(bulkAnswer, call);
  } catch (thrown) {
    if (body.dry_run || !(thrown instanceof CliError) || thrown.exit !== 'unreachable') throw thrown;
    throw new CliError(
      'unreachable',
      `${thrown.message} The page /dead-letters shows what is under way, and tidings dead-letters list what is not yet ${verb}.`,
    );
  }
}

/** The filter in the words of the API. @throws CliError when nothing says which */
function filterOf({
  id,
  type,
  user,
  code,
  provider,
  before,
  all,
}: ActOptions): Record<keyof DeadLetterFilter, unknown> {
  const filter = { ids: id, type, user_id: user, code, provider, before };
  const isAny = Object.values(filter).some((value) => value !== undefined);
  if (!isAny && !all)
    throw usageError('Say which: --type, --user, --code, --provider, --before or --id; or --all.');
  if (isAny && all)
    throw usageError('--all means every dead letter, and the other filters some: say one or the other.');
  return filter;
}
