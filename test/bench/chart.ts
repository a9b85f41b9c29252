/** One line of a chart: points from left to right. */
export interface Line {
  name: string;
  values: readonly number[];
}

/** What is drawn. */
export interface Chart {
  title: string;
  /** The unit of the values. */
  unit: string;
  /** What each point stands for, from left to right. */
  points: readonly string[];
  lines: readonly Line[];
}

const WIDTH = 640;
const HEIGHT = 320;
const LEFT = 64;
const RIGHT = 72;
const TOP = 48;
const BOTTOM = 40;
/** Colours that a colour-blind reader tells apart (Okabe and Ito). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73'];
const TICKS = 4;

/** Draws lines over named points, from zero, as an SVG that is legible on white and on black. */
export function draw({ title, unit, points, lines }: Chart): string {
  const most = niceCeiling(Math.max(...lines.flatMap(({ values }) => values)));
  const x = (index: number): number =>
    LEFT + (index * (WIDTH - LEFT - RIGHT)) / Math.max(1, points.length - 1);
  const y = (value: number): number => HEIGHT - BOTTOM - (value / most) * (HEIGHT - TOP - BOTTOM);
  const ticks = Array.from({ length: TICKS + 1 }, (_, tick) => (most * tick) / TICKS);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<g font-family="sans-serif" font-size="12" fill="#333">`,
    `<text x="${LEFT}" y="24" font-size="14" font-weight="bold">${title} (${unit})</text>`,
    ...ticks.map(
      (tick) =>
        `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(tick)}" y2="${y(tick)}" stroke="#ddd"/>` +
        `<text x="${LEFT - 8}" y="${y(tick) + 4}" text-anchor="end">${label(tick)}</text>`,
    ),
    ...points.map(
      (point, index) =>
        `<text x="${x(index)}" y="${HEIGHT - BOTTOM + 20}" text-anchor="middle">${point}</text>`,
    ),
    ...lines.map((line, index) => lineOf(line, COLOURS[index % COLOURS.length] ?? '', { x, y })),
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

function lineOf(
  { name, values }: Line,
  colour: string,
  { x, y }: { x: (index: number) => number; y: (value: number) => number },
): string {
  const at = values.map((value, index) => `${x(index).toFixed(1)},${y(value).toFixed(1)}`);
  const last = values.length - 1;
  return (
    `<polyline points="${at.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>` +
    values
      .map((value, index) => `<circle cx="${x(index)}" cy="${y(value)}" r="3" fill="${colour}"/>`)
      .join('') +
    `<text x="${x(last) + 8}" y="${y(values[last] ?? 0) + 4}" fill="${colour}">${name}</text>`
  );
}

/** The next 1, 2, 5 or 10 of a power of ten. */
function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value || 1));
  return (([1, 2, 5, 10] as const).find((step) => step * power >= value) ?? 10) * power;
}

function label(value: number): string {
  return value >= 1_000 ? `${value / 1_000} k` : String(value);
}
