/**
 * Puts what is generated between its marks in a document that people write, and leaves the rest as it is.
 * @throws when the document has no such marks.
 */
export function withGenerated(document: string, name: string, generated: string): string {
  const [opening, closing] = [`<!-- generated: ${name} -->`, '<!-- /generated -->'];
  const begin = document.indexOf(opening);
  const end = document.indexOf(closing, begin);
  if (begin < 0 || end < 0) throw new Error(`the document has no marks for what is generated: ${name}`);
  return `${document.slice(0, begin + opening.length)}\n\n${generated}\n\n${document.slice(end)}`;
}

/** A table of Markdown. */
export function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), `|${head.map(() => '---|').join('')}`, ...rows.map(line)].join('\n');
}
