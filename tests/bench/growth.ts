/**
 * How cost grows with the length of a message, with sessions and with clients, beside what the machine allows.
 *
 * @module
 */
import type { Chart, Series } from "./chart.ts";
import { byTurns, type Contestants } from "./contest.ts";
import { Ends } from "./ends.ts";
import type { Field, Proxy } from "./field.ts";
import { handshakes } from "./handshakes.ts";
import { drain } from "./relays.ts";
import { median } from "./statistics.ts";
import { opensslLimit } from "./tokens.ts";

/** Measures the lines of a chart, all of them in turn at each x. */
async function lines(xs: readonly number[], at: (x: number) => Contestants): Promise<Series[]> {
  const points = new Map<string, [number, number][]>();
  for (const x of xs) {
    for (const [name, figures] of await byTurns(at(x), { turns: 3 })) {
      points.set(name, [...points.get(name) ?? [], [x, median(figures[0]!)]]);
    }
  }
  return [...points].map(([name, line]) => ({ name, points: line }));
}

/** Measures all charts: the name of each one's file, and its contents. */
export async function* growth(field: Field): AsyncGenerator<[string, Chart]> {
  // Microseconds of OpenSSL's cipher and hash for a byte.
  const limit = field.has("openssl") ? 1 / await opensslLimit(true) : undefined;
  const bound = (name: string, xs: readonly number[], y: (x: number) => number): Series[] =>
    limit === undefined ? [] : [{ name, points: xs.map((x) => [x, y(x)] as const), limit: true }];
  const sizes = [64, 256, 1024, 4096, 16_384, 65_472, 262_144, 1_048_576];
  {
    await using ends = new Ends(field, ["MIT", "Heimdal"]);
    const at = (size: number) => {
      const { ours, peers } = ends.contestants(`wrap 1 ${size} 0.06`, ({ wall }) => 1e6 / wall);
      return { ...ours, ...peers };
    };
    const series = [...await lines(sizes, at), ...bound("OpenSSL, one core", sizes, (size) => limit! * size)];
    yield ["messages", { title: "Sealing a message, AES256-SHA1", x: "bytes of a message", y: "us", series }];
  }
  await using ours = await field.ourServer();
  await using threads = await field.ourServer({ workers: 2 });
  await using dante = await field.dante();
  const contestants = (cost: (proxy: Proxy) => Promise<number>, withDante = true) => ({
    gssocks: () => cost(ours),
    "2 workers": () => cost(threads),
    Dante: dante && withDante ? () => cost(dante) : undefined,
  });
  const counts = [1, 3, 10, 30, 100, 300, 1000];
  // Dante holds only a few hundred at a time in this configuration.
  const at = (count: number) =>
    contestants(async (proxy) => 65.536e3 / await drain(field, proxy, "2", count), count <= 100);
  yield ["connections", {
    title: "Downloads through the server, level 2",
    x: "sessions at one time",
    y: "us for 64 KiB",
    series: [...await lines(counts, at), ...bound("OpenSSL, one core", counts, () => limit! * 65_536)],
  }];
  yield ["handshakes", {
    title: "Handshakes, level 2",
    x: "clients at one time",
    y: "ms for each handshake",
    series: await limitedBy("as many messages, C", [1, 4, 16, 64], (ways) => ({
      ...contestants(async (proxy) => 1000 / await handshakes(field, proxy, "2", ways)),
      "as many messages, C": async () => 1000 / await handshakes(field, undefined, "2", ways),
    })),
  }];
}

/** As {@linkcode lines}, with one of them as the limit of the others. */
async function limitedBy(name: string, ...args: Parameters<typeof lines>): Promise<Series[]> {
  return (await lines(...args)).map((line) => line.name === name ? { ...line, limit: true } : line);
}
