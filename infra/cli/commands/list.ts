import { Option, type Command } from 'commander';
import { CHANNEL_NAMES, STATUSES } from '../../../shared/contracts/index.ts';
import type { Acting, Context } from '../context.ts';
import type { Exit } from '../exit.ts';
import { wholeFrom } from '../options.ts';
import { DEFAULT_LIMIT, printPages } from './paging.ts';
import { NOTIFICATIONS } from './show.ts';

interface ListOptions {
  status?: string;
  type?: string;
  user?: string;
  from?: string;
  to?: string;
  error?: string;
  limit: number;
  all?: true;
}

/** `tidings list` */
export function addList(program: Command, acts: Acting): void {
  withLimit(
    program
      .command('list')
      .summary('notifications, newest first')
      .description(
        'Lists notifications, newest first; with --json one a line. All filters that are given must match.',
      )
      .addOption(new Option('--status <status>', 'that stand there').choices(STATUSES))
      .addOption(new Option('--type <type>', 'of this channel').choices(CHANNEL_NAMES))
      .option('--user <user_id>', 'of this person')
      .option('--from <time>', 'accepted at this time or later, such as 2030-01-31T09:00:00Z')
      .option('--to <time>', 'accepted before this time')
      .option('--error <words>', 'with these words in the last error, or with this code'),
  ).action(acts(listNotifications));
}

/** How many a list shows. */
export function withLimit(command: Command): Command {
  return command
    .option('-n, --limit <number>', 'at most so many', wholeFrom(1, 1_000_000_000), DEFAULT_LIMIT)
    .option('-a, --all', 'all of them, however many');
}

async function listNotifications(context: Context, options: ListOptions): Promise<Exit> {
  const { status, type, user, from, to, error, limit, all } = options;
  await printPages(context, {
    path: '/v1/notifications',
    filters: { status, type, user_id: user, from, to, error },
    limit: all ? Infinity : limit,
    ...NOTIFICATIONS,
  });
  return 'done';
}
