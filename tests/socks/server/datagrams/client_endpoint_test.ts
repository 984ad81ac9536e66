/** Where an association's client may send from. */
import assert from "node:assert/strict";
import type { GssInitiatorCredential } from "../../../../gss/credential.ts";
import { gssapiServer } from "../../../../socks/auth/gssapi/server.ts";
import { AssociateCommand } from "../../../../socks/server/commands/associate.ts";
import { ClientEndpoint } from "../../../../socks/server/datagrams/client_endpoint.ts";
import type { ServerEvent } from "../../../../socks/server/events.ts";
import type { Connection } from "../../../../socks/stream/connection.ts";
import { type Endpoint, formatEndpoint } from "../../../../socks/wire/address.ts";
import { encodeDatagram } from "../../../../socks/wire/datagram.ts";
import { Command } from "../../../../socks/wire/messages.ts";
import { until } from "../../../support/waiting.ts";
import { ALL_FLAGS } from "../../../support/flags.ts";
import { ForgedClient } from "../../../support/forge_socks.ts";
import { credentialPair, memoryRealm } from "../../../support/gss_pair.ts";
import { makeServer } from "../../../support/memory_server.ts";
import { pipe } from "../../../support/pipe.ts";
import { scriptedTargets, ScriptedUdp } from "../../../support/scripted_udp.ts";

const SERVER = { hostname: "198.51.100.1", port: 1080 };
const CLIENT = { hostname: "192.0.2.7", port: 7 };
const AT = (hostname: string, port = 5000): Endpoint => ({ hostname, port });

function place(proves: boolean, mayMove: (address: string) => boolean = () => true) {
  const clock = { time: 0 };
  const made = new ClientEndpoint({ address: CLIENT.hostname, proves, mayMove, now: () => clock.time });
  return { made, clock };
}

Deno.test("ClientEndpoint: with keys, follows the last genuine datagram and nothing else", () => {
  const { made, clock } = place(true);
  const elsewhere = AT("203.0.113.9", 6000);
  assert.equal(made.mayBeFrom(elsewhere), false);
  assert.equal(made.take(elsewhere), undefined);
  assert.ok(made.mayBeFrom(AT(CLIENT.hostname)) && made.mayBeFrom(AT(`::ffff:${CLIENT.hostname}`)));
  assert.equal(made.take(AT(CLIENT.hostname)), "here");
  assert.deepEqual(made.endpoint, AT(CLIENT.hostname));
  assert.equal(made.mayBeFrom(elsewhere), true);
  // Looking is no moving.
  assert.deepEqual(made.endpoint, AT(CLIENT.hostname));
  assert.equal(made.take(elsewhere), "moved");
  assert.deepEqual(made.endpoint, elsewhere);
  assert.equal(made.take(AT(CLIENT.hostname)), "moved");
  // Another port of the address is somebody else, unless the known one has been quiet: a NAT may have given it another.
  const port = AT(CLIENT.hostname, 5001);
  assert.deepEqual([made.mayBeFrom(port), made.take(port)], [false, undefined]);
  clock.time = 9_999;
  assert.equal(made.mayBeFrom(port), false);
  made.take(AT(CLIENT.hostname));
  clock.time = 19_000;
  assert.equal(made.mayBeFrom(port), false);
  clock.time = 19_999;
  assert.deepEqual([made.mayBeFrom(port), made.take(port)], [true, "moved"]);
});

Deno.test("ClientEndpoint: without keys, stays at the connection's address and the first port", () => {
  const { made, clock } = place(false);
  assert.equal(made.take(AT(CLIENT.hostname)), "here");
  clock.time = 1_000_000;
  for (const other of [AT("192.0.2.8"), AT(CLIENT.hostname, 5001), AT("203.0.113.9")]) {
    assert.deepEqual([made.mayBeFrom(other), made.take(other)], [false, undefined]);
  }
  assert.ok(made.mayBeFrom(AT(CLIENT.hostname)));
});

Deno.test("ClientEndpoint: moves within limits, and opens a limited number of strangers' datagrams a second", () => {
  const { made, clock } = place(true, (address) => address !== "10.0.0.1");
  made.take(AT(CLIENT.hostname));
  assert.equal(made.take(AT("10.0.0.1")), undefined);
  assert.deepEqual(made.endpoint, AT(CLIENT.hostname));
  const opened = () =>
    Array.from({ length: 10_000 }, (_, i) => made.mayBeFrom(AT(`203.0.113.${i % 256}`))).filter(Boolean).length;
  assert.ok(opened() <= 11);
  // The client is heard meanwhile.
  assert.ok(made.mayBeFrom(AT(CLIENT.hostname)));
  clock.time += 1_000;
  const again = opened();
  assert.ok(again > 0 && again <= 11, `${again}`);
});

/** A client with Kerberos that has an association at a protection level. */
async function associatedClient(
  near: Connection,
  credential: GssInitiatorCredential,
  level: number,
): Promise<ForgedClient> {
  const client = await ForgedClient.open(near, {
    credential,
    flags: { ...ALL_FLAGS, sequence: false },
    greeting: true,
  });
  await client.level(level);
  await client.request({ command: Command.UdpAssociate, hostname: "0.0.0.0", port: 0 });
  return client;
}

