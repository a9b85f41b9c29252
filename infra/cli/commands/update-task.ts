import type { Command } from 'commander';
import { newId } from '../../../shared/runtime/ids.ts';
import { taskUpdatedAnswer } from '../api/answers.ts';
import type { Acting, Context } from '../context.ts';
import type { Exit } from '../exit.ts';

/** `tidings update-task TASK_ID --email ADDRESS` */
export function addUpdateTask(program: Command, acts: Acting): void {
  program
    .command('update-task')
    .summary('say that a task was updated')
    .description(
      'Says that a task was updated: its person gets an e-mail, and whoever listens to task updates gets it at once.',
    )
    .argument('<task_id>', 'the task, as you name it')
    .requiredOption('--email <address>', 'whom to tell')
    .option(
      '--idempotency-key <key>',
      'repeat with the same one and it is updated once; made by itself otherwise',
    )
    .action(acts(updateTask));
}

async function updateTask(
  context: Context,
  { email, idempotencyKey = newId() }: { email: string; idempotencyKey?: string },
  taskId: string,
): Promise<Exit> {
  const { output, isJson } = context;
  const api = context.api();
  output.say(`idempotency key ${idempotencyKey}`);
  const body = { task_id: taskId, user_email: email };
  const call = { method: 'POST' as const, path: '/update_task', body, idempotencyKey };
  const answer = await api.call(taskUpdatedAnswer, call);
  if (isJson) output.json(answer);
  else output.print(answer.status);
  return 'done';
}
