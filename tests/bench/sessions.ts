/**
 * Many sessions in one server: idle ones, busy ones, and one whose client does not read.
 *
 * @module
 */
import type { Contest } from "./contest.ts";
import { type Field, LEVELS } from "./field.ts";
import { openFilesLimit, settledKib } from "./measure.ts";
import { drain } from "./relays.ts";

/**
 * Idle sessions, if the limit of open files allows them: two sockets for each. Few would show what the collector has left, not what
 * a session keeps.
 */
const IDLE = 8_000;

/** All of them. */
export async function* sessions(field: Field): AsyncGenerator<Contest> {
  for (const [level, most] of [["0", 15], ["2", 16]] as const) {
    yield {
      measures: [{
        work: `memory of an idle session, level ${level} (${LEVELS[level]!.ours})`,
        unit: "KiB",
        goals: [{ most }],
      }],
      ours: { gssocks: () => idleKib(field, level) },
      // Once: it has no level.
      peers: { "two sockets, nothing else": level === "0" && field.has() ? () => socketsKib(field) : undefined },
      turns: 3,
      fresh: true,
    };
  }
  yield {
    measures: [{
      work: "memory for a client that asks for a terabyte and does not read",
      unit: "MiB",
      goals: [{ most: 8 }],
    }],
    ours: { gssocks: () => stalledMib(field) },
    turns: 3,
    fresh: true,
  };
  await using ours = await field.ourServer();
  const busy = (count: number) => () => drain(field, ours, "2", count, 2 ** 29);
  yield {
    measures: [{
      work: "downloads through busy sessions, level 2, in total",
      unit: "MB/s",
      goals: [{ of: "1,000 sessions", to: "10 sessions", least: 0.9 }],
    }],
    ours: { "1,000 sessions": busy(1000), "10 sessions": busy(10) },
  };
}

/** Measures the memory of an idle session, in a server that has had some before. */
async function idleKib(field: Field, level: string): Promise<number> {
  await using ours = await field.ourServer();
  const count = Math.min(IDLE, Math.floor((openFilesLimit(ours.pid) - 1000) / 2));
  await field.load("handshakes", ours, level, 400, 4);
  const before = await settledKib(ours.pid);
  await using _ = await field.staying("hold", ours, level, count, 4);
  return (await settledKib(ours.pid) - before) / count;
}

async function stalledMib(field: Field): Promise<number> {
  await using ours = await field.ourServer();
  await field.load("handshakes", ours, "2", 200, 4);
  const before = await settledKib(ours.pid);
  await using _ = await field.staying("stall", ours, "2");
  return (await settledKib(ours.pid) - before) / 1024;
}

/** Measures a program that only holds pairs of sockets, and waits for a few bytes from each. */
async function socketsKib(field: Field): Promise<number> {
  const code = `
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    console.log("Listening on 127.0.0.1:" + listener.addr.port);
    const held = [];
    for await (const client of listener) {
      const target = await Deno.connect({ hostname: "127.0.0.1", port: ${field.target} });
      held.push([client, target, client.read(new Uint8Array(64)), target.read(new Uint8Array(64))]);
    }`;
  const command = new Deno.Command(Deno.execPath(), { args: ["eval", "-q", code], stdout: "piped", stderr: "null" });
  const child = command.spawn();
  const reader = child.stdout.getReader();
  const port = Number(/:(\d+)/.exec(new TextDecoder().decode((await reader.read()).value))![1]);
  const connections: Deno.Conn[] = [];
  const hold = async (wanted: number) => {
    while (connections.length < wanted) connections.push(await Deno.connect({ hostname: "127.0.0.1", port }));
    return await settledKib(child.pid);
  };
  try {
    const before = await hold(200);
    return (await hold(3_200) - before) / 3_000;
  } finally {
    for (const connection of connections) connection.close();
    child.kill();
    while (!(await reader.read()).done);
    await child.status;
  }
}