Deno.test("ClientEndpoint: with Kerberos, a genuine datagram moves the client, a forged or old one does not", async () => {
  const realm = await memoryRealm();
  const { initiator, acceptor } = credentialPair(realm);
  for (const level of [1, 2, 3]) {
    const udp = new ScriptedUdp();
    const moves: string[] = [];
    const { open, sent, answer } = scriptedTargets({ moved: (source) => (moves.push(source), source !== "10.9.9.9") });
    const events: ServerEvent[] = [];
    const { server } = makeServer({
      auth: [gssapiServer({ credential: acceptor })],
      associate: new AssociateCommand({ open, bind: udp.bind, mayMoveTo: (address) => address !== "10.8.8.8" }),
      onEvent: (event) => void events.push(event),
    });
    await using _server = server;
    const [near, far] = pipe();
    const served = server.serve({ ...far, local: SERVER, remote: CLIENT });
    const client = await associatedClient(near, initiator, level);
    const make = (text: string) => client.sealed(encodeDatagram(AT("9.9.9.9", 53), new TextEncoder().encode(text)));
    const come = (bytes: Uint8Array<ArrayBuffer>, from: Endpoint) => udp.sockets[0]!.onDatagram(bytes.slice(), from);
    const where = async () => {
      const before = udp.sockets[0]!.sent.length;
      answer("answer");
      await until(() => udp.sockets[0]!.sent.length > before);
      return udp.sockets[0]!.sent.at(-1)!.to;
    };
    const elsewhere = AT("203.0.113.9", 6000);
    const one = await make("one");
    come(one, AT(CLIENT.hostname));
    await until(() => sent.length === 1);
    // A replayed one, a changed one, and one in clear: not the client's. They take nobody's place.
    for (let i = 0; i < 70; i++) come(one, AT(CLIENT.hostname));
    come(one, elsewhere);
    const changed = await make("changed");
    come(changed.with(changed.length - 1, changed.at(-1)! ^ 1), elsewhere);
    come(encodeDatagram(AT("9.9.9.9", 53), new TextEncoder().encode("clear")), elsewhere);
    assert.equal(await where(), formatEndpoint(AT(CLIENT.hostname)));
    // Addresses where clients may not be, or may not send from.
    come(await make("two"), AT("10.8.8.8"));
    come(await make("three"), AT("10.9.9.9"));
    assert.equal(await where(), formatEndpoint(AT(CLIENT.hostname)));
    come(await make("four"), elsewhere);
    await until(() => sent.length === 2);
    assert.equal(await where(), formatEndpoint(elsewhere));
    come(await make("five"), AT(CLIENT.hostname));
    await until(() => sent.length === 3);
    assert.equal(await where(), formatEndpoint(AT(CLIENT.hostname)));
    assert.deepEqual(sent, ["one", "four", "five"]);
    assert.deepEqual(moves, ["10.9.9.9", "203.0.113.9", CLIENT.hostname]);
    await near.closeWrite();
    await served;
    client.close();
    const last = events.at(-1)!;
    assert.ok(last.type === "closed");
    const { moved, dropped } = last.datagrams!;
    assert.deepEqual([moved, dropped.notGenuine, dropped.wrongSource], [2, 73, 2]);
  }
});

Deno.test("ClientEndpoint: a function that throws when it is asked whether a client may move takes nobody's place", async () => {
  const { initiator, acceptor } = credentialPair(await memoryRealm());
  const udp = new ScriptedUdp();
  const { open, sent } = scriptedTargets();
  const { now } = performance;
  let later = 0;
  const mayMoveTo = () => {
    // Of those from elsewhere only some are opened in a second.
    later += 1_000;
    throw new Error("no answer");
  };
  const { server } = makeServer({
    auth: [gssapiServer({ credential: acceptor })],
    associate: new AssociateCommand({ open, bind: udp.bind, mayMoveTo }),
  });
  await using _server = server;
  const [near, far] = pipe();
  const served = server.serve({ ...far, local: SERVER, remote: CLIENT });
  const client = await associatedClient(near, initiator, 3);
  const come = async (text: string, from: Endpoint) => {
    const datagram = await client.sealed(encodeDatagram(AT("9.9.9.9", 53), new TextEncoder().encode(text)));
    try {
      udp.sockets[0]!.onDatagram(datagram, from);
    } catch {
      // As a socket does.
    }
  };
  await come("one", AT(CLIENT.hostname));
  Object.assign(performance, { now: () => now.call(performance) + later });
  try {
    for (let i = 0; i < 64; i++) await come("from elsewhere", AT("203.0.113.9"));
    await come("two", AT(CLIENT.hostname));
    await until(() => sent.length === 2);
  } finally {
    Object.assign(performance, { now });
  }
  assert.deepEqual(sent, ["one", "two"]);
  await near.closeWrite();
  await served;
  client.close();
});
