import { Option, type Command } from 'commander';
import { CHANNEL_NAMES } from '../../../shared/contracts/index.ts';
import { changedAnswer, readAnswer, unreadAnswer, userTokenAnswer } from '../api/answers.ts';
import type { Acting, Context } from '../context.ts';
import { exitOfMany, usageError, type Exit } from '../exit.ts';
import { pathOfUser } from '../ids.ts';
import { each } from './each.ts';
import { withLimit } from './list.ts';
import { printPages } from './paging.ts';
import { NOTIFICATIONS, painted } from './show.ts';

const USER_ID = ['<user_id>', 'the person, as you name them'] as const;

/** `tidings users notifications|unread|read|token` */
export function addUserInbox(users: Command, acts: Acting): void {
  withLimit(
    users
      .command('notifications')
      .description('Lists a person’s notifications, newest first; with --json one a line.')
      .argument(...USER_ID)
      .addOption(new Option('--type <type>', 'of this channel; in_app is the inbox').choices(CHANNEL_NAMES))
      .option('--unread', 'that the person has not read'),
  ).action(acts(list));
  users
    .command('unread')
    .description('Counts what a person has not read in the inbox.')
    .argument(...USER_ID)
    .action(acts(countUnread));
  users
    .command('read')
    .description('Marks notifications of a person’s inbox as read. It needs the scopes read and send:in_app.')
    .argument(...USER_ID)
    .argument('[ID...]', 'ids of notifications')
    .option('--all', 'all of them')
    .action(acts(markRead));
  users
    .command('token')
    .description('Makes a token with which a person’s own app reaches this person’s inbox, and prints it.')
    .argument(...USER_ID)
    .action(acts(issueToken));
}

async function list(
  context: Context,
  { type, unread, limit, all }: { type?: string; unread?: true; limit: number; all?: true },
  userId: string,
): Promise<Exit> {
  await printPages(context, {
    path: pathOfUser(userId, '/notifications'),
    filters: { type, unread: unread && 'true' },
    limit: all ? Infinity : limit,
    ...NOTIFICATIONS,
  });
  return 'done';
}

async function countUnread(
  { api, output, isJson }: Context,
  _options: object,
  userId: string,
): Promise<Exit> {
  const path = pathOfUser(userId, '/notifications/unread_count');
  const answer = await api().call(unreadAnswer, { method: 'GET', path });
  if (isJson) output.json(answer);
  else output.print(String(answer.unread_count));
  return 'done';
}

/** Repeated when its answer is lost: read twice is read. */
async function markRead(
  context: Context,
  { all }: { all?: true },
  userId: string,
  ids: string[],
): Promise<Exit> {
  const { output, isJson } = context;
  if ((all === true) === ids.length > 0) throw usageError('Say which: ids of notifications, or --all.');
  if (all) return markAllRead(context, userId);
  const api = context.api();
  const exits = await each(context, ids, async (id) => {
    const path = pathOfUser(userId, `/notifications/${encodeURIComponent(id)}/read`);
    const one = await api.call(readAnswer, { method: 'POST', path, isRepeatable: true });
    if (isJson) output.json(one);
    else output.print(one.id, '  ', painted(one.status), `  read ${one.read_at ?? ''}`);
    return 'done';
  });
  return exitOfMany(exits);
}

async function markAllRead({ api, output, isJson }: Context, userId: string): Promise<Exit> {
  const path = pathOfUser(userId, '/notifications/read_all');
  const answer = await api().call(changedAnswer, { method: 'POST', path, isRepeatable: true });
  if (isJson) output.json(answer);
  else output.print(`${answer.changed} marked as read`);
  return 'done';
}

/** The token alone goes to stdout, so that it can be passed on. */
async function issueToken({ api, output, isJson }: Context, _options: object, userId: string): Promise<Exit> {
  const issued = await api().call(userTokenAnswer, { method: 'POST', path: pathOfUser(userId, '/token') });
  if (isJson) output.json(issued);
  else {
    output.say(`It expires in ${issued.expires_in} s.`);
    output.print(issued.access_token);
  }
  return 'done';
}
