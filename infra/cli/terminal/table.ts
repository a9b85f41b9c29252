import type { Output, Painted, Piece } from './output.ts';
import { oneLine } from './visible.ts';

/** A cell: its text, and a colour where it has one. */
export type Cell = string | number | Painted | undefined;

/** Prints rows under a heading, each column as wide as its widest cell; numbers to the right. */
export function printTable(
  output: Output,
  heading: readonly string[],
  rows: readonly (readonly Cell[])[],
): void {
  const widths = heading.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => textOf(row[column]).length)),
  );
  output.print({
    text: joined(heading.map((title, column) => title.padEnd(widths[column] ?? 0))),
    colour: 'faint',
  });
  for (const row of rows) output.print(...piecesOf(row, widths.slice(0, lengthOf(row))));
}

function piecesOf(row: readonly Cell[], widths: readonly number[]): Piece[] {
  return widths.flatMap((width, column) => {
    const cell = row[column];
    const isLast = column === widths.length - 1;
    const text = padded(cell, isLast && typeof cell !== 'number' ? 0 : width);
    const piece = typeof cell === 'object' ? { text, colour: cell.colour } : text;
    return isLast ? [piece] : [piece, '  '];
  });
}

/** Without the empty cells at its end: they would only be spaces. */
function lengthOf(row: readonly Cell[]): number {
  return row.findLastIndex((cell) => textOf(cell) !== '') + 1;
}

function padded(cell: Cell, width: number): string {
  const text = textOf(cell);
  return typeof cell === 'number' ? text.padStart(width) : text.padEnd(width);
}

function textOf(cell: Cell): string {
  if (cell === undefined) return '';
  return oneLine(typeof cell === 'object' ? cell.text : String(cell));
}

function joined(cells: readonly string[]): string {
  return cells.join('  ').trimEnd();
}
