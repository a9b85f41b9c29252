import type { Command } from 'commander';
import { CHANNEL_NAMES, pauseOfChannel } from '../../../shared/contracts/index.ts';
import { controlsAnswer, type ControlShown } from '../api/answers.ts';
import type { Acting, Context } from '../context.ts';
import type { Exit } from '../exit.ts';
import type { Painted } from '../terminal/output.ts';
import { printTable } from '../terminal/table.ts';

const PATH = '/v1/controls';
/** The colour of a state; what waits for a person or a process is neither good nor bad. */
const GOOD: readonly string[] = ['running', 'accepting'];

/** `tidings controls` */
export function addControls(program: Command, acts: Acting): void {
  program
    .command('controls')
    .summary('channels, providers and accepting: what runs, what is paused')
    .description('Lists what can be paused, and who paused it, why and until when; with --json one a line.')
    .action(acts(listControls));
}

async function listControls({ api, output, isJson }: Context): Promise<Exit> {
  const { controls } = await api().call(controlsAnswer, { method: 'GET', path: PATH });
  if (isJson) for (const one of controls) output.json(one);
  else
    printTable(
      output,
      ['ID', 'STATE', 'IN FLIGHT', 'CONSUMERS', 'UNTIL', 'BY', 'REASON'],
      controls.map((one) => [
        one.id,
        stateOf(one),
        one.in_flight,
        one.processes,
        one.until,
        one.by ?? one.paused_by,
        one.reason,
      ]),
    );
  return 'done';
}

/** How one stands, in its colour: `draining, 12 undelivered`. */
export function stateOf({ state, undelivered }: ControlShown): Painted {
  const left = state === 'draining' && undelivered !== undefined ? `, ${undelivered} undelivered` : '';
  return { text: `${state}${left}`, colour: GOOD.includes(state) ? 'good' : 'wait' };
}

/** Where one is in the API; a channel may be named without `channel:`. */
export function controlPath(id: string, act: 'pause' | 'resume'): string {
  const channel = CHANNEL_NAMES.find((name) => name === id);
  return `${PATH}/${encodeURIComponent(channel ? pauseOfChannel(channel) : id)}/${act}`;
}
