/** A peer that takes a little at a time is seen to, over every transport, inside of one write. And what a cut is to it. */
import assert from "node:assert/strict";
import type { Bytes } from "../../../base/bytes.ts";
import { abort, type Connection } from "../../../socks/stream/connection.ts";
import { withPrefix } from "../../../socks/stream/prefix.ts";
import { DenoConnection } from "../../../socks/shell/deno_connection.ts";
import { dialTcp } from "../../../socks/shell/tcp.ts";
import { dialFrom } from "../../../socks/shell/dial_from.ts";
import { EndWatcher } from "../../../socks/stream/end_watcher.ts";
import { withSignal } from "../../../socks/stream/with_signal.ts";
import { acceptTls, tlsOver } from "../../../socks/shell/tls_over.ts";
import { certificateFor } from "../../support/certificate.ts";
import { ScriptedConnection } from "../../support/scripted_connection.ts";
import { tcpPair, transportPair, TRANSPORTS } from "../../support/transports.ts";

type Pair = readonly [ours: Connection, theirs: Connection, end: () => Promise<void>];

/** The end that writes is a socket of Node's. */
async function nodePair(): Promise<Pair> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const dial = dialFrom(["0.0.0.0"]);
  const [ours, theirs] = await Promise.all([
    dial({ hostname: "127.0.0.1", port: listener.addr.port }, {}),
    listener.accept(),
  ]);
  return [ours, new DenoConnection(theirs), () => Promise.resolve()];
}

async function tlsPair(under: () => Promise<readonly [Connection, Connection]>): Promise<Pair> {
  const identity = await certificateFor();
  const [near, far] = await under();
  const theirs = acceptTls(far, identity);
  const reading = theirs.read();
  const ours = await tlsOver(near, { hostname: "localhost", caCerts: [identity.cert] });
  await ours.write(new Uint8Array(1));
  await reading;
  return [ours, theirs, () => Promise.resolve()];
}

const OTHERS: Readonly<Record<string, () => Promise<Pair>>> = {
  "a socket of Node's": nodePair,
  "TLS over TCP": () => tlsPair(tcpPair),
};

async function pairOf(name: string): Promise<Pair> {
  const other = OTHERS[name];
  if (other !== undefined) return await other();
  const ends = await transportPair(name);
  return [ends.ours, ends.theirs, async () => await ends[Symbol.asyncDispose]()];
}

async function readAll(connection: Connection): Promise<void> {
  while (await connection.read(new Uint8Array(65_536)) !== null);
}

const ALL = [...TRANSPORTS, ...Object.keys(OTHERS)];

for (const name of ALL) {
  Deno.test(`${name}: what a peer takes is seen while one write is under way`, async () => {
    const [ours, theirs, end] = await pairOf(name);
    // More than all that is in between takes at once.
    const source = new Uint8Array(24 << 20);
    let done = false;
    const writing = ours.write(source).then(() => done = true, () => {});
    let seen = 0;
    for (let step = 0; step < 4; step++) {
      // As much as a reader may take until it is noticed: the system frees room in steps of its own.
      while (!done && ours.written === seen) assert.ok(await theirs.read(new Uint8Array(65_536)));
      assert.equal(done, false, `step ${step}`);
      assert.ok(ours.written! > seen);
      seen = ours.written!;
    }
    const draining = readAll(theirs);
    await writing;
    await ours.closeWrite();
    await draining;
    ours.close();
    theirs.close();
    await end();
  });
}

Deno.test("wrappers: pass `written` and probe() on", async () => {
  for (
    const around of [
      (under: Connection) => withPrefix(under, Uint8Array.of(1)),
      (under: Connection) => withSignal(under, new AbortController().signal),
      (under: Connection) => new EndWatcher(under, () => {}).rest(),
    ]
  ) {
    const under = Object.assign(new ScriptedConnection(), {
      written: 7,
      probe: () => Promise.reject(new Error("gone")),
    });
    const connection = around(under);
    assert.equal(connection.written, 7);
    await assert.rejects(connection.probe!(), { message: "gone" });
    const plain = around(new ScriptedConnection());
    assert.equal(plain.written, undefined);
    await plain.probe!();
    connection.close();
    plain.close();
  }
});

