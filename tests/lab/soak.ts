/**
 * Two servers under load, one with one thread and one with two, while their surroundings fail: a log that is not
 * read, a silent name server, password guesses, a Redis that freezes. No byte may be lost, no client refused without
 * need, and nothing stay.
 *
 * ```sh
 * deno task lab:soak --minutes 22 --chart docs/charts/soak.svg
 * ```
 *
 * @module
 */
// deno-lint-ignore-file no-console
import { parseArgs } from "node:util";
import { drawChart } from "../bench/chart.ts";
import type { Daemon } from "../support/process.ts";
import type { ClientJob, TransferEnd } from "./client.ts";
import { GUESSES, SILENT } from "./programs.ts";
import { countsOf, endsOf, Lab } from "./setup.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "22" },
    calm: { type: "string", default: "2.5" },
    chart: { type: "string" },
  },
});
const MINUTES = Number(values.minutes);

/** State of a server at one moment. */
interface Sample {
  /** Minutes since the start. */
  readonly at: number;
  readonly rss: number;
  readonly descriptors: number;
  readonly sessions: number;
}

const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));
const median = (numbers: readonly number[]) =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;

await using lab = await Lab.start({ onLoss: ["allow", "allow"], sentinels: false });
const passwords = lab.file("passwords");
await lab.host("s1").run(Deno.execPath(), [
  ...["run", "-q", "-A", "--no-check", "-c", `${ROOT}deno.json`, `${ROOT}cli/mod.ts`],
  ...["passwd", passwords, "carol"],
], { stdin: "carolpw\n" });
const config = { methods: ["gssapi", "password"], passwordFile: passwords };
await lab.stop("s1");
await lab.stop("s2");
const file = lab.file("s1.json");
await Deno.writeTextFile(file, JSON.stringify({ ...lab.config("s1"), ...config }));
const one = lab.host("s1").start("/bin/bash", [
  "-c",
  `exec "$@" 2> >(exec sleep 100000 >/dev/null 2>&1)`,
  "-",
  ...lab.serveCommand(file),
], {
  env: { KRB5_CONFIG: lab.file("krb5.conf") },
});
await lab.startServer("s2", {}, { ...config, workers: 2 });
await lab.until("both serve", async () => {
  return (await Promise.all(["s1", "s2"].map((name) => lab.health(name)))).every((said) => said.startsWith("ok"));
});
const SERVERS = { s1: one, s2: lab.daemon("s2") } as const;

// The failing surroundings.
const silent = lab.host("dns").start("python3", ["-c", SILENT]);
const guessing = ["s1", "s2"].map((name) =>
  lab.host("c2").start("python3", ["-c", GUESSES, lab.host(name).address, "50", "1"])
);
const beside = ["s1", "s2"].map((name, i) =>
  lab.client("c2", "alice", {
    proxy: `${name}.lab.test:1080`,
    target: "nobody.lab.test",
    seconds: 60 * MINUTES,
    together: 20,
    timeout: 3_000,
    first: 9e6 + i,
  })
);
const frozen = (async () => {
  const until = performance.now() + 60_000 * MINUTES;
  while (performance.now() < until) {
    await pause(52_000);
    Deno.kill(lab.daemon("redis1").pid, "SIGSTOP");
    await pause(8_000);
    Deno.kill(lab.daemon("redis1").pid, "SIGCONT");
  }
})();

// The load.
const program = ["run", "-q", "-A", "--unstable-net", "--no-check", "-c", `${ROOT}deno.json`, `${ROOT}cli/mod.ts`];
const bridges = await Promise.all(["s1", "s2"].map(async (name, i) => {
  const listen = ["-l", `127.0.0.1:${1_081 + i}`];
  const bridge = lab.host("c1").start(Deno.execPath(), [
    ...program,
    "bridge",
    "--proxy",
    `${name}.lab.test:1080`,
    "-c",
    lab.cache("c1", "alice"),
    ...listen,
  ], {
    env: { KRB5_CONFIG: lab.file("krb5.conf") },
  });
  await bridge.waitFor(/Listening on/);
  return bridge;
}));
const clients: Daemon[] = [];
const probes: Daemon[] = [];
for (const [i, name] of ["s1", "s2"].entries()) {
  const load: Partial<ClientJob> = {
    proxy: `${name}.lab.test:1080`,
    seconds: 60 * MINUTES,
    up: 2e6,
    down: 2e6,
    vary: true,
    pause: 150,
    timeout: 30_000,
  };
  const first = 1e6 * (i + 1);
  clients.push(
    lab.client("c1", "alice", { ...load, together: 3, abortOneOf: 7, first }),
    lab.client("c1", "bob", { ...load, together: 2, protection: "integrity", first: first + 2e5 }),
    lab.client("c1", "alice", {
      ...load,
      proxy: `127.0.0.1:${1_081 + i}`,
      bridge: true,
      together: 2,
      abortOneOf: 11,
      first: first + 4e5,
    }),
    lab.client("c1", "alice", { ...load, datagrams: true, first: first + 6e5 }),
  );
  probes.push(lab.client("c1", "bob", { ...load, up: 100, down: 100, vary: false, pause: 900, first: first + 8e5 }));
}
const held = ["s1", "s2"].map((name) =>
  lab.client("c1", "bob", { proxy: `${name}.lab.test:1080`, transfers: 30, together: 30, hold: true })
);

