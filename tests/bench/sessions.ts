/**
 * Many sessions in one server: idle ones, busy ones, and one whose client does not read.
 *
 * @module
 */
import { peer } from "../support/peers.ts";
import { type Field, LEVELS, type Proxy } from "./field.ts";
import { byTurns, openFilesLimit, residentKib } from "./measure.ts";
import { drain } from "./relays.ts";
import type { Report } from "./report.ts";

/** Starts a load that runs until it is ended; resolves once it is ready. */
async function staying(field: Field, args: readonly string[]): Promise<AsyncDisposable> {
  const child = new Deno.Command(peer("load"), { args: [...args], env: field.env, stdin: "piped", stdout: "piped" })
    .spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  if (value === undefined) throw new Error(`load ${args.join(" ")} failed`);
  return {
    async [Symbol.asyncDispose](): Promise<void> {
      await child.stdin.close();
      while (!(await reader.read()).done);
      await child.status;
    },
  };
}

/** Returns the resident memory once it stops changing. */
async function settledKib(proxy: Proxy): Promise<number> {
  for (let last = -1;;) {
    const now = residentKib(proxy.pid);
    if (Math.abs(now - last) < 64) return now;
    last = now;
    await new Promise((resolve) => setTimeout(resolve, 1500));
  }
}

/** The rows of many sessions. */
export async function benchSessions(field: Field, report: Report): Promise<void> {
  for (const level of ["0", "2"]) await benchIdle(field, report, level);
  await using ours = await field.ourServer();
  const bytes = 2 * 2 ** 30;
  const [ten, thousand] = await byTurns([10, 1000].map((count) => () => drain(field, ours, "2", count, bytes)), 2);
  report.limit({
    what: "throughput of 1,000 busy sessions at level 2, of that of ten",
    figure: thousand! / ten!,
    unit: "of it",
    goal: { least: 0.9 },
    remark: `${Math.round(ten!)} and ${Math.round(thousand!)} MB/s`,
  });
  await using slow = await field.ourServer();
  await field.load("handshakes", slow, "2", 200, 4);
  const before = await settledKib(slow);
  await using _ = await staying(field, ["stall", String(slow.port), String(field.target), "2"]);
  report.limit({
    what: "memory for a client that asks for a terabyte and does not read",
    figure: (await settledKib(slow) - before) / 1024,
    unit: "MiB",
    goal: { most: 8 },
  });
}

async function benchIdle(field: Field, report: Report, level: string): Promise<void> {
  await using ours = await field.ourServer();
  // Two sockets for each session, and some spare.
  const count = Math.min(10_000, Math.floor((openFilesLimit(ours.pid) - 1000) / 2));
  await field.load("handshakes", ours, level, 400, 4);
  const before = await settledKib(ours);
  await using _ = await staying(field, ["hold", String(ours.port), String(field.target), level, String(count), "4"]);
  report.limit({
    what: `memory of an idle session, ${count} of them at level ${level} (${LEVELS[level]!.ours})`,
    figure: (await settledKib(ours) - before) / count,
    unit: "KiB",
    goal: { most: 16 },
    remark: `two sockets that are read from and nothing else take ${
      (await socketFloor(field, 4000)).toFixed(1)
    } KiB in Deno`,
  });
}

/** Measures a program that only holds the same number of socket pairs and polls them. */
async function socketFloor(field: Field, count: number): Promise<number> {
  const code = `
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    console.log("Listening on 127.0.0.1:" + listener.addr.port);
    const held = [];
    for await (const client of listener) {
      const target = await Deno.connect({ hostname: "127.0.0.1", port: ${field.target} });
      held.push([client, target, client.read(new Uint8Array(1024)), target.read(new Uint8Array(1024))]);
    }`;
  const child = new Deno.Command(Deno.execPath(), { args: ["eval", "-q", code], stdout: "piped", stderr: "null" })
    .spawn();
  const reader = child.stdout.getReader();
  const port = Number(/:(\d+)/.exec(new TextDecoder().decode((await reader.read()).value))![1]);
  const connections: Deno.Conn[] = [];
  const pair = async (wanted: number) => {
    while (connections.length < wanted) connections.push(await Deno.connect({ hostname: "127.0.0.1", port }));
  };
  try {
    const proxy = { port, pid: child.pid } as Proxy;
    await pair(200);
    const before = await settledKib(proxy);
    await pair(200 + count);
    return (await settledKib(proxy) - before) / count;
  } finally {
    for (const connection of connections) connection.close();
    child.kill();
    while (!(await reader.read()).done);
    await child.status;
  }
}
