/**
 * The results of a benchmark run, as `docs/performance.md` and its charts. The page has a hand-written part; the
 * figures stand between two marks.
 *
 * @module
 */
import { type Chart, drawChart } from "./chart.ts";
import { type Contest, type Figures, type Goal, type Measure, ratios } from "./contest.ts";
import { judge, median, type Spread, spread, type Verdict } from "./statistics.ts";

const [BEGIN, END] = ["<!-- figures -->", "<!-- end of figures -->"];
const WORDS: Readonly<Record<Verdict, string>> = {
  met: "met",
  "not met": "**not met**",
  noise: "noise is larger than the difference",
};

/** Formats a number with three significant digits. */
export function show(value: number): string {
  return Math.abs(value) >= 1000 ? Math.round(value).toString() : Number(value.toPrecision(3)).toString();
}

/** Formats a median with its spread. */
export function showSpread({ median, low, high }: Spread): string {
  return `${show(median)} (${show(low)} to ${show(high)})`;
}

/** Prints a line. */
export function say(line: string): void {
  // deno-lint-ignore no-console
  console.log(line);
}

function row(...cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

/** Collects figures, and prints each at once. */
export class Report {
  readonly #goals: string[] = [];
  readonly #figures: string[] = [];
  readonly #counts: Record<Verdict, number> = { met: 0, "not met": 0, noise: 0 };
  readonly #charts: { file: string; chart: Chart }[] = [];
  readonly #times: string[] = [];

  /** Adds what was measured in a contest. */
  add(contest: Contest, seen: ReadonlyMap<string, Figures>): void {
    for (const [i, measure] of contest.measures.entries()) {
      const figures = new Map([...seen].map(([name, all]) => [name, all[i]!]));
      this.#add(this.#figures, this.#figureRow(measure, figures));
      for (const goal of measure.goals ?? []) {
        const found = this.#goalRow(measure, goal, figures);
        if (found !== undefined) this.#add(this.#goals, found);
      }
    }
  }

  /** All contestants in one row; the first one is ours, and the others' ratios are ours to theirs. */
  #figureRow({ work, unit }: Measure, figures: ReadonlyMap<string, readonly number[]>): string {
    const [[first, own] = ["", []], ...others] = figures;
    const cells = others.map(([name, theirs]) =>
      `${name} ${show(median(theirs))}, ratio ${showSpread(spread(ratios(own, theirs, unit)))}`
    );
    return row(
      `${work}, ${unit}`,
      `${first === "gssocks" ? "" : `${first} `}${showSpread(spread(own))}`,
      cells.join("; "),
    );
  }

  /** A goal, unless its contestant is missing. */
  #goalRow(measure: Measure, goal: Goal, figures: ReadonlyMap<string, readonly number[]>): string | undefined {
    const { work, unit } = measure;
    const name = goal.of ?? figures.keys().next().value!;
    const own = figures.get(name)!;
    const theirs = goal.to === undefined ? undefined : figures.get(goal.to);
    if (goal.to !== undefined && theirs === undefined) return undefined;
    const result = spread(theirs === undefined ? own : ratios(own, theirs, unit));
    const verdict = judge(result, goal);
    this.#counts[verdict]++;
    const what = name === "gssocks" ? work : `${work}: ${name}`;
    const wanted = "least" in goal ? `at least ${goal.least}` : `at most ${goal.most}`;
    return theirs === undefined
      ? row(what, `${show(median(own))} ${unit}`, "", `${showSpread(result)} ${unit}`, wanted, WORDS[verdict])
      : row(
        what,
        `${show(median(own))} ${unit}`,
        `${goal.to} ${show(median(theirs))}`,
        showSpread(result),
        wanted,
        WORDS[verdict],
      );
  }

  /** Tells how long a part took, or that it failed. */
  took(part: string, time: string): void {
    this.#times.push(`${part} ${time}`);
    say(`${part}: ${time}`);
  }

  chart(file: string, chart: Chart): void {
    this.#charts.push({ file, chart });
    for (const { name, points } of chart.series) {
      say(`${chart.title}, ${name}, ${chart.y}: ${points.map(([x, y]) => `${show(x)}: ${show(y)}`).join(", ")}`);
    }
  }

  #add(rows: string[], row: string): void {
    rows.push(row);
    say(row);
  }

  /** How many goals are met. */
  get summary(): string {
    const { met, "not met": missed, noise } = this.#counts;
    return `${met} goals met, ${missed} not met, ${noise} within noise.`;
  }

  /** Writes the page and its charts. */
  async write(page: URL, machine: string): Promise<void> {
    for (const { file, chart } of this.#charts) {
      await Deno.mkdir(new URL("charts/", page), { recursive: true });
      await Deno.writeTextFile(new URL(`charts/${file}.svg`, page), drawChart(chart));
    }
    const figures = [
      machine,
      `${this.summary} Parts: ${this.#times.join(", ")}.`,
      "",
      row("work", "gssocks", "peer", "ratio, or the figure", "goal", "verdict"),
      "| --- | --- | --- | --- | --- | --- |",
      ...this.#goals,
      "",
      "<details><summary>All figures</summary>",
      "",
      row("work", "gssocks", "others"),
      "| --- | --- | --- |",
      ...this.#figures,
      "",
      "</details>",
      "",
      ...this.#charts.flatMap(({ file, chart }) => [
        `![${chart.title}](charts/${file}.svg)`,
        "",
        `<details><summary>${chart.title}, ${chart.y}</summary>`,
        "",
        row(chart.x, ...chart.series.map(({ name }) => name)),
        `| --- |${" --- |".repeat(chart.series.length)}`,
        ...chart.series[0]!.points.map(([x]) => row(show(x), ...chart.series.map((line) => pointAt(line.points, x)))),
        "",
        "</details>",
        "",
      ]),
    ].join("\n");
    const text = await Deno.readTextFile(page);
    const [before, after] = [text.indexOf(BEGIN), text.indexOf(END)];
    if (before < 0 || after < before) throw new Error(`${page} has no marks for the figures`);
    await Deno.writeTextFile(page, `${text.slice(0, before)}${BEGIN}\n${figures}\n${text.slice(after)}`);
  }
}

function pointAt(points: readonly (readonly [number, number])[], x: number): string {
  const y = points.find(([other]) => other === x)?.[1];
  return y === undefined ? "" : show(y);
}
