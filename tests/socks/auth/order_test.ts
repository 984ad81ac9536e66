/** RFC 1961 section 5 with genuine messages in the wrong place: nothing of them is delivered, and the connection is over. */
import assert from "node:assert/strict";
import { type Bytes, concat, utf8 } from "../../../base/bytes.ts";
import { serve } from "../../../mod.ts";
import { gssapiClient } from "../../../socks/auth/gssapi/client.ts";
import { gssapiServer } from "../../../socks/auth/gssapi/server.ts";
import type { SecuredChannel } from "../../../socks/auth/method.ts";
import { dialTcp } from "../../../socks/shell/tcp.ts";
import type { ProtectionLevel } from "../../../socks/protection.ts";
import { Command } from "../../../socks/wire/messages.ts";
import { changing, ForgedClient, ForgedProxy, isClosed } from "../../support/forge_socks.ts";
import { credentialPair, memoryRealm } from "../../support/gss_pair.ts";
import { pipe, readAll } from "../../support/pipe.ts";
import { TcpServer } from "../../support/servers.ts";

const realm = await memoryRealm();
// One ticket for all: getting it takes longer than anything else here.
const { initiator, acceptor } = credentialPair(realm);
const PROTECTED: readonly ProtectionLevel[] = ["integrity", "confidentiality", "selective"];
const OCTET = { integrity: 1, confidentiality: 2, selective: 3 } as Readonly<Record<ProtectionLevel, number>>;

/** Genuine frames, by number, as somebody on the way hands them on, and what of them may be delivered. */
const ORDERS: readonly { readonly name: string; readonly order: readonly number[]; readonly delivered: string }[] = [
  { name: "as they were sent", order: [0, 1, 2], delivered: "one two three " },
  { name: "repeated at once", order: [0, 0, 1], delivered: "one " },
  { name: "repeated later", order: [0, 1, 0, 2], delivered: "one two " },
  { name: "left out", order: [0, 2], delivered: "one " },
  { name: "the first left out", order: [1], delivered: "" },
  { name: "swapped", order: [1, 0, 2], delivered: "" },
];

/** Everything that a connection delivers, and how it ended. */
async function delivered({ connection }: SecuredChannel, into?: Bytes): Promise<{ text: string; end: unknown }> {
  let text = "";
  try {
    for (let bytes = await connection.read(into); bytes !== null; bytes = await connection.read(into)) {
      text += new TextDecoder().decode(bytes);
    }
    return { text, end: null };
  } catch (error) {
    return { text, end: (error as { code?: string }).code };
  }
}

/** Either side of ours with the other by hand, once the level is agreed upon. */
async function pair(side: "client" | "server", level: ProtectionLevel) {
  const [near, far] = pipe();
  let context: Parameters<typeof isClosed>[0] | undefined;
  const seen = { credential: changing(acceptor, (made) => context = made) };
  if (side === "server") {
    const accepting = gssapiServer({ ...seen, protection: [level] }).accept(far, {});
    const peer = await ForgedClient.open(near, { credential: initiator });
    await peer.level(OCTET[level]!);
    return { peer, ours: await accepting, context: () => context!, under: far };
  }
  const proxied = ForgedProxy.open(far, acceptor).then(async (peer) => (await peer.grant(), peer));
  await near.write(Uint8Array.of(5, 1, 1));
  await near.read();
  const client = gssapiClient({ credential: changing(initiator, (made) => context = made), protection: level });
  const ours = await client.authenticate(near, { proxy: { hostname: "localhost", port: 1 } });
  return { peer: await proxied, ours, context: () => context!, under: near };
}

Deno.test("ProtectedConnection: a repeated, late or missing message ends it, at every level", async () => {
  for (const side of ["server", "client"] as const) {
    for (const level of PROTECTED) {
      for (const { name, order, delivered: wanted } of ORDERS) {
        for (const together of [true, false]) {
          const { peer, ours, context } = await pair(side, level);
          const frames: Bytes[] = [];
          for (const text of ["one ", "two ", "three "]) frames.push(await peer.sealed(utf8(text)));
          const sent = order.map((i) => frames[i]!);
          if (together) await peer.send(...sent);
          else for (const frame of sent) await peer.send(frame);
          await peer.connection.closeWrite();
          const { text, end } = await delivered(ours, together ? new Uint8Array(1_000) : undefined);
          const about = `${side}, ${level}, ${name}`;
          assert.equal(text, wanted, about);
          const good = name === "as they were sent";
          assert.equal(end, good ? null : "OUT_OF_ORDER", about);
          if (good) continue;
          // For good, both ways, and with nothing left of the keys.
          await assert.rejects(ours.connection.read(), { code: "OUT_OF_ORDER" });
          await assert.rejects(ours.connection.write(utf8("x")), { code: "OUT_OF_ORDER" });
          assert.ok(await isClosed(context()), about);
        }
      }
    }
  }
});

