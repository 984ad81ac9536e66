/**
 * The results of a benchmark run, as `docs/performance.md` and its charts. The page has a hand-written part; the
 * figures stand between two marks.
 *
 * @module
 */
import { type Chart, drawChart } from "./chart.ts";

/** A comparison with a peer on the same work. */
export interface Comparison {
  readonly work: string;
  readonly unit: string;
  readonly ours: number;
  readonly peer: number;
  readonly name: string;
  /** Minimum ratio of this package to the peer. */
  readonly goal?: number;
}

/** A figure with a limit of its own. */
export interface Limit {
  readonly what: string;
  readonly figure: number;
  readonly unit: string;
  readonly goal: { readonly most: number } | { readonly least: number };
  readonly remark?: string;
}

const [BEGIN, END] = ["<!-- figures -->", "<!-- end of figures -->"];

/** Formats a number with three significant digits. */
export function show(value: number): string {
  return value >= 1000 ? Math.round(value).toString() : Number(value.toPrecision(3)).toString();
}

/** Collects figures, and prints each at once. */
export class Report {
  readonly #comparisons: string[] = [];
  readonly #limits: string[] = [];
  readonly #charts: { file: string; chart: Chart }[] = [];

  compare({ work, unit, ours, peer, name, goal }: Comparison): void {
    const ratio = ours / peer;
    const wanted = goal === undefined ? "" : `${goal} ${ratio >= goal ? "met" : "**not met**"}`;
    this.#add(
      this.#comparisons,
      `| ${work} | ${show(ours)} ${unit} | ${name} ${show(peer)} ${unit} | ${ratio.toFixed(2)} | ${wanted} |`,
    );
  }

  limit({ what, figure, unit, goal, remark = "" }: Limit): void {
    const met = "most" in goal ? figure <= goal.most : figure >= goal.least;
    const wanted = "most" in goal ? `at most ${goal.most}` : `at least ${goal.least}`;
    this.#add(
      this.#limits,
      `| ${what} | ${show(figure)} ${unit} | ${wanted} ${unit} ${met ? "met" : "**not met**"} | ${remark} |`,
    );
  }

  chart(file: string, chart: Chart): void {
    this.#charts.push({ file, chart });
    for (const { name, points } of chart.series) {
      this.#say(`${chart.title}, ${name}: ${points.map(([x, y]) => `${show(x)}: ${show(y)}`).join(", ")}`);
    }
  }

  #add(rows: string[], row: string): void {
    rows.push(row);
    this.#say(row);
  }

  #say(line: string): void {
    // deno-lint-ignore no-console
    console.log(line);
  }

  /** Writes the page and its charts. */
  async write(page: URL, machine: string): Promise<void> {
    for (const { file, chart } of this.#charts) {
      await Deno.mkdir(new URL("charts/", page), { recursive: true });
      await Deno.writeTextFile(new URL(`charts/${file}.svg`, page), drawChart(chart));
    }
    const figures = [
      machine,
      "",
      "| work | ours | peer | ratio | goal |",
      "| --- | --- | --- | --- | --- |",
      ...this.#comparisons,
      "",
      "| what | figure | goal | |",
      "| --- | --- | --- | --- |",
      ...this.#limits,
      "",
      ...this.#charts.flatMap(({ file, chart }) => [
        `![${chart.title}](charts/${file}.svg)`,
        "",
        `<details><summary>Figures</summary>`,
        "",
        `| ${chart.x} | ${chart.series.map(({ name }) => name).join(" | ")} |`,
        `| --- |${" --- |".repeat(chart.series.length)}`,
        ...chart.series[0]!.points.map(([x]) =>
          `| ${show(x)} | ${
            chart.series.map(({ points }) => {
              const y = points.find(([other]) => other === x)?.[1];
              return y === undefined ? "" : show(y);
            }).join(" | ")
          } |`
        ),
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
