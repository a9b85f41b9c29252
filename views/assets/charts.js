// Draws the charts of the stats, and keeps them up to date. Their values stand in a table as well.
import uPlot from '/assets/uplot/uPlot.esm.js';
import { inWords } from '/assets/times.js';

const REFRESH_MS = 5000;
const HEIGHT = 220;
/** Long enough for each pattern of dashes once. */
const SWATCH = { width: 36, height: 12 };
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

const number = (_, value) => (value == null ? '–' : Math.round(value).toLocaleString('en'));
const duration = (ms) =>
  ms >= 60_000
    ? `${+(ms / 60_000).toFixed(1)} min`
    : ms >= 1000
      ? `${+(ms / 1000).toFixed(1)} s`
      : `${Math.round(ms)} ms`;

/** Each has a colour and a pattern of its own, so that either is enough to tell it by. */
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
      line('Accepted', 'waiting', [6, 4]),
      line('Sent', 'done'),
      line('Put back for a retry', 'retrying', [14, 5]),
      line('Given up', 'dead', [2, 3]),
      line('Delivered', 'moving', [10, 3, 2, 3]),
      line('Came back', 'doubt', [10, 3, 2, 3, 2, 3]),
    ],
    scales: { y: { range: (_, low, high) => [0, Math.max(1, high * 1.1)] } },
    values: undefined,
  },
  latency: {
    data: () => [series.at, series.p50, series.p95],
    lines: () => {
      const value = (_, ms) => (ms == null ? '–' : duration(ms));
      const dot = (one) => ({ ...one, points: { show: true, size: 5 } });
      return [dot(line('p50', 'moving', undefined, value)), dot(line('p95', 'doubt', [6, 4], value))];
    },
    scales: { y: { range: (_, low, high) => [0, Math.max(10, high * 1.1)] } },
    values: (_, ticks) => ticks.map(duration),
  },
};

/** The day stands under the first time of it only. What the columns mean: uPlot's `axis.values`. */
const DAY = '\n{YYYY}-{MM}-{DD}';
const TIMES = [
  [86_400, '{YYYY}-{MM}-{DD}', null, null, null, null, null, null, 0],
  [1, '{HH}:{mm}', DAY, null, DAY, null, null, null, 1],
];
const from = {
  label: 'From',
  value: (_, at) => (at == null ? '–' : inWords(new Date(at * 1000)).slice(0, 16)),
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
    const lines = kind.lines();
    const options = {
      width: figure.clientWidth,
      height: HEIGHT,
      scales: kind.scales,
      series: [from, ...lines],
      axes: [
        { ...axis, values: TIMES },
        { ...axis, size: 70, ...(kind.values && { values: kind.values }) },
      ],
      legend: { markers: { show: false } },
      hooks: { ready: [(chart) => showSwatches(chart, lines), showLatest], setLegend: [showLatest] },
    };
    return { kind, figure, chart: new uPlot(options, kind.data(), figure) };
  });
}

/** The line itself in front of its name, for the library's own boxes show no pattern. */
function showSwatches({ root }, lines) {
  const labels = root.querySelectorAll('.u-series:not(:first-child) th');
  lines.forEach(({ stroke, dash }, index) => labels[index].prepend(swatch(stroke, dash)));
}

function swatch(stroke, dash = []) {
  const { width, height } = SWATCH;
  const picture = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const drawn = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  const set = (element, attributes) =>
    Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
  set(picture, { width, height, viewBox: `0 0 ${width} ${height}`, 'aria-hidden': 'true' });
  set(drawn, {
    d: `M0 ${height / 2}H${width}`,
    stroke,
    'stroke-width': 2,
    'stroke-dasharray': dash.join(' '),
  });
  picture.append(drawn);
  return picture;
}

/** While nobody points at a time, the legend says what the latest one has. */
function showLatest(chart) {
  if (chart.cursor.idx == null) chart.setLegend({ idx: series.at.length - 1 }, false);
}

async function refresh() {
  if (document.hidden) return;
  try {
    const response = await fetch(`/stats/series?range=${series.range}`);
    if (!response.ok) return;
    series = await response.json();
    for (const { kind, chart } of charts) {
      chart.setData(kind.data());
      showLatest(chart);
    }
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