Deno.test("serve(): relays nothing of an out-of-order message, and cuts the client off", async () => {
  for (const level of PROTECTED) {
    for (const { name, order, delivered: wanted } of ORDERS) {
      const got = Promise.withResolvers<string>();
      await using target = new TcpServer(async (connection) => {
        got.resolve(await new Response(connection.readable).text());
      });
      const ended = Promise.withResolvers<unknown>();
      await using server = serve({
        port: 0,
        keytab: realm.keytab("rcmd/localhost"),
        protection: [level],
        rules: ["allow 127.0.0.1"],
        onEvent: (event) => event.type === "closed" && ended.resolve((event.error as { code?: string })?.code),
      });
      const connection = await dialTcp(server.addr, {});
      const client = await ForgedClient.open(connection, { credential: initiator, greeting: true });
      await client.level(OCTET[level]!);
      const request = { command: Command.Connect, hostname: "127.0.0.1", port: target.port };
      assert.equal((await client.request(request)).reply, 0);
      const frames: Bytes[] = [];
      for (const text of ["one ", "two ", "three "]) frames.push(await client.sealed(utf8(text)));
      await client.send(...order.map((i) => frames[i]!));
      const good = name === "as they were sent";
      if (good) await connection.closeWrite();
      assert.equal(await got.promise, wanted, `${level}, ${name}`);
      assert.equal(await ended.promise, good ? undefined : "OUT_OF_ORDER");
      await client.rest();
      connection.close();
    }
  }
});

Deno.test("serve(): does not carry out a repeated or reordered request", async () => {
  for (const order of [[1], [0, 0]]) {
    let dialled = 0;
    const events: string[] = [];
    await using server = serve({
      port: 0,
      keytab: realm.keytab("rcmd/localhost"),
      rules: ["allow *"],
      dial: () => {
        dialled++;
        const [ours] = pipe();
        return Promise.resolve(ours);
      },
      onEvent: (event) =>
        events.push("error" in event ? (event.error as { code?: string })?.code ?? event.type : event.type),
    });
    const connection = await dialTcp(server.addr, {});
    const client = await ForgedClient.open(connection, { credential: initiator, greeting: true });
    await client.level(2);
    const frames: Bytes[] = [];
    for (const byte of [1, 2]) {
      frames.push(await client.sealed(Uint8Array.of(5, 1, 0, 1, 93, 184, 216, byte, 0, 80)));
    }
    await client.send(...order.map((i) => frames[i]!));
    await client.rest();
    connection.close();
    await server.shutdown();
    // The request in front may be under way when the other one is noticed.
    assert.ok(dialled <= (order[0] === 1 ? 0 : 1), `dialled ${dialled} times`);
    assert.ok(events.includes("OUT_OF_ORDER"), events.join());
  }
});

Deno.test("ProtectedConnection: close() disposes of the context and sends nothing more", async () => {
  for (const side of ["server", "client"] as const) {
    for (const level of PROTECTED) {
      const { peer, ours, context, under } = await pair(side, level);
      await ours.connection.write(utf8("bye"));
      const sent = under.sent().length;
      assert.equal(new TextDecoder().decode((await peer.next()).data), "bye");
      assert.equal(await isClosed(context()), false);
      await ours.connection[Symbol.asyncDispose]();
      assert.ok(await isClosed(context()), "RFC 1961 section 6");
      // There is no token for the end.
      assert.equal(under.sent().length, sent);
      await assert.rejects(ours.connection.write(utf8("x")));
      await assert.rejects(ours.datagrams!.seal(utf8("x")));
    }
  }
  const [near, far] = pipe();
  let context: Parameters<typeof isClosed>[0] | undefined;
  const accepting = gssapiServer({
    credential: changing(acceptor, (made) => context = made),
    protection: ["none"],
  }).accept(far, {});
  const client = await ForgedClient.open(near, { credential: initiator });
  await client.level(0);
  const { connection } = await accepting;
  assert.ok(await isClosed(context!), "level none has no use for it");
  await near.write(utf8("clear"));
  await near.closeWrite();
  assert.deepEqual(await readAll(connection), concat(utf8("clear")));
});
