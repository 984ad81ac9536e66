/**
 * Round trips of a small request, and the time to start.
 *
 * @module
 */
import { CLI, DENO, type Field } from "./field.ts";
import { median, smallest } from "./measure.ts";
import { type Report, show } from "./report.ts";

/** The rows of latency. */
export async function benchLatency(field: Field, report: Report): Promise<void> {
  await using server = await field.ourServer();
  await using bridge = await field.ourBridge(server, "2");
  await using dante = await field.dante("gssapi");
  const ping = async (proxy: typeof server, level: string) => (await field.load("ping", proxy, level, 4000, 64))[0]!;
  const seen: Record<string, number[]> = { direct: [], path: [], server: [], dante: [] };
  for (let i = 0; i < 5; i++) {
    seen.direct!.push(await ping(server, "direct"));
    seen.path!.push(await ping(bridge, "plain"));
    seen.server!.push(await ping(server, "2"));
    seen.dante!.push(await ping(dante, "2"));
  }
  const [direct, path, ours, theirs] = Object.values(seen).map(median) as [number, number, number, number];
  report.limit({
    what: "round trip of 64 bytes through bridge and server at level 2, above a direct one",
    figure: path - direct,
    unit: "us",
    goal: { most: 150 },
    remark: `direct ${show(direct)} us, through both ${show(path)} us`,
  });
  report.compare({
    work: "round trips of 64 bytes by a client on MIT's library, level 2",
    unit: "per s",
    ours: 1e6 / ours,
    peer: 1e6 / theirs,
    name: "Dante",
  });
}

/** The rows of starting. */
export async function benchStart(report: Report): Promise<void> {
  const importing = async () => {
    const code = `const start = performance.now();
      await import(${JSON.stringify(new URL("../../mod.ts", import.meta.url).href)});
      console.log(performance.now() - start);`;
    const path = await Deno.makeTempFile({ suffix: ".ts" });
    try {
      await Deno.writeTextFile(path, code);
      const { stdout } = await new Deno.Command(Deno.execPath(), { args: [...DENO, path] }).output();
      return Number(new TextDecoder().decode(stdout));
    } finally {
      await Deno.remove(path);
    }
  };
  report.limit({
    what: "import of the front door in a fresh process",
    figure: await smallest(importing, 7),
    unit: "ms",
    goal: { most: 60 },
  });
  const help = async () => {
    const start = performance.now();
    await new Deno.Command(Deno.execPath(), { args: [...DENO, CLI, "--help"] }).output();
    return performance.now() - start;
  };
  report.limit({
    what: "`gssocks --help`, whole process",
    figure: await smallest(help, 7),
    unit: "ms",
    goal: { most: 150 },
  });
}
