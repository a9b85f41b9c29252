/**
 * The benchmark, in one go on servers of its own: run it with `npm run bench`. `--short` takes under a minute, `--only a,b` takes some parts, `--pictures`
 * draws docs/performance-*.svg, `--profile` leaves CPU profiles of the fleet in .data/bench/profiles.
 * Machines are noisy, so what counts are ratios within one run; nothing here fails because of a time.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { draw } from './chart.ts';
import { measureAccept } from './parts/accept.ts';
import { measureDrain } from './parts/drain.ts';
import { measureGrowth, measureScale, type GrowthPoint } from './parts/growth.ts';
import { measureLanes, measureLatency, type LatencyPoint } from './parts/latency.ts';
import { measurePeer } from './parts/peer.ts';
import { measureRefused } from './parts/refused.ts';
import { measureViews } from './parts/views.ts';
import type { Row } from './result.ts';
import { Sinks } from './sinks.ts';
import { cpuTable, table } from './table.ts';

/** What a run has found, as its JSON file holds it. */
interface Report {
  at: string;
  machine: string;
  rows: Row[];
  latency: LatencyPoint[];
  growth: GrowthPoint[];
}

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    only: { type: 'string' },
    pictures: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
  },
});
const say = (words: string): void => {
  process.stdout.write(`${words}\n`);
};
const report: Report = {
  at: new Date().toISOString(),
  machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.versions.node}`,
  rows: [],
  latency: [],
  growth: [],
};
if (values.profile) {
  process.env.BENCH_PROFILES = '.data/bench/profiles';
  rmSync(process.env.BENCH_PROFILES, { recursive: true, force: true });
}
const sinks = await Sinks.start();
const PARTS: Record<string, () => Promise<Row[]>> = {
  accept: () => measureAccept(sinks, { connections: [1, 32, 256], rounds: 3, seconds: 4 }),
  deliver: () => measureDrain(sinks, { rounds: 3, counts: { in_app: 20_000, email: 20_000, sms: 5_000 } }),
  peer: () => measurePeer(sinks, { rounds: 3, seconds: 8 }, say),
  latency: async () => {
    const { rows, points } = await measureLatency(sinks, { seconds: 10, loads: [0.1, 0.5, 0.9] });
    report.latency = points;
    return rows;
  },
  lanes: () => measureLanes(sinks, 100_000, 15),
  growth: async () => {
    const { rows, points } = await measureGrowth(sinks, [1_000, 10_000, 100_000, 500_000]);
    report.growth = points;
    return rows;
  },
  views: () => measureViews(sinks, [1_000, 100_000, 1_000_000]),
  scale: () => measureScale(sinks, 10_000),
  refused: () => measureRefused(sinks, 5, 10_000),
};
const SHORT: Record<string, () => Promise<Row[]>> = {
  accept: () => measureAccept(sinks, { connections: [32], rounds: 1, seconds: 2 }),
  deliver: () => measureDrain(sinks, { rounds: 1, counts: { in_app: 3_000, email: 3_000 } }),
};

const chosen = values.only?.split(',');
mkdirSync('.data/bench', { recursive: true });
for (const [name, measure] of Object.entries(values.short ? SHORT : PARTS)) {
  if (chosen && !chosen.includes(name)) continue;
  say(`· ${name} …`);
  const rows = await measure();
  report.rows.push(...rows);
  // Part by part, so that nothing is lost if a later one fails.
  writeFileSync('.data/bench/report.json', `${JSON.stringify(report, null, 2)}\n`);
  say(`\n${table(rows)}\n`);
}
await sinks.stop();
if (values.pictures) drawAll(report);
say(`${cpuTable(report.rows)}\n\n${report.machine}. As JSON: .data/bench/report.json`);
process.exit();

function drawAll({ latency, growth }: Report): void {
  if (latency.length > 0)
    writeFileSync(
      'docs/performance-latency.svg',
      draw({
        title: 'From the request to the mail server’s 250',
        unit: 'ms',
        points: latency.map(({ load }) => (load === 0 ? 'one at a time' : `${load * 100} % of capacity`)),
        lines: (['p50', 'p95', 'p99'] as const).map((name) => ({
          name,
          values: latency.map((point) => point[name]),
        })),
      }),
    );
  if (growth.length > 0)
    writeFileSync(
      'docs/performance-backlog.svg',
      draw({
        title: 'In-app notifications through one consumer, by backlog',
        unit: 'per s',
        points: growth.map(({ backlog }) => backlog.toLocaleString('en').replaceAll(',', ' ')),
        lines: [{ name: 'per s', values: growth.map(({ perSecond }) => perSecond) }],
      }),
    );
}
