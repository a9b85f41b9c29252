import type { Command } from 'commander';
import { ACCEPTING } from '../../../shared/contracts/index.ts';
import { controlAnswer } from '../api/answers.ts';
import type { Acting, Context } from '../context.ts';
import type { Exit } from '../exit.ts';
import { wholeFrom } from '../options.ts';
import { controlPath, stateOf } from './controls.ts';

/** Minutes of a week: the longest pause that ends by itself. */
const MAX_MINUTES = 10_080;

interface PauseOptions {
  reason: string;
  minutes?: number;
}

/** `tidings pause ID` */
export function addPause(program: Command, acts: Acting): void {
  withReason(
    program
      .command('pause')
      .summary('pause a channel or a provider')
      .description(
        'Pauses a channel or a provider: accepting goes on, and what waits is delivered afterwards. Again, it changes the reason and the end.',
      )
      .argument('<id>', 'such as email, channel:sms or provider:smtp; see tidings controls'),
  ).action(acts(pause));
}

/** `tidings drain` */
export function addDrain(program: Command, acts: Acting): void {
  withReason(
    program
      .command('drain')
      .summary('accept nothing, and deliver what was accepted')
      .description(
        `Drains the fleet: callers get 503 with Retry-After, and what was accepted is delivered. tidings resume ${ACCEPTING} ends it.`,
      ),
  ).action(acts((context, options: PauseOptions) => pause(context, options, ACCEPTING)));
}

function withReason(command: Command): Command {
  return command
    .requiredOption('--reason <words>', 'why; it stands on every page meanwhile')
    .option('--minutes <number>', 'resume by itself after so many minutes', wholeFrom(1, MAX_MINUTES));
}

async function pause(context: Context, { reason, minutes }: PauseOptions, id: string): Promise<Exit> {
  const { output, isJson } = context;
  const path = controlPath(id, 'pause');
  // A second pause says the same as the first.
  const call = { method: 'POST' as const, path, body: { reason, minutes }, isRepeatable: true };
  const paused = await context.api().call(controlAnswer, call);
  if (isJson) output.json(paused);
  else
    output.print(
      `${paused.id}  `,
      stateOf(paused),
      paused.until === undefined ? '' : `  until ${paused.until}`,
    );
  return 'done';
}
