import type { Command } from 'commander';
import { quarantineAnswer, releasedAnswer } from '../api/answers.ts';
import type { Acting, Context } from '../context.ts';
import type { Exit } from '../exit.ts';
import { printTable } from '../terminal/table.ts';

const PATH = '/v1/quarantine';

/** `tidings quarantine [list]|retry|discard` */
export function addQuarantine(program: Command, acts: Acting): void {
  const quarantine = program
    .command('quarantine')
    .summary('records that MongoDB refuses to write: list, retry, discard')
    .description('Records that MongoDB refuses to write. They wait for a person while all others go on.');
  quarantine
    .command('list', { isDefault: true })
    .description('Lists them, newest first; with --json one a line.')
    .action(acts(list));
  quarantine
    .command('retry')
    .description('Writes one again; it goes on where MongoDB takes it. It needs the scope retry:all.')
    .argument('<id>', 'id of the notification')
    .action(acts((context: Context, _options: object, id: string) => release(context, id, 'retry')));
  quarantine
    .command('discard')
    .description('Gives one up. It needs the scope retry:all.')
    .argument('<id>', 'id of the notification')
    .action(acts((context: Context, _options: object, id: string) => release(context, id, 'discard')));
}

async function list({ api, output, isJson }: Context): Promise<Exit> {
  const { quarantined } = await api().call(quarantineAnswer, { method: 'GET', path: PATH });
  if (isJson) for (const one of quarantined) output.json(one);
  else
    printTable(
      output,
      ['ID', 'TYPE', 'STATUS', 'SINCE', 'CODE', 'REASON'],
      quarantined.map(({ id, type, status, since, code, reason }) => [id, type, status, since, code, reason]),
    );
  return 'done';
}

async function release(
  { api, output, isJson }: Context,
  id: string,
  action: 'retry' | 'discard',
): Promise<Exit> {
  const path = `${PATH}/${encodeURIComponent(id)}/${action}`;
  const released = await api().call(releasedAnswer, { method: 'POST', path });
  if (isJson) output.json(released);
  else output.print(`${released.id}  ${released.outcome}`);
  return 'done';
}
