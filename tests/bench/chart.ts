/**
 * Line charts as SVG, with logarithmic or linear axes.
 *
 * @module
 */

/** A line of a chart. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** Contents of a chart. */
export interface Chart {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly series: readonly Series[];
  /** Whether both axes begin at 0 with equal steps, instead of powers of ten. @default {false} */
  readonly linear?: boolean;
}

const [WIDTH, HEIGHT] = [640, 360];
const FRAME = { left: 70, right: 150, top: 40, bottom: 50 };
const COLORS = ["#0b6e99", "#c1440e", "#6a8f3c", "#7a4fa3", "#8a6d3b"];

/** 1.5k, 20M */
function short(value: number): string {
  for (const [unit, letter] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]] as const) {
    if (value >= unit) return `${Number((value / unit).toPrecision(3))}${letter}`;
  }
  return `${Number(value.toPrecision(3))}`;
}

/** Returns the powers of ten around the values, and the position of a value among them. */
function axis(values: readonly number[], from: number, to: number): { ticks: number[]; at: (value: number) => number } {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
  const ticks = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i));
  return { ticks, at: (value) => from + (to - from) * (Math.log10(value) - low) / (high - low) };
}

/** Returns equal round steps from 0. */
function steps(
  values: readonly number[],
  from: number,
  to: number,
): { ticks: number[]; at: (value: number) => number } {
  const most = Math.max(...values, 1e-9);
  const power = 10 ** Math.floor(Math.log10(most));
  const step = [0.2, 0.5, 1, 2].map((part) => part * power).find((size) => most / size <= 6) ?? 2 * power;
  const count = Math.ceil(most / step);
  const ticks = Array.from({ length: count + 1 }, (_, i) => i * step);
  return { ticks, at: (value) => from + (to - from) * value / (count * step) };
}

/** Returns the chart as SVG. */
export function drawChart({ title, x, y, series, linear = false }: Chart): string {
  const axisOf = linear ? steps : axis;
  const points = series.flatMap((line) => line.points);
  const across = axisOf(points.map(([value]) => value), FRAME.left, WIDTH - FRAME.right);
  const up = axisOf(points.map(([, value]) => value), HEIGHT - FRAME.bottom, FRAME.top);
  const text = (at: [number, number], content: string, more = "") =>
    `<text x="${at[0].toFixed(1)}" y="${at[1].toFixed(1)}" ${more}>${content}</text>`;
  const rule = (a: [number, number], b: [number, number]) =>
    `<path d="M${a.map((n) => n.toFixed(1))}L${b.map((n) => n.toFixed(1))}" stroke="#ddd"/>`;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    text([FRAME.left, 22], title, 'font-size="15"'),
    text([FRAME.left, HEIGHT - 10], x),
    text([8, FRAME.top - 10], y),
    ...across.ticks.flatMap((tick) => [
      rule([across.at(tick), FRAME.top], [across.at(tick), HEIGHT - FRAME.bottom]),
      text([across.at(tick), HEIGHT - FRAME.bottom + 16], short(tick), 'text-anchor="middle"'),
    ]),
    ...up.ticks.flatMap((tick) => [
      rule([FRAME.left, up.at(tick)], [WIDTH - FRAME.right, up.at(tick)]),
      text([FRAME.left - 6, up.at(tick) + 4], short(tick), 'text-anchor="end"'),
    ]),
    ...series.flatMap((line, i) => {
      const color = COLORS[i % COLORS.length]!;
      const places = line.points.map(([a, b]) => `${across.at(a).toFixed(1)},${up.at(b).toFixed(1)}`);
      return [
        `<polyline points="${places.join(" ")}" fill="none" stroke="${color}" stroke-width="2"/>`,
        ...(linear ? [] : places).map((place) =>
          `<circle cx="${place.split(",")[0]}" cy="${place.split(",")[1]}" r="3" fill="${color}"/>`
        ),
        text([WIDTH - FRAME.right + 12, FRAME.top + 12 + 18 * i], line.name, `fill="${color}"`),
      ];
    }),
    "</svg>",
  ];
  return `${parts.join("\n")}\n`;
}
