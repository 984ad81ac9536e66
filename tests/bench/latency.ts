/**
 * Round trips of a small request: through a server, through a bridge and a server, and beside a bulk download.
 *
 * @module
 */
import type { Contest } from "./contest.ts";
import type { Field, Proxy } from "./field.ts";

/** Measures the median of many round trips of 64 bytes, in microseconds. */
async function ping(field: Field, proxy: Proxy | undefined, level: string, count = 2_000): Promise<number> {
  return (await field.load("ping", proxy, level, count, 64))[0]!;
}

/** On an idle machine. */
export async function* latency(field: Field): AsyncGenerator<Contest> {
  await using server = await field.ourServer();
  await using bridge = await field.ourBridge(server, "2");
  await using dante = await field.dante();
  const rate = (proxy: Proxy) => async () => 1e6 / await ping(field, proxy, "2");
  yield {
    measures: [{
      work: "round trips of 64 bytes by a client on MIT's library, level 2",
      unit: "per s",
      goals: [{ to: "Dante", least: 1 }],
    }],
    ours: { gssocks: rate(server) },
    peers: { Dante: dante && rate(dante) },
    turns: 7,
  };
  yield {
    measures: [{
      work: "round trip of 64 bytes through bridge and server at level 2, above a direct one",
      unit: "us",
      goals: [{ most: 120 }],
    }],
    ours: { gssocks: async () => await ping(field, bridge, "plain") - await ping(field, undefined, "direct") },
    turns: 7,
  };
}

/** An interactive session beside a client that downloads as fast as it can, through the same server. */
export async function* fairness(field: Field): AsyncGenerator<Contest> {
  await using server = await field.ourServer();
  await using dante = await field.dante();
  for (const level of ["0", "2"]) {
    const run = (proxy: Proxy) => async () => {
      const alone = await ping(field, proxy, level, 400);
      await using _ = await field.staying("pull", proxy, level);
      const beside = await ping(field, proxy, level, 400);
      return [beside / alone, beside];
    };
    const work = `round trip of 64 bytes beside a bulk download, level ${level}`;
    yield {
      measures: [
        { work: `${work}, of one alone`, unit: "times", goals: [{ most: 2 }] },
        { work, unit: "us" },
      ],
      ours: { gssocks: run(server) },
      peers: { Dante: dante && run(dante) },
    };
  }
}
