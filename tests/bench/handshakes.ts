/**
 * Handshakes up to the reply, with a client on MIT's library that keeps its ticket.
 *
 * @module
 */
import type { Contest, Goal } from "./contest.ts";
import type { Field, Proxy } from "./field.ts";
import { cpuMilliseconds } from "./measure.ts";

/** Few enough that the ports of finished connections to the origin, which stay in TIME_WAIT for a minute, suffice. */
const COUNT = 320;

/** Measures handshakes per second with this concurrency, of nobody: of as many messages with an echo in C. */
export async function handshakes(
  field: Field,
  proxy: Proxy | undefined,
  level: string,
  ways: number,
): Promise<number> {
  const [seconds] = await field.load("handshakes", proxy, proxy === undefined ? "turns" : level, COUNT, ways);
  return COUNT / seconds!;
}

/** One at a time, and many. */
export async function* benchHandshakes(field: Field): AsyncGenerator<Contest> {
  await using ours = await field.ourServer();
  await using threads = await field.ourServer({ workers: 2 });
  await using dante = await field.dante();
  for (const level of ["0", "2"]) {
    const run = (proxy: Proxy, ways: number) => async () => {
      const before = cpuMilliseconds(proxy.pid);
      const rate = await handshakes(field, proxy, level, ways);
      return [rate, (cpuMilliseconds(proxy.pid) - before) / COUNT];
    };
    for (const [ways, least] of [[1, 1.2], [16, 1.4]] as const) {
      const work = `handshakes, level ${level}, ${ways} at a time`;
      const goals: Goal[] = [{ to: "Dante", least }];
      if (ways > 1) goals.push({ of: "2 workers", to: "gssocks", least: 1 });
      yield {
        measures: [
          { work, unit: "per s", goals },
          { work: `${work}, the server's processor time for each`, unit: "ms", goals: [{ most: 0.4 }] },
        ],
        ours: { gssocks: run(ours, ways), "2 workers": ways > 1 ? run(threads, ways) : undefined },
        peers: { Dante: dante && run(dante, ways) },
      };
    }
  }
}
