/**
 * The chart of throughput: uPlot with axes of time and bytes, and the values under the pointer.
 *
 * @module
 */
/// <reference lib="dom" />
import uPlot from "uplot";
import type { ThroughputPoint } from "../cli/snapshot/snapshot.ts";
import { sizeText } from "./text.ts";

/** Seconds shown at least. */
const LEAST = 60;
const HEIGHT = 190;

/** Sizes are read in powers of two. */
const STEPS = Array.from({ length: 50 }, (_, i) => 2 ** i);

/** The chart, in an element that it fills. */
export class Chart {
  readonly #plot: uPlot;

  /** Makes it. */
  constructor(into: HTMLElement) {
    const rate = (bytes: number | null | undefined) => bytes == null ? "" : `${sizeText(bytes)}/s`;
    // Where no pointer is, the last value is shown.
    const line = (label: string, color: string): uPlot.Series => ({
      label,
      stroke: () => colorOf(color),
      width: 1.5,
      points: { show: false },
      value: ({ data }, bytes, series) => rate(bytes ?? data[series]!.at(-1)),
    });
    const axis: uPlot.Axis = {
      stroke: () => colorOf("--dim"),
      grid: { stroke: () => colorOf("--line"), width: 1 },
      ticks: { stroke: () => colorOf("--line"), width: 1 },
      font: "12px system-ui, sans-serif",
    };
    this.#plot = new uPlot(
      {
        width: into.clientWidth,
        height: HEIGHT,
        // The last time on the axis is wider than the line below it.
        padding: [8, 32, 0, 0],
        cursor: { y: false, drag: { x: false, y: false } },
        scales: {
          x: { range: (_, first, last) => [Math.min(first ?? 0, (last ?? 0) - LEAST), last ?? 0] },
          y: { range: (_, _least, most) => [0, Math.max(1024, (most ?? 0) * 1.1)] },
        },
        series: [
          { label: "at", value: ({ data }, at) => data[0].length === 0 ? "" : clock(at ?? data[0].at(-1)!) },
          line("to clients", "--received"),
          line("to targets", "--sent"),
        ],
        axes: [
          { ...axis, space: 70, values: (_, all) => all.map(clock) },
          { ...axis, size: 76, incrs: STEPS, values: (_, all) => all.map(rate) },
        ],
      },
      [[], [], []],
      into,
    );
    new ResizeObserver(() => this.#plot.setSize({ width: into.clientWidth, height: HEIGHT })).observe(into);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#plot.redraw());
  }

  /** Draws points, in their order. */
  draw(points: readonly ThroughputPoint[]): void {
    this.#plot.setData([
      points.map(({ at }) => at),
      points.map(({ received }) => received),
      points.map(({ sent }) => sent),
    ]);
  }
}

function clock(seconds: number): string {
  return new Date(seconds * 1_000).toLocaleTimeString("en", { hourCycle: "h23" });
}

/** A colour of the style sheet, which differs by the colour scheme. */
function colorOf(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name);
}