/** What the peer of a connection that is cut in the middle reads last. */
async function afterCut(name: string, bytes: number): Promise<unknown> {
  const [ours, theirs, end] = await pairOf(name);
  if (bytes > 0) await ours.write(new Uint8Array(bytes));
  abort(ours);
  let last: unknown;
  try {
    for (let bytes: Bytes | null = new Uint8Array(1); bytes !== null;) bytes = await theirs.read();
    last = "an end";
  } catch (error) {
    last = (error as { code?: unknown }).code;
  }
  theirs.close();
  await end();
  return last;
}

/** The ends that a cut has, and the two that it cannot have: Deno resets no socket (2.9.6). */
const CUTS: Readonly<Record<string, string>> = {
  "TCP": "an end",
  "a socket in the file system": "an end",
  "streams": "LOST",
  "WebSocket": "LOST",
  "integrity over TCP": "UNEXPECTED_END",
  "confidentiality over TCP": "UNEXPECTED_END",
  "confidentiality over streams": "LOST",
  "integrity over WebSocket": "LOST",
  "a socket of Node's": "ECONNRESET",
  "TLS over TCP": "TLS_CUT",
};

for (const name of ALL) {
  const wanted = CUTS[name];
  const what = wanted === "an end"
    ? "cannot be told from an end, since Deno resets no socket"
    : "is no end to the peer";
  Deno.test(`${name}: a cut ${what}`, async () => {
    assert.equal(await afterCut(name, 1_000), wanted);
    assert.equal(await afterCut(name, 0), wanted);
  });
}

Deno.test("NodeConnection: close() ends it, abort() after that does nothing", async () => {
  const [ours, theirs] = await nodePair();
  await ours.write(new Uint8Array(3));
  ours.close();
  abort(ours);
  assert.equal((await theirs.read())!.length, 3);
  assert.equal(await theirs.read(), null);
  theirs.close();
});

Deno.test("TLS: abort() cuts the connection below, close() ends it", async () => {
  for (const [end, aborts] of [[abort, 1], [(connection: Connection) => connection.close(), 0]] as const) {
    const under = new ScriptedConnection();
    const connection = acceptTls(under, await certificateFor());
    const reading = connection.read();
    end(connection);
    await assert.rejects(reading);
    assert.deepEqual([under.aborts, under.closes], [aborts, 1]);
  }
});

Deno.test("dialFrom(): sets keepalive to one minute", async () => {
  if (Deno.build.os !== "linux") return;
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  for (const [dial, wanted] of [[dialFrom(["127.0.0.1"]), true], [dialTcp, false]] as const) {
    const [ours, theirs] = await Promise.all([dial({ hostname: "127.0.0.1", port }, {}), listener.accept()]);
    const hex = (number: number) => `:${number.toString(16).toUpperCase().padStart(4, "0")}`;
    const [local, remote] = [hex(ours.local!.port), hex(port)];
    // Timer 2 is the one of keep-alive, and the time until it runs off is in hundredths of a second.
    let timer: string | undefined;
    for (const until = Date.now() + 5_000; !timer?.startsWith("02") && Date.now() < until;) {
      const lines = (await Deno.readTextFile("/proc/net/tcp")).split("\n").map((line) => line.trim().split(/\s+/));
      timer = lines.find((line) => line[1]?.endsWith(local) && line[2]?.endsWith(remote))?.[5];
    }
    const [kind, ticks] = timer!.split(":");
    assert.equal(kind, "02");
    assert.equal(Number.parseInt(ticks!, 16) <= 6_000, wanted);
    ours.close();
    theirs.close();
  }
});
