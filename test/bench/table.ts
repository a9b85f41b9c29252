import { ratioOf, type Row } from './result.ts';

/** Rows as a Markdown table. */
export function table(rows: readonly Row[]): string {
  return aligned([['part', 'what', 'Tidings', 'against', 'ratio', 'wanted'], ...rows.map(cellsOf)]);
}

function aligned(cells: readonly string[][]): string {
  const [header = []] = cells;
  const widths = header.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return [line(header), rule, ...cells.slice(1).map(line)].join('\n');
}

/** What each notification cost, by process, as a Markdown table. */
export function cpuTable(rows: readonly Row[]): string {
  const lines = rows.flatMap(({ part, what, against, cpu, cpuOfPeer }) => [
    ...(cpu ? [{ part, what, cpu }] : []),
    ...(cpuOfPeer ? [{ part, what: `${what}: ${against?.what}`, cpu: cpuOfPeer }] : []),
  ]);
  const names = [...new Set(lines.flatMap(({ cpu }) => Object.keys(cpu)))].sort();
  const body = lines.map(({ part, what, cpu }) => {
    const total = Object.values(cpu).reduce((sum, one) => sum + one, 0);
    return [part, what, ...[...names.map((name) => cpu[name]), total].map((ms) => ms?.toFixed(2) ?? '')];
  });
  return aligned([['part', 'CPU, in ms for each', ...names, 'total'], ...body]);
}

function cellsOf(row: Row): string[] {
  const { part, what, ours, unit, against, note } = row;
  const ratio = ratioOf(row);
  return [
    part,
    note === undefined ? what : `${what} (${note})`,
    `${rounded(ours)} ${unit}`,
    against ? `${rounded(against.figure)} ${unit}: ${against.what}` : '',
    ratio === undefined ? '' : ratio.toFixed(2),
    wanted(row),
  ];
}

/** What was wanted, and whether it was reached. Of a ratio where there is one, else of the figure itself. */
function wanted(row: Row): string {
  const { target } = row;
  if (!target) return '';
  const figure = ratioOf(row) ?? row.ours;
  const reached = 'atLeast' in target ? figure >= target.atLeast : figure <= target.atMost;
  return `${'atLeast' in target ? `≥ ${target.atLeast}` : `≤ ${target.atMost}`} ${reached ? 'reached' : 'MISSED'}`;
}

function rounded(figure: number): string {
  return figure >= 100 ? Math.round(figure).toLocaleString('en').replaceAll(',', ' ') : figure.toFixed(1);
}
