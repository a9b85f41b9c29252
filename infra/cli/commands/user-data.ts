import type { Command } from 'commander';
import { erasureAnswer, exportAnswer, type ErasureShown } from '../api/answers.ts';
import type { Acting, Context } from '../context.ts';
import type { Exit } from '../exit.ts';
import { pathOfUser } from '../ids.ts';
import { confirm } from '../terminal/ask.ts';

const USER_ID = ['<user_id>', 'the person, as you name them'] as const;

/** `tidings users export|erase|erasure` */
export function addUserData(users: Command, acts: Acting): void {
  users
    .command('export')
    .description('Prints all that is stored of a person: a page a line, as JSON. It needs the scope admin.')
    .argument(...USER_ID)
    .action(acts(exportUser));
  users
    .command('erase')
    .description(
      'Erases a person: what waits is canceled, content and recipients are removed. It needs the scope admin.',
    )
    .argument(...USER_ID)
    .option('-y, --yes', 'do it without asking')
    .action(acts(eraseUser));
  users
    .command('erasure')
    .description('Shows how far an erasure is. It needs the scope admin.')
    .argument('<id>', 'of the receipt that erase printed')
    .action(acts(showErasure));
}

async function exportUser({ api, output }: Context, _options: object, userId: string): Promise<Exit> {
  const client = api();
  let cursor: string | undefined;
  do {
    const call = { method: 'GET' as const, path: pathOfUser(userId, '/export'), query: { cursor } };
    const page = await client.call(exportAnswer, call);
    output.json(page);
    await output.drained();
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined && output.isOpen);
  return 'done';
}

async function eraseUser(context: Context, { yes }: { yes?: true }, userId: string): Promise<Exit> {
  const { api, output } = context;
  await confirm(
    output,
    `${userId} will be erased: content and recipients of all notifications are removed, and nothing brings them back.`,
    yes === true,
  );
  const erasure = await api().call(erasureAnswer, { method: 'DELETE', path: pathOfUser(userId) });
  print(context, erasure);
  return 'done';
}

async function showErasure(context: Context, _options: object, id: string): Promise<Exit> {
  const path = `/v1/erasures/${encodeURIComponent(id)}`;
  print(context, await context.api().call(erasureAnswer, { method: 'GET', path }));
  return 'done';
}

function print({ output, isJson }: Context, erasure: ErasureShown): void {
  const { id, erased, finished_at: finishedAt } = erasure;
  if (isJson) output.json(erasure);
  else
    output.print(
      `${id}  ${erased} notifications erased, `,
      finishedAt === undefined
        ? { text: `goes on by itself: tidings users erasure ${id}`, colour: 'wait' }
        : { text: `finished ${finishedAt}`, colour: 'good' },
    );
}
