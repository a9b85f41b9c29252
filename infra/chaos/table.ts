import { SECOND } from '../../shared/runtime/duration.ts';
import type { RunResult } from './run.ts';

const HEADS = [
  ...['fault', 'seed', 'attempted', 'accepted', 'terminal', 'lost', 'unexpected', 'recovered'],
  ...['duplicates', 'ambiguous', 'bound', 'slowest answer', 'longest stall', 'to recover', 'verdict'],
];

/** The verdicts of runs, a line each, as Markdown; aligned, so that a terminal shows it as well. */
export function verdictTable(results: readonly RunResult[]): string {
  const rows = [HEADS, ...results.map(cellsOf)];
  const widths = HEADS.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const lines = rows.map(
    (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`,
  );
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return [lines[0], rule, ...lines.slice(1)].join('\n');
}

function cellsOf({ fault, seed, verdict, ok }: RunResult): string[] {
  const { attempted, accepted, terminal, lost, unexpected, recovered, duplicates, ambiguous, bound } =
    verdict;
  const counts = [
    attempted,
    accepted,
    terminal,
    lost.length,
    unexpected.length,
    recovered,
    duplicates,
    ambiguous,
    bound,
  ];
  return [
    fault,
    String(seed),
    ...counts.map(String),
    seconds(verdict.slowestMs),
    seconds(verdict.longestStallMs),
    seconds(verdict.recoveryMs),
    verdictOf(verdict.ok, ok),
  ];
}

/** What is wrong with a run, in lines; nothing when all is well. */
export function complaintsOf({ verdict }: RunResult): string[] {
  const { lost, unexpected, wronglyDead, violations, ok } = verdict;
  if (ok) return [];
  const lists = { lost, unexpected, 'dead letters of recipients who are fine': wronglyDead };
  return [
    ...Object.entries(lists)
      .filter(([, markers]) => markers.length > 0)
      .map(([what, markers]) => `${what}: ${markers.length} (${markers.slice(0, 5).join(', ')})`),
    ...violations,
  ];
}

function verdictOf(kept: boolean, ok: boolean): string {
  if (kept) return ok ? 'ok' : 'NOT SEEN';
  return ok ? 'seen' : 'BROKEN';
}

function seconds(ms: number): string {
  return `${(ms / SECOND).toFixed(1)} s`;
}
