/**
 * Measures this package and each peer in turn at the same work: `deno task bench [PART ...]`; the parts are tokens,
 * relays, handshakes, sessions, datagrams, latency, strangers, start and growth. Needs the peers of
 * `tests/interop/peers/build.sh`; Java is measured where it is installed. A whole run writes figures and charts to
 * `docs/performance.md`.
 *
 * @module
 */
import { benchDatagrams } from "./datagrams.ts";
import { Field } from "./field.ts";
import { benchGrowth } from "./growth.ts";
import { benchHandshakes } from "./handshakes.ts";
import { benchLatency, benchStart } from "./latency.ts";
import { benchRelays } from "./relays.ts";
import { Report } from "./report.ts";
import { benchSessions } from "./sessions.ts";
import { benchStrangers } from "./strangers.ts";
import { benchTokens } from "./tokens.ts";

const PARTS: Readonly<Record<string, (field: Field, report: Report) => Promise<void>>> = {
  tokens: benchTokens,
  relays: benchRelays,
  handshakes: benchHandshakes,
  sessions: benchSessions,
  datagrams: benchDatagrams,
  latency: benchLatency,
  strangers: benchStrangers,
  start: (_, report) => benchStart(report),
  growth: benchGrowth,
};

const report = new Report();
const wanted = Deno.args.length === 0 ? Object.keys(PARTS) : Deno.args;
for (const name of wanted) {
  const part = PARTS[name];
  if (part === undefined) throw new Error(`Unknown part "${name}"; the parts are ${Object.keys(PARTS).join(", ")}`);
  await using field = await Field.start();
  await part(field, report);
}
if (Deno.args.length === 0) {
  const cpu = /model name\s*: (.*)/.exec(await Deno.readTextFile("/proc/cpuinfo"))?.[1] ?? "unknown processor";
  const date = new Date().toISOString().slice(0, 10);
  await report.write(
    new URL("../../docs/performance.md", import.meta.url),
    `${date}, ${cpu}, ${navigator.hardwareConcurrency} cores of a virtual machine, Deno ${Deno.version.deno}.`,
  );
}
