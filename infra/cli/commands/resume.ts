import type { Command } from 'commander';
import { controlAnswer } from '../api/answers.ts';
import type { Acting, Context } from '../context.ts';
import type { Exit } from '../exit.ts';
import { controlPath, stateOf } from './controls.ts';

/** `tidings resume ID` */
export function addResume(program: Command, acts: Acting): void {
  program
    .command('resume')
    .summary('resume what is paused')
    .description('Resumes a channel, a provider, or accepting: what waited is delivered.')
    .argument('<id>', 'such as email, channel:sms, provider:smtp or accepting')
    .action(acts(resume));
}

/** Not repeated when its answer is lost: the second call would find nothing paused, though the first one resumed it. */
async function resume(context: Context, _options: object, id: string): Promise<Exit> {
  const { output, isJson } = context;
  const resumed = await context
    .api()
    .call(controlAnswer, { method: 'POST', path: controlPath(id, 'resume') });
  if (isJson) output.json(resumed);
  else output.print(`${resumed.id}  `, stateOf(resumed));
  return 'done';
}
