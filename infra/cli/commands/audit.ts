import { Option, type Command } from 'commander';
import { AUDIT_ACTS } from '../../../shared/contracts/index.ts';
import { auditAnswer, type AuditEntryShown } from '../api/answers.ts';
import type { Acting, Context } from '../context.ts';
import type { Exit } from '../exit.ts';
import type { Output } from '../terminal/output.ts';
import { printTable } from '../terminal/table.ts';
import { withLimit } from './list.ts';
import { printPages } from './paging.ts';

interface AuditOptions {
  actor?: string;
  act?: string;
  subject?: string;
  limit: number;
  all?: true;
}

/** `tidings audit` */
export function addAudit(program: Command, acts: Acting): void {
  withLimit(
    program
      .command('audit')
      .summary('who did what to which')
      .description('Lists the audit, newest first; with --json one a line. It needs the scope admin.')
      .option('--actor <actor>', 'by this one, in full, such as key:0123456789ab')
      .addOption(new Option('--act <act>', 'of this kind').choices(AUDIT_ACTS))
      .option('--subject <subject>', 'to this one, in full, such as notification:<id> or user:<user_id>'),
  ).action(acts(listAudit));
}

async function listAudit(context: Context, options: AuditOptions): Promise<Exit> {
  const { actor, act, subject, limit, all } = options;
  await printPages(context, {
    path: '/v1/audit',
    filters: { actor, act, subject },
    limit: all ? Infinity : limit,
    answer: auditAnswer,
    itemsOf: ({ entries }) => entries,
    print: printEntries,
  });
  return 'done';
}

function printEntries(output: Output, page: readonly AuditEntryShown[]): void {
  printTable(
    output,
    ['AT', 'ACTOR', 'ACT', 'SUBJECT', 'DETAIL'],
    page.map(({ at, actor, act, subject, detail }) => [at, actor, act, subject, detail]),
  );
}
