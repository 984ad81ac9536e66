/**
 * How cost grows with connections, message length and concurrent handshakes.
 *
 * @module
 */
import type { Field } from "./field.ts";
import { handshakes } from "./handshakes.ts";
import { byTurns } from "./measure.ts";
import { drain } from "./relays.ts";
import type { Report } from "./report.ts";
import { mitInitiator, mitWrapRate, wrapRate } from "./tokens.ts";

/** Measures a chart: each series at each x in turn. */
async function curve(
  xs: readonly number[],
  names: readonly string[],
  figure: (name: string, x: number) => Promise<number>,
): Promise<{ name: string; points: [number, number][] }[]> {
  const series = names.map((name) => ({ name, points: [] as [number, number][] }));
  for (const x of xs) {
    const figures = await byTurns(names.map((name) => () => figure(name, x)), 3);
    for (const [i, value] of figures.entries()) if (Number.isFinite(value)) series[i]!.points.push([x, value]);
  }
  return series;
}

/** Measures all charts. */
export async function benchGrowth(field: Field, report: Report): Promise<void> {
  {
    await using mit = await mitInitiator(field);
    const sizes = [64, 256, 1024, 4096, 16_384, 65_472, 262_144, 1_048_576];
    report.chart("messages", {
      title: "Sealing, AES256-SHA1",
      x: "bytes of a message",
      y: "MB/s",
      series: await curve(sizes, ["gssocks", "MIT"], async (name, size) => {
        const rate = name === "MIT" ? await mitWrapRate(mit, size, true) : await wrapRate(size, true);
        return rate * size / 1e6;
      }),
    });
  }
  await using ours = await field.ourServer();
  await using threads = await field.ourServer(2);
  await using dante = await field.dante("gssapi");
  const proxies = { gssocks: ours, "2 workers": threads, Dante: dante };
  type Name = keyof typeof proxies;
  report.chart("connections", {
    title: "Downloads through the server, level 2",
    x: "connections",
    y: "MB/s in total",
    series: await curve([1, 3, 10, 30, 100, 300, 1000], Object.keys(proxies), (name, count) =>
      // Dante holds only a few hundred at a time in this configuration.
      name === "Dante" && count > 100
        ? Promise.resolve(NaN)
        : drain(field, proxies[name as Name], "2", count, 1 << 28)),
  });
  report.chart("handshakes", {
    title: "Handshakes, level 2",
    x: "clients at one time",
    y: "handshakes a second",
    series: await curve(
      [1, 4, 16, 64],
      Object.keys(proxies),
      (name, ways) => handshakes(field, proxies[name as Name], "2", ways),
    ),
  });
}
