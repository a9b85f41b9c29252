/** What other programs call our columns. */
const ALSO_CALLED: Readonly<Record<string, string>> = {
  address: 'email',
  body: 'message',
  cell: 'phone',
  channel: 'type',
  content: 'message',
  customer_id: 'user_id',
  email_address: 'email',
  email_1: 'email',
  id: 'user_id',
  mail: 'email',
  mobile: 'phone',
  mobile_number: 'phone',
  mobile_phone: 'phone',
  number: 'phone',
  phone_1: 'phone',
  phone_number: 'phone',
  priority: 'lane',
  recipient: 'email',
  send_time: 'send_at',
  sender: 'from',
  tel: 'phone',
  telephone: 'phone',
  text: 'message',
  title: 'subject',
  to: 'email',
  user: 'user_id',
  words: 'message',
};
/** Letters in which a name may differ from the one that is meant. */
const TYPOS = 2;

/** The column that somebody probably means by a name in lower case, with _ between its words; undefined when none is near. */
export function nearestOf(plain: string, columns: readonly string[]): string | undefined {
  const letters = (text: string): string => text.replaceAll('_', '');
  const same = columns.find((column) => letters(column) === letters(plain));
  const meant = same ?? ALSO_CALLED[plain];
  if (meant !== undefined) return meant;
  const [best] = columns
    .map((column) => ({ column, typos: distance(letters(plain), letters(column)) }))
    .sort((a, b) => a.typos - b.typos);
  return best && best.typos <= Math.min(TYPOS, plain.length / 2) ? best.column : undefined;
}

/** Letters to change, add or take out until one word is the other (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of Array.from(a).entries()) {
    const next = [i + 1];
    for (let j = 1; j <= b.length; j += 1)
      next.push(
        Math.min(
          (row[j] ?? 0) + 1,
          (next[j - 1] ?? 0) + 1,
          (row[j - 1] ?? 0) + (letter === b[j - 1] ? 0 : 1),
        ),
      );
    row = next;
  }
  return row[b.length] ?? 0;
}
