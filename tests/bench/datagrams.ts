/**
 * Datagrams through an association: with this package's client, and its server or Dante's.
 *
 * @module
 */
import type { Contest } from "./contest.ts";
import { type Field, LEVELS, type Proxy } from "./field.ts";
import { cpuMilliseconds } from "./measure.ts";

/** Round trips of a run, after a thousand that warm up. */
const COUNT = 5_000;

/** With and without `--unstable-net`, which our server and the client of both have. */
export async function* datagrams(field: Field): AsyncGenerator<Contest> {
  await using dante = await field.dante();
  for (const [unstableNet, part] of [[true, 1], [false, 0.5]] as const) {
    await using ours = await field.ourServer({ unstableNet });
    for (const [level, least] of [["0", part], ["2", 0.9 * part]] as const) {
      const run = (proxy: Proxy) => async () => {
        const before = cpuMilliseconds(proxy.pid);
        const args = ["datagrams", proxy.port, field.target, LEVELS[level]!.ours, COUNT];
        const seconds = await field.ourClient(args, { unstableNet });
        return [COUNT / seconds, (cpuMilliseconds(proxy.pid) - before) * 1_000 / (COUNT + 1_000)];
      };
      const how = `level ${level}${unstableNet ? "" : ", without --unstable-net"}`;
      const goals = [{ to: "Dante", least }];
      yield {
        measures: [
          { work: `round trips of datagrams of 1,200 bytes, 16 under way, ${how}`, unit: "per s", goals },
          { work: `the server's processor time for such a round trip, ${how}`, unit: "us" },
        ],
        ours: { gssocks: run(ours) },
        peers: { Dante: dante && run(dante) },
      };
    }
  }
}