const samples: Record<"s1" | "s2", Sample[]> = { s1: [], s2: [] };
const begun = performance.now();

async function sample(): Promise<void> {
  for (const [name, daemon] of Object.entries(SERVERS) as ["s1" | "s2", Daemon][]) {
    const status = await Deno.readTextFile(`/proc/${daemon.pid}/status`);
    const rss = Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) / 1_024;
    let descriptors = 0;
    for await (const _ of Deno.readDir(`/proc/${daemon.pid}/fd`)) descriptors++;
    const { sessionCount } = await lab.status(name);
    samples[name].push({ at: (performance.now() - begun) / 60_000, rss, descriptors, sessions: Number(sessionCount) });
  }
}

let over = false;
const all = Promise.all([...clients, ...probes, ...beside].map((client) => lab.allOf(client, 60 * MINUTES + 300))).then(
  () => over = true,
);
while (!over) {
  await sample();
  await Promise.race([all, pause(5_000)]);
}
await frozen;
for (const program of [...held, ...guessing, silent, ...bridges]) {
  Deno.kill(program.pid, "SIGTERM");
  await program.ended;
}
const calm = performance.now() + 60_000 * Number(values.calm);
do {
  await sample();
  await pause(5_000);
} while (performance.now() < calm);

let failed = false;
const ends: TransferEnd[] = clients.flatMap((client) => endsOf(client));
console.log(`transfers: ${JSON.stringify(countsOf(ends))}`);
if (Object.keys(countsOf(ends)).some((end) => end !== "whole" && end !== "given up")) failed = true;
for (const [i, name] of (["s1", "s2"] as const).entries()) {
  const status = await lab.status(name);
  const refused = Object.values(status.refused as Record<string, number>).reduce((sum, count) => sum + count, 0);
  const accounts = `accepted ${status.accepted} = closed ${status.closed} + refused ${refused}`;
  const took = endsOf(probes[i]!);
  const early = took.filter(({ at }) => at < 4 * 60_000).map(({ took }) => took);
  const late = took.filter(({ at }) => at > 60_000 * (MINUTES - 4)).map(({ took }) => took);
  const errors = took.filter(({ end }) => end !== "whole").length;
  const of = (key: "rss" | "descriptors" | "sessions") => samples[name].map((one) => one[key]);
  const [first, last] = [samples[name][0]!, samples[name].at(-1)!];
  console.log(
    `${name}: ${accounts}; sessions left ${last.sessions}; probe p50 first 4 min ${
      median(early).toFixed(1)
    } ms, last 4 min ` +
      `${median(late).toFixed(1)} ms, worst ${
        Math.max(...took.map(({ took }) => took)).toFixed(0)
      } ms, ${errors} errors of ${took.length}; ` +
      `rss ${first.rss.toFixed(0)}, at most ${Math.max(...of("rss")).toFixed(0)}, calm ${last.rss.toFixed(0)} MiB; ` +
      `descriptors ${first.descriptors}, at most ${Math.max(...of("descriptors"))}, calm ${last.descriptors}`,
  );
  if (Number(status.accepted) !== Number(status.closed) + refused || last.sessions !== 0 || errors > 0) failed = true;
}
if (values.chart !== undefined) {
  await Deno.writeTextFile(
    values.chart,
    drawChart({
      title: `${MINUTES} minutes of load with failing surroundings`,
      x: "minutes",
      y: "MiB, or sessions",
      linear: true,
      series: [
        { name: "one thread, MiB", points: samples.s1.map(({ at, rss }) => [at, rss] as const) },
        { name: "two workers, MiB", points: samples.s2.map(({ at, rss }) => [at, rss] as const) },
        { name: "one thread, sessions", points: samples.s1.map(({ at, sessions }) => [at, sessions] as const) },
        { name: "two workers, sessions", points: samples.s2.map(({ at, sessions }) => [at, sessions] as const) },
      ],
    }),
  );
}
console.log(failed ? "FAILED" : "nothing lost, nothing refused that need not be, nothing left");
await lab[Symbol.asyncDispose]();
Deno.exit(failed ? 1 : 0);
