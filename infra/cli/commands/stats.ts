import type { Command } from 'commander';
import { statsAnswer, type StatsShown } from '../api/answers.ts';
import type { Acting, Context } from '../context.ts';
import type { Exit } from '../exit.ts';
import type { Output, Painted } from '../terminal/output.ts';
import { printTable } from '../terminal/table.ts';

/** `tidings stats` */
export function addStats(program: Command, acts: Acting): void {
  program
    .command('stats')
    .summary('counts, queues, providers, the balance')
    .description(
      'Counts by channel and status, what waits in queues, providers, and the balance of store and broker.',
    )
    .action(acts(showStats));
}

async function showStats(context: Context): Promise<Exit> {
  const stats = await context.api().call(statsAnswer, { method: 'GET', path: '/stats' });
  if (context.isJson) context.output.json(stats);
  else print(context.output, stats);
  return 'done';
}

function print(output: Output, stats: StatsShown): void {
  output.print(`${stats.total} notifications, as of ${stats.as_of}`);
  if (typeof stats.stale_since === 'string')
    output.print({ text: `no scheduler has kept these counts since ${stats.stale_since}`, colour: 'wait' });
  if (stats.unpublished > 0) output.print(`${stats.unpublished} not yet published`);
  printCounts(output, stats);
  printQueues(output, stats);
  printProviders(output, stats);
  printBalance(output, stats);
  for (const { what, by, reason } of stats.switched)
    output.print({ text: `paused: ${what} by ${by}: ${reason}`, colour: 'wait' });
}

function printCounts(output: Output, { by_status: byStatus, by_type: byType }: StatsShown): void {
  const statuses = Object.keys(byStatus).filter((status) => (byStatus[status] ?? 0) > 0);
  if (statuses.length === 0) return;
  const types = Object.keys(byType);
  output.print('');
  const rows = statuses.map((status) => [
    status,
    ...types.map((type) => byType[type]?.[status] ?? 0),
    byStatus[status],
  ]);
  printTable(output, ['STATUS', ...types, 'ALL'], rows);
}

/** Those in which something waits; the others would only be many. */
function printQueues(output: Output, { queues }: StatsShown): void {
  const waiting = queues.filter(({ ready }) => ready !== 0);
  if (waiting.length === 0) return;
  output.print('');
  const rows = waiting.map(({ name, ready, oldest_age_seconds: age }) => [
    name,
    ready ?? '?',
    age === null ? '' : `${age} s`,
  ]);
  printTable(output, ['QUEUE', 'READY', 'OLDEST'], rows);
}

/** In the words of the page /stats. A closed breaker lets all through, whatever comes back. */
function printProviders(output: Output, { providers }: StatsShown): void {
  if (providers.length === 0) return;
  output.print('');
  const rows = providers.map((one) => [
    one.name,
    one.channel,
    one.processes,
    { text: `${one.breaker}${one.is_paused ? '; paused' : ''}`, colour: colourOf(one) },
    one.error_rate === null ? 'none yet' : `${(100 * one.error_rate).toFixed(1)} %`,
  ]);
  printTable(output, ['PROVIDER', 'CHANNEL', 'PROCESSES', 'BREAKER', 'NOT TAKEN IN AN HOUR'], rows);
}

function colourOf({ breaker, is_paused: isPaused }: StatsShown['providers'][number]): Painted['colour'] {
  if (breaker !== 'closed') return 'bad';
  return isPaused ? 'wait' : 'good';
}

function printBalance(output: Output, { balance }: StatsShown): void {
  output.print('');
  const rows = balance.map(({ what, records, messages }) => [what, records, messages ?? '?']);
  printTable(output, ['BALANCE', 'RECORDS', 'MESSAGES'], rows);
}
