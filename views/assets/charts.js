// Draws the charts of the stats, and keeps them up to date. Their values stand in a table as well.
import uPlot from '/assets/uplot/uPlot.esm.js';

const REFRESH_MS = 5000;
const HEIGHT = 220;
let series = JSON.parse(document.querySelector('#series').textContent);
let charts = [];

/** A canvas cannot read a custom property: an element of a class resolves it, in the theme that counts. */
function colour(classes) {
  const probe = document.createElement('span');
  probe.className = classes;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

const number = (_, value) => (value == null ? '' : Math.round(value).toLocaleString());
const duration = (ms) =>
  ms >= 60_000
    ? `${+(ms / 60_000).toFixed(1)} min`
    : ms >= 1000
      ? `${+(ms / 1000).toFixed(1)} s`
      : `${Math.round(ms)} ms`;

const line = (label, role, dash, value = number) => ({
  label,
  stroke: colour(`tag ${role}`),
  width: 2,
  dash,
  value,
  points: { show: false },
});

const KINDS = {
  throughput: {
    data: () => [
      series.at,
      series.accepted,
      series.sent,
      series.failed,
      series.dead,
      series.delivered,
      series.bounced,
    ],
    lines: () => [
      line('Accepted', 'waiting', [4, 4]),
      line('Sent', 'done'),
      line('Put back for a retry', 'retrying', [8, 4]),
      line('Given up', 'dead', [2, 3]),
      line('Delivered', 'done', [1, 4]),
      line('Came back', 'dead', [8, 2, 2, 2]),
    ],
    scales: { y: { range: (_, low, high) => [0, Math.max(1, high * 1.1)] } },
    values: undefined,
  },
  latency: {
    data: () => [series.at, series.p50, series.p95],
    lines: () => {
      const value = (_, ms) => (ms == null ? '' : duration(ms));
      const dot = (one) => ({ ...one, points: { show: true, size: 5 } });
      return [dot(line('p50', 'moving', undefined, value)), dot(line('p95', 'doubt', [6, 4], value))];
    },
    scales: { y: { range: (_, low, high) => [0, Math.max(10, high * 1.1)] } },
    values: (_, ticks) => ticks.map(duration),
  },
};

function draw() {
  for (const { chart } of charts) chart.destroy();
  charts = [...document.querySelectorAll('[data-chart]')].map((figure) => {
    const kind = KINDS[figure.dataset.chart];
    const axis = {
      stroke: colour('ink-soft'),
      grid: { stroke: colour('ink-line'), width: 1 },
      ticks: { show: false },
    };
    const options = {
      width: figure.clientWidth,
      height: HEIGHT,
      scales: kind.scales,
      series: [{ label: 'From' }, ...kind.lines()],
      axes: [axis, { ...axis, size: 70, ...(kind.values && { values: kind.values }) }],
    };
    return { kind, figure, chart: new uPlot(options, kind.data(), figure) };
  });
}

async function refresh() {
  if (document.hidden) return;
  try {
    const response = await fetch(`/stats/series?range=${series.range}`);
    if (!response.ok) return;
    series = await response.json();
    for (const { kind, chart } of charts) chart.setData(kind.data());
  } catch {
    // The server is away: the charts keep what they show.
  }
}

draw();
setInterval(refresh, REFRESH_MS);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
new ResizeObserver(() => {
  for (const { figure, chart } of charts)
    if (figure.clientWidth !== chart.width) chart.setSize({ width: figure.clientWidth, height: HEIGHT });
}).observe(document.querySelector('main'));
