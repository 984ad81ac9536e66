/** A client that goes while BIND waits takes its session and its port along, and what it has said before is not lost. */
import assert from "node:assert/strict";
import { utf8 } from "../../../../base/bytes.ts";
import { pause } from "../../../../base/deadline.ts";
import { bind, bridge, serve, type ServeOptions, type ServerEvent } from "../../../../mod.ts";
import { bindDirectly } from "../../../../socks/server/targets/listen.ts";
import { parseRule } from "../../../../socks/rules/parse_rule.ts";
import { RuleSet } from "../../../../socks/rules/rule_set.ts";
import { systemResolver } from "../../../../socks/shell/system_resolver.ts";
import { listenTcp } from "../../../../socks/shell/tcp.ts";
import { EndWatcher } from "../../../../socks/stream/end_watcher.ts";
import { until, within } from "../../../support/waiting.ts";
import { makeServer } from "../../../support/memory_server.ts";
import { pipe } from "../../../support/pipe.ts";
import { startRealmFolder } from "../../../support/realm_folder.ts";
import { unhex } from "../../../support/vectors.ts";

const LOCALHOST = "127.0.0.1";
const ANYBODY: ServeOptions = { port: 0, allowUnauthenticated: true, commands: ["bind"], rules: ["allow localhost"] };
/** Greeting without authentication, and a request to listen for anybody. */
const REQUEST = unhex("050100" + "05020001000000000000");

/** Whether nobody listens there any more. */
async function isFree(port: number): Promise<boolean> {
  return await Deno.connect({ hostname: LOCALHOST, port }).then((conn) => (conn.close(), false), () => true);
}

/** A client in clear that has been told where the server listens. */
async function listening(port: number): Promise<{ client: Deno.TcpConn; bound: number }> {
  const client = await Deno.connect({ hostname: LOCALHOST, port });
  await client.write(REQUEST);
  const answer = new Uint8Array(12);
  for (let at = 0; at < answer.length;) at += (await client.read(answer.subarray(at)))!;
  assert.equal(answer[3], 0);
  return { client, bound: (answer[10]! << 8) | answer[11]! };
}

Deno.test("BIND: frees the port when the client goes", async () => {
  const events: ServerEvent[] = [];
  await using server = serve({
    ...ANYBODY,
    timeouts: { connect: Infinity },
    onEvent: (event) => void events.push(event),
  });
  for (const early of [0, 1, 3]) {
    for (const how of ["close", "half-close"] as const) {
      const { client, bound } = await listening(server.addr.port);
      for (let i = 0; i < early; i++) await client.write(utf8("early"));
      if (how === "half-close") {
        await client.closeWrite();
        // Whoever only meant to send nothing more is told.
        const answer = new Uint8Array(10);
        assert.equal(await within(2_000, how, client.read(answer)), 10);
        assert.equal(answer[1], 1);
      }
      client.close();
      await within(2_000, how, until(() => server.sessions === 0));
      assert.ok(await isFree(bound), how);
      const last = events.at(-1)!;
      assert.ok(last.type === "refused", last.type);
      assert.equal((last.error as { code?: string }).code, "LOST");
      assert.match(last.error.message, /left while BIND waited/);
    }
  }
});

Deno.test("BIND: frees the port behind the bridge when the client goes, at each level", async () => {
  await using realm = await startRealmFolder();
  await using server = serve({
    ...ANYBODY,
    allowUnauthenticated: false,
    keytab: realm.keytab,
    timeouts: { connect: Infinity },
  });
  const proxy = { hostname: "localhost", port: server.addr.port };
  await using local = bridge({ proxy, credentials: realm.tickets, port: 0, timeouts: { connect: Infinity } });
  const { client, bound } = await listening(local.addr.port);
  client.close();
  await within(2_000, "bridge", until(() => local.sessions === 0 && server.sessions === 0));
  assert.ok(await isFree(bound));
  const protections = ["none", "integrity", "confidentiality"] as const;
  await using second = serve({
    ...ANYBODY,
    keytab: realm.keytab,
    protection: protections,
    timeouts: { connect: Infinity },
  });
  for (const protection of protections) {
    const through = { hostname: "localhost", port: second.addr.port };
    const pending = await bind({ proxy: through, credentials: realm.tickets, protection });
    pending.close();
    await within(2_000, protection, until(() => second.sessions === 0));
    assert.ok(await isFree(pending.bound.port), protection);
  }
});

Deno.test("BIND: forwards early bytes in order, and the end behind them", async () => {
  await using server = serve(ANYBODY);
  for (const early of ["", "one, two"]) {
    const { client, bound } = await listening(server.addr.port);
    for (const byte of early) await client.write(utf8(byte));
    const target = await Deno.connect({ hostname: LOCALHOST, port: bound });
    const answer = new Uint8Array(10);
    for (let at = 0; at < answer.length;) at += (await client.read(answer.subarray(at)))!;
    await client.write(utf8(", three"));
    await client.closeWrite();
    assert.equal(await new Response(target.readable).text(), `${early}, three`);
    await client.read(new Uint8Array(1));
    client.close();
    await until(() => server.sessions === 0);
  }
});

Deno.test("BIND: ends when the client's connection breaks", async () => {
  const rules = () => new RuleSet([parseRule("allow", "localhost")]);
  const { server, events } = makeServer({
    bind: bindDirectly({ rules, resolve: systemResolver, listen: listenTcp, address: LOCALHOST }),
    timeouts: { connect: Infinity },
  });
  await using _server = server;
  const [client, far] = pipe();
  const served = server.serve(far);
  await client.write(REQUEST);
  await until(() => events.some(({ type }) => type === "listening"));
  far.close();
  await within(2_000, "broken", served);
  const last = events.at(-1)!;
  assert.ok(last.type === "refused" && /left while BIND waited: Pipe is closed/.test(last.error.message));
  assert.equal((last.error.cause as Error).message, "Pipe is closed");
});

Deno.test("EndWatcher: is bounded, ordered, and stops", async () => {
  const [near, far] = pipe();
  let ends = 0;
  let reads = 0;
  const counted = { ...far, read: () => (reads++, far.read()) };
  const watched = new EndWatcher(counted, () => void ends++);
  const rest = watched.rest();
  for (let i = 0; i < 20; i++) await near.write(new Uint8Array(16_384).fill(i));
  await near.closeWrite();
  await until(() => reads === 4);
  // Beyond what is held, the peer waits, and its end is not looked for.
  await pause(0);
  assert.deepEqual([reads, ends], [4, 0]);
  for (let i = 0; i < 20; i++) assert.equal((await rest.read())![0], i);
  assert.equal(await rest.read(), null);

  const [another, behind] = pipe();
  const stopped = new EndWatcher(behind, () => void ends++);
  stopped[Symbol.dispose]();
  await another.write(utf8("a"));
  await another.closeWrite();
  const after = stopped.rest();
  assert.deepEqual(await Promise.all([after.read(), after.read()]), [utf8("a"), null]);
  assert.equal(ends, 0);
});
