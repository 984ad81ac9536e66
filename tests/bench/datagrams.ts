/**
 * Datagrams through an association: with this package's client, and its server or Dante's.
 *
 * @module
 */
import { associate } from "../../mod.ts";
import type { ProtectionLevel } from "../../socks/protection.ts";
import { udpServer } from "../support/servers.ts";
import type { Field, Proxy } from "./field.ts";
import { byTurns, cpuMilliseconds } from "./measure.ts";
import { type Report, show } from "./report.ts";

/** Round trips of a run. */
const COUNT = 6_000;
/** Datagrams in flight: at most what every socket on the way can buffer. */
const WINDOW = 16;

/** The rows of datagrams. */
export async function benchDatagrams(field: Field, report: Report): Promise<void> {
  await using ours = await field.ourServer();
  await using dante = await field.dante("gssapi");
  await using echo = await udpServer();
  for (const [level, protection] of [["0", "none"], ["2", "confidentiality"]] as const) {
    const trips = (proxy: Proxy) => () => roundTrips(field, proxy, { protection, echo: echo.port });
    const [own, theirs] = await byTurns([trips(ours), trips(dante)]);
    report.compare({
      work: `round trips of datagrams of 1,200 bytes, ${WINDOW} under way, level ${level}`,
      unit: "per s",
      ours: own!,
      peer: theirs!,
      name: "Dante",
    });
    const cost = (proxy: Proxy) => async () => {
      const before = cpuMilliseconds(proxy.pid);
      await roundTrips(field, proxy, { protection, echo: echo.port });
      return (cpuMilliseconds(proxy.pid) - before) * 1_000 / COUNT;
    };
    const [ourCost, danteCost] = await byTurns([cost(ours), cost(dante)]);
    report.compare({
      work: `round trips of datagrams for a second of the server's processor time, level ${level} (${
        show(ourCost!)
      } and ${show(danteCost!)} us each)`,
      unit: "per s",
      ours: 1e6 / ourCost!,
      peer: 1e6 / danteCost!,
      name: "Dante",
    });
  }
}

/** Measures round trips per second. A lost datagram is replaced. */
async function roundTrips(
  field: Field,
  proxy: Proxy,
  { protection, echo }: { readonly protection: ProtectionLevel; readonly echo: number },
): Promise<number> {
  await using datagrams = await associate({
    proxy: { hostname: "localhost", port: proxy.port },
    credentials: field.realm.tickets,
    protection,
  });
  const data = new Uint8Array(1_200);
  const to = { hostname: "127.0.0.1", port: echo };
  const send = () => void datagrams.send(data, to).catch(() => {}); // The last ones come too late.
  const started = performance.now();
  for (let i = 0; i < WINDOW; i++) send();
  const stuck = setInterval(send, 200);
  for (let i = 0; i < COUNT; i++) {
    await datagrams.receive();
    send();
  }
  clearInterval(stuck);
  return COUNT / (performance.now() - started) * 1_000;
}
