/**
 * Measures this package and each peer, turn by turn, at the same work:
 *
 *     deno task bench [PART ...]                      prints figures; without parts, writes all to docs/performance.md
 *     deno task bench --check REVISION [PART ...]     compares with another commit; exit status 1 if something is worse
 *
 * Needs the peers of `tests/interop/peers/build.sh`; those that are missing are left out, and named.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { check, type Part } from "./check.ts";
import { byTurns } from "./contest.ts";
import { datagrams } from "./datagrams.ts";
import { Field } from "./field.ts";
import { growth } from "./growth.ts";
import { benchHandshakes } from "./handshakes.ts";
import { fairness, latency } from "./latency.ts";
import { relays } from "./relays.ts";
import { Report, say } from "./report.ts";
import { sessions } from "./sessions.ts";
import { start } from "./start.ts";
import { strangers } from "./strangers.ts";
import { contexts, tokens } from "./tokens.ts";

const PARTS: Readonly<Record<string, Part>> = {
  // First, since it needs most of the ports: others leave theirs in TIME_WAIT.
  sessions,
  tokens,
  contexts,
  relays,
  handshakes: benchHandshakes,
  datagrams,
  latency,
  fairness,
  strangers,
  start,
};
/** The part that draws charts. */
const CHARTS = "growth";

/** Measures parts; one that fails is named, and leaves the others' figures as they are. */
async function measure(names: readonly string[], report: Report): Promise<void> {
  for (const name of names) {
    const begun = performance.now();
    const seconds = () => Math.round((performance.now() - begun) / 1000);
    try {
      await measurePart(name, report);
      report.took(name, `${seconds()} s`);
    } catch (error) {
      // deno-lint-ignore no-console
      console.error(error);
      report.took(name, `failed after ${seconds()} s`);
      Deno.exitCode = 1;
    }
  }
}

async function measurePart(name: string, report: Report): Promise<void> {
  await using field = await Field.start();
  if (name === CHARTS) { for await (const [file, chart] of growth(field)) report.chart(file, chart); }
  else {
    for await (const contest of PARTS[name]!(field)) {
      report.add(contest, await byTurns({ ...contest.ours, ...contest.peers }, contest));
    }
  }
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { check: { type: "string" } } });
const all = [...Object.keys(PARTS), CHARTS];
const unknown = positionals.find((name) => !all.includes(name));
if (unknown !== undefined) throw new Error(`Unknown part "${unknown}"; the parts are ${all.join(", ")}`);

if (values.check !== undefined) {
  const names = (positionals.length === 0 ? all : positionals).filter((name) => name !== CHARTS);
  const worse = await check(names.map((name) => PARTS[name]!), values.check);
  say(worse === 0 ? "Nothing is worse." : `${worse} worse than ${values.check}.`);
  Deno.exitCode = worse === 0 ? 0 : 1;
} else {
  const report = new Report();
  await measure(positionals.length === 0 ? all : positionals, report);
  say(report.summary);
  if (positionals.length === 0) {
    const cpu = /model name\s*: (.*)/.exec(await Deno.readTextFile("/proc/cpuinfo"))?.[1] ?? "unknown processor";
    const date = new Date().toISOString().slice(0, 10);
    await report.write(
      new URL("../../docs/performance.md", import.meta.url),
      `${date}, ${cpu}, ${navigator.hardwareConcurrency} cores of a virtual machine, Deno ${Deno.version.deno}.`,
    );
  }
}
