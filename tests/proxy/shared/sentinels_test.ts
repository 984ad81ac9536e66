/** What sentinels say, and what becomes of one that is none, or says what is no address. */
import assert from "node:assert/strict";
import { Sentinels } from "../../../proxy/shared/sentinels.ts";

/** A server that answers each request of a client in Redis' protocol: `OK`, or to a sentinel's question what is given. */
function startSentinel(answer: () => string) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  let connections = 0;
  const speak = async (conn: Deno.Conn) => {
    const buffer = new Uint8Array(65_536);
    try {
      for (let n = await conn.read(buffer); n !== null; n = await conn.read(buffer)) {
        const requests = new TextDecoder().decode(buffer.subarray(0, n)).split(/(?=\*\d+\r\n)/);
        for (const request of requests) {
          await conn.write(new TextEncoder().encode(/sentinel/i.test(request) ? answer() : "+OK\r\n"));
        }
      }
      conn.close();
    } catch {
      // It has been closed.
    }
    open.delete(conn);
  };
  const accepting = (async () => {
    for await (const conn of listener) {
      connections++;
      open.add(conn);
      void speak(conn);
    }
  })().catch(() => {});
  return {
    address: { host: "127.0.0.1", port: (listener.addr as Deno.NetAddr).port },
    open,
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      listener.close();
      for (const conn of open) conn.close();
      await accepting;
    },
  };
}

const named = (...words: string[]) =>
  `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;

const access = { username: undefined, password: undefined, database: 0, tls: false };

Deno.test("Sentinels: ignore a sentinel with a wrong address, and ask it again", async () => {
  const lies = [
    "*0\r\n",
    "*1\r\n$1\r\na\r\n",
    named("", "6379"),
    named("h", "0"),
    named("h", "65536"),
    named("h", "x"),
    ":7\r\n",
  ];
  let says = lies[0]!;
  await using liar = startSentinel(() => says);
  await using honest = startSentinel(() => named("10.0.0.1", "6379"));
  const { signal } = new AbortController();
  const asked = (...sentinels: { host: string; port: number }[]) =>
    new Sentinels({ master: "m", sentinels, access, caCerts: undefined });
  for (const lie of lies) {
    says = lie;
    // The first of two with one voice each.
    const both = asked(liar.address, honest.address);
    assert.deepEqual(await both.master(signal), { host: "10.0.0.1", port: 6_379 }, JSON.stringify(lie));
    both.close();
    const alone = asked(liar.address);
    await assert.rejects(() => alone.master(signal), /what it says of the master is no address/);
    const before = liar.connections;
    await assert.rejects(() => alone.master(signal));
    assert.equal(liar.connections, before + 1, "over a connection of its own");
    alone.close();
  }
});

Deno.test("Sentinels: the majority decides, among those that name a master", async () => {
  await using one = startSentinel(() => named("10.0.0.6", "6666"));
  await using two = startSentinel(() => named("10.0.0.1", "6379"));
  await using three = startSentinel(() => named("10.0.0.1", "6379"));
  await using four = startSentinel(() => "*-1\r\n");
  const sentinels = [one, four, two, three].map(({ address }) => address);
  const all = new Sentinels({ master: "m", sentinels, access, caCerts: undefined });
  const { signal } = new AbortController();
  assert.deepEqual(await all.master(signal), { host: "10.0.0.1", port: 6_379 });
  assert.deepEqual(await all.master(signal), { host: "10.0.0.1", port: 6_379 });
  assert.deepEqual([one, two, three, four].map(({ connections }) => connections), [1, 1, 1, 1]);
  all.close();
});
