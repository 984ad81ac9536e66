/**
 * Line charts as SVG, with logarithmic or linear axes, for light and dark pages.
 *
 * @module
 */

/** A line of a chart. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Whether it is what the machine allows, and not a contestant: drawn as a dashed line. @default {false} */
  readonly limit?: boolean;
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

const [WIDTH, HEIGHT] = [680, 360];
const FRAME = { left: 64, right: 176, top: 56, bottom: 52 };
/** Colors of lines on a light and on a dark page. */
const COLORS = [["#1d6fb8", "#6cb2f2"], ["#bf4a12", "#f2935c"], ["#3a7d2c", "#85c96f"], [
  "#77489f",
  "#bd9ae6",
]] as const;

const style = (ink: string, paper: string, grid: string, faint: string, shade: 0 | 1) =>
  `text{fill:${ink}}.paper{fill:${paper}}.grid{stroke:${grid}}.faint{fill:${faint}}.limit{stroke:${faint}}` +
  COLORS.map((pair, i) => `.s${i}{stroke:${pair[shade]}}.d${i}{fill:${pair[shade]}}`).join("");
const STYLE = `<style>${style("#1f2328", "#fff", "#e4e7eb", "#6a737d", 0)}@media(prefers-color-scheme:dark){${
  style("#e6edf3", "#0d1117", "#30363d", "#9198a1", 1)
}}</style>`;

/** 1.5k, 20M */
function short(value: number): string {
  for (const [unit, letter] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]] as const) {
    if (value >= unit) return `${Number((value / unit).toPrecision(3))}${letter}`;
  }
  return `${Number(value.toPrecision(3))}`;
}

type Axis = { ticks: number[]; at: (value: number) => number };

/** Returns an axis from the largest mark below the values to the smallest one above: 1, 2, 5, 10, or powers of ten if those are many. */
function logarithmic(values: readonly number[], from: number, to: number): Axis {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const decades = most / least > 200 ? [1] : [1, 2, 5];
  const marks = Array.from({ length: 40 }, (_, i) => decades.map((part) => part * 10 ** (i - 20))).flat();
  const low = marks.findLast((mark) => mark <= least)!;
  const high = marks.find((mark) => mark >= most && mark > low)!;
  const ticks = marks.filter((mark) => mark >= low && mark <= high);
  return { ticks, at: (value) => from + (to - from) * Math.log(value / low) / Math.log(high / low) };
}

/** Returns an axis of equal round steps from 0. */
function linearly(values: readonly number[], from: number, to: number): Axis {
  const most = Math.max(...values, 1e-9);
  const power = 10 ** Math.floor(Math.log10(most));
  const step = [0.2, 0.5, 1, 2].map((part) => part * power).find((size) => most / size <= 6) ?? 2 * power;
  const count = Math.ceil(most / step);
  const ticks = Array.from({ length: count + 1 }, (_, i) => i * step);
  return { ticks, at: (value) => from + (to - from) * value / (count * step) };
}

/** Returns the chart as SVG. */
export function drawChart({ title, x, y, series, linear = false }: Chart): string {
  const axisOf = linear ? linearly : logarithmic;
  const points = series.flatMap((line) => line.points);
  const [right, bottom] = [WIDTH - FRAME.right, HEIGHT - FRAME.bottom];
  const across = axisOf(points.map(([value]) => value), FRAME.left, right);
  const up = axisOf(points.map(([, value]) => value), bottom, FRAME.top);
  const text = (at: readonly [number, number], content: string, more = "") =>
    `<text x="${at[0].toFixed(1)}" y="${at[1].toFixed(1)}"${more}>${content}</text>`;
  const rule = (a: readonly number[], b: readonly number[]) =>
    `<path d="M${a.map((n) => n.toFixed(1))}L${b.map((n) => n.toFixed(1))}" class="grid"/>`;
  let color = -1;
  const lines = series.flatMap((line, i) => {
    const paint = line.limit ? "limit" : `s${++color % COLORS.length}`;
    const dots = line.limit || linear ? [] : line.points;
    const places = line.points.map(([a, b]) => `${across.at(a).toFixed(1)},${up.at(b).toFixed(1)}`).join(" ");
    const dashes = line.limit ? ' stroke-dasharray="6 4"' : "";
    const key = FRAME.top + 8 + 22 * i;
    return [
      `<polyline points="${places}" class="${paint}" fill="none" stroke-width="2"${dashes}/>`,
      ...dots.map(([a, b]) =>
        `<circle cx="${across.at(a).toFixed(1)}" cy="${up.at(b).toFixed(1)}" r="3.5" class="d${
          color % COLORS.length
        }"/>`
      ),
      `<path d="M${right + 14},${key}h22" class="${paint}" stroke-width="2"${dashes}/>`,
      text([right + 42, key + 4], line.name),
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui,sans-serif" font-size="12">`,
    STYLE,
    '<rect width="100%" height="100%" class="paper"/>',
    text([16, 24], title, ' font-size="15" font-weight="600"'),
    text([FRAME.left, FRAME.top - 10], y, ' class="faint"'),
    text([(FRAME.left + right) / 2, HEIGHT - 12], x, ' class="faint" text-anchor="middle"'),
    ...across.ticks.flatMap((tick) => [
      rule([across.at(tick), FRAME.top], [across.at(tick), bottom]),
      text([across.at(tick), bottom + 17], short(tick), ' class="faint" text-anchor="middle"'),
    ]),
    ...up.ticks.flatMap((tick) => [
      rule([FRAME.left, up.at(tick)], [right, up.at(tick)]),
      text([FRAME.left - 8, up.at(tick) + 4], short(tick), ' class="faint" text-anchor="end"'),
    ]),
    ...lines,
    "</svg>\n",
  ].join("\n");
}
