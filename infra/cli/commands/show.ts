import { CANCELABLE, FINISHED, RETRYABLE, TIMELINE_KEEPS } from '../../../shared/contracts/index.ts';
import type { z } from 'zod';
import { listAnswer, type NotificationDetailShown, type NotificationShown } from '../api/answers.ts';
import type { Output, Painted } from '../terminal/output.ts';
import { oneLine } from '../terminal/visible.ts';
import { printTable } from '../terminal/table.ts';

/** Statuses by which it reached its person. */
const ARRIVED = ['sent', 'delivered'];
const ENDS: readonly string[] = [...FINISHED, ...RETRYABLE];
const WAITS: readonly string[] = [...CANCELABLE, 'sending'];

/** Whether nothing more happens by itself. */
export function isEnd(status: string): boolean {
  return ENDS.includes(status);
}

/** Whether it got to its person, as far as the fleet knows. */
export function hasArrived(status: string): boolean {
  return ARRIVED.includes(status);
}

/** A status in the colour of what it means. */
export function painted(status: string): Painted {
  if (hasArrived(status)) return { text: status, colour: 'good' };
  return { text: status, colour: WAITS.includes(status) ? 'wait' : 'bad' };
}

/** Prints a page of notifications as a table. */
export function printList(output: Output, page: readonly NotificationShown[]): void {
  const heading = ['ID', 'TYPE', 'STATUS', 'ATTEMPTS', 'ACCEPTED', 'RECIPIENT', 'ERROR'];
  const rows = page.map((one) => [
    one.id,
    one.type,
    painted(one.status),
    one.attempt,
    one.created_at,
    recipientOf(one),
    errorOf(one),
  ]);
  printTable(output, heading, rows);
}

/** How pages of notifications are read and printed. */
export const NOTIFICATIONS = {
  answer: listAnswer,
  itemsOf: ({ notifications }: z.output<typeof listAnswer>) => notifications,
  print: printList,
};

/** Prints one notification with its timeline. */
export function printDetail(output: Output, one: NotificationDetailShown): void {
  output.print(one.id, '  ', painted(one.status));
  printFacts(output, {
    ...lastingFactsOf(one),
    'next try': one.next_retry_time,
    provider: one.provider,
    error: errorOf(one),
  });
  for (const [index, entry] of one.timeline.entries()) {
    if (index === TIMELINE_KEEPS.first && one.timeline_omitted)
      output.print(`  … ${one.timeline_omitted} entries are not kept`);
    printEntry(output, entry);
  }
}

/** Prints what stays true of one that is followed: where it stands comes last. */
export function printHeading(output: Output, one: NotificationDetailShown): void {
  output.print(one.id);
  printFacts(output, lastingFactsOf(one));
}

/** Prints where one stands at its end: `sent by smtp`, `failed_permanently: 550 no such mailbox`. */
export function printEnd(output: Output, one: NotificationDetailShown): void {
  const by = hasArrived(one.status) && one.provider !== undefined ? ` by ${oneLine(one.provider)}` : '';
  const why = hasArrived(one.status) || !one.error ? '' : `: ${oneLine(errorOf(one))}`;
  output.print(painted(one.status), `${by}${why}`);
}

function lastingFactsOf(one: NotificationDetailShown): Record<string, string | undefined> {
  return {
    type: `${one.type}, ${one.lane}`,
    to: recipientOf(one),
    user: one.user_id,
    subject: one.subject,
    'send at': one.send_at,
  };
}

function printFacts(output: Output, facts: Record<string, string | undefined>): void {
  for (const [name, value] of Object.entries(facts))
    if (value !== undefined && value !== '') output.print(`  ${name.padEnd(9)} ${oneLine(value)}`);
}

/** Prints one line of a timeline. */
export function printEntry(output: Output, entry: NotificationDetailShown['timeline'][number]): void {
  const { at, status, actor, attempt, code, reason, ambiguous } = entry;
  const notes = [
    attempt === undefined ? undefined : `attempt ${attempt}`,
    code,
    reason,
    ambiguous ? 'ambiguous: it may have arrived' : undefined,
  ];
  const said = notes.filter((note) => note !== undefined).map(oneLine);
  const status_ = painted(status);
  output.print(
    `  ${at}  `,
    { ...status_, text: status.padEnd(18) },
    ` ${oneLine(actor)}${said.length > 0 ? `  ${said.join(', ')}` : ''}`,
  );
}

function recipientOf({ email, phone, user_id }: NotificationShown): string {
  return email ?? phone ?? user_id ?? 'an erased person';
}

function errorOf({ error }: NotificationShown): string {
  return error === undefined ? '' : `${error.code} ${error.reason}`;
}
