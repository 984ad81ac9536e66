/**
 * Handshakes up to the reply, with a client on MIT's library that keeps its ticket.
 *
 * @module
 */
import type { Field, Proxy } from "./field.ts";
import { byTurns, cpuMilliseconds } from "./measure.ts";
import { type Report, show } from "./report.ts";

/** Few enough that the ports of finished connections to the origin, which stay in TIME_WAIT for a minute, suffice. */
const COUNT = 320;

/** Measures handshakes per second with this concurrency. */
export async function handshakes(field: Field, proxy: Proxy, level: string, ways: number): Promise<number> {
  const [seconds] = await field.load("handshakes", proxy, level, COUNT, ways);
  return COUNT / seconds!;
}

/** The rows of handshakes. */
export async function benchHandshakes(field: Field, report: Report): Promise<void> {
  await using ours = await field.ourServer();
  await using threads = await field.ourServer(2);
  await using dante = await field.dante("gssapi");
  for (const level of ["0", "2"]) {
    for (const ways of [1, 16]) {
      const [own, two, theirs] = await byTurns(
        [ours, threads, dante].map((proxy) => () => handshakes(field, proxy, level, ways)),
      );
      const work = `handshakes, level ${level}, ${ways} at a time`;
      report.compare({ work, unit: "per s", ours: own!, peer: theirs!, name: "Dante", goal: 2 });
      if (ways > 1) {
        report.compare({
          work: `${work}, 2 workers`,
          unit: "per s",
          ours: two!,
          peer: theirs!,
          name: "Dante",
          goal: 2,
        });
      }
    }
    const [own, theirs] = await byTurns([ours, dante].map((proxy) => () => cpuEach(field, proxy, level)));
    // A rate, so that more is better as in all rows.
    report.compare({
      work: `handshakes a second of the server's processor time, level ${level} (${show(own!)} and ${
        show(theirs!)
      } ms each)`,
      unit: "per s",
      ours: 1000 / own!,
      peer: 1000 / theirs!,
      name: "Dante",
    });
  }
}

async function cpuEach(field: Field, proxy: Proxy, level: string): Promise<number> {
  const before = cpuMilliseconds(proxy.pid);
  await field.load("handshakes", proxy, level, COUNT, 4);
  return (cpuMilliseconds(proxy.pid) - before) / COUNT;
}
