/** The handshake's state machine, both roles against each other and against everything out of turn. */
import assert from "node:assert/strict";
import type { Bytes } from "../../base/bytes.ts";
import { Handshake, type HandshakeMessage } from "../../socks/handshake.ts";
import { unhex } from "../support/vectors.ts";

const REQUEST = { command: 1, hostname: "target.example", port: 80 };
const SCRIPT: readonly (readonly ["client" | "server", HandshakeMessage])[] = [
  ["client", { type: "offer", methods: [1, 2] }],
  ["server", { type: "choice", method: 1 }],
  ["client", { type: "request", request: REQUEST }],
  ["server", { type: "reply", reply: { reply: 0, hostname: "192.0.2.1", port: 1 } }],
];

/** Carries a whole handshake, each message in pieces of some size. */
function carry(size: number): void {
  const sides = { client: new Handshake("client"), server: new Handshake("server") };
  for (const [from, message] of SCRIPT) {
    const other = sides[from === "client" ? "server" : "client"];
    const bytes = sides[from].send(message);
    let event: HandshakeMessage | undefined;
    for (let at = 0; at < bytes.length; at += size) {
      assert.equal(event, undefined);
      other.receive(bytes.subarray(at, at + size) as Bytes);
      event = other.nextEvent();
    }
    assert.deepEqual(event, message);
    assert.equal(other.nextEvent(), undefined);
    assert.equal(sides.client.state, sides.server.state);
    if (message.type === "choice") Object.values(sides).forEach((side) => side.authenticated());
  }
  assert.equal(sides.client.state, "open");
}

Deno.test("Handshake: both roles agree on every message, in pieces of any size", () => {
  for (const size of [1, 2, 3, 1000]) carry(size);
});

Deno.test("Handshake: hands over the bytes behind its messages", () => {
  const server = new Handshake("server");
  server.receive(unhex("050101" + "0101000161"));
  assert.equal(server.nextEvent()!.type, "offer");
  server.send({ type: "choice", method: 1 });
  assert.equal(server.nextEvent(), undefined);
  assert.deepEqual(server.trailingData(), unhex("0101000161"));
  assert.equal(server.trailingData().length, 0);
});

Deno.test("Handshake: refuses a method that was not offered, reports that none is acceptable", () => {
  const client = new Handshake("client");
  client.send({ type: "offer", methods: [1] });
  client.receive(unhex("0500"));
  assert.throws(() => client.nextEvent(), { name: "SocksAuthError", code: "METHOD_NOT_OFFERED" });
  assert.equal(client.state, "closed");
  const refused = new Handshake("client");
  refused.send({ type: "offer", methods: [0, 1] });
  refused.receive(unhex("05ff"));
  assert.throws(() => refused.nextEvent(), { code: "NO_ACCEPTABLE_METHOD" });
  const server = new Handshake("server");
  server.receive(unhex("050101"));
  server.nextEvent();
  assert.throws(() => server.send({ type: "choice", method: 2 }), TypeError);
});

Deno.test("Handshake: BIND has two replies, other commands one; a failure ends it", () => {
  const [first, second] = ["0500000100000000" + "0001", "0500000100000000" + "0002"];
  const asked = (command: number) => {
    const client = new Handshake("client");
    client.send({ type: "offer", methods: [0] });
    client.receive(unhex("0500"));
    client.nextEvent();
    client.authenticated();
    client.send({ type: "request", request: { ...REQUEST, command } });
    return client;
  };
  const bind = asked(2);
  bind.receive(unhex(first + second));
  for (const [port, state] of [[1, "listening"], [2, "open"]] as const) {
    const event = bind.nextEvent();
    assert.ok(event?.type === "reply" && event.reply.port === port);
    assert.equal(bind.state, state);
  }
  const failed = asked(2);
  failed.receive(unhex(first + "0504"));
  failed.nextEvent();
  failed.nextEvent();
  assert.equal(failed.state, "closed");
  const connect = asked(1);
  connect.receive(unhex(first + second));
  connect.nextEvent();
  assert.equal(connect.state, "open");
  assert.equal(connect.nextEvent(), undefined);
  assert.deepEqual(connect.trailingData(), unhex(second));
});

Deno.test("Handshake: refuses to send out of turn", () => {
  for (const role of ["client", "server"] as const) {
    for (const [from, message] of SCRIPT) {
      if (from === role && message.type === "offer") continue;
      assert.throws(() => new Handshake(role).send(message), TypeError, `${role} ${message.type}`);
    }
    assert.throws(() => new Handshake(role).authenticated(), TypeError);
  }
});

Deno.test("Handshake: a wrong version, a long message and a failed request close it", () => {
  const version = new Handshake("server");
  version.receive(unhex("04"));
  assert.throws(() => version.nextEvent(), { code: "BAD_VERSION" });
  assert.equal(version.state, "closed");
  assert.throws(() => version.send({ type: "choice", method: 0 }), TypeError);
  const client = new Handshake("client");
  client.send(SCRIPT[0]![1]);
  client.receive(unhex("0501"));
  client.nextEvent();
  client.authenticated();
  client.send(SCRIPT[2]![1]);
  client.receive(unhex("05050001000000000000"));
  const event = client.nextEvent();
  assert.ok(event?.type === "reply" && event.reply.reply === 5);
  assert.equal(client.state, "closed");
});
