/** A client that goes before it is answered takes along whatever is done on its behalf, and counts no more. */
import assert from "node:assert/strict";
import { concat, utf8 } from "../../../base/bytes.ts";
import { pause } from "../../../base/deadline.ts";
import { nextTurn } from "../../../base/turn.ts";
import { hostbasedService } from "../../../gss/names.ts";
import { KerberosInitiatorCredential } from "../../../kerberos/mech/credentials.ts";
import { connect, serve, type ServeOptions, type ServerEvent } from "../../../mod.ts";
import { noAuthentication } from "../../../socks/auth/none.ts";
import { passwordServer } from "../../../socks/auth/password.ts";
import { END_GRACE } from "../../../socks/stream/client_end.ts";
import type { OpenedTarget } from "../../../socks/server/targets/target.ts";
import type { Connection } from "../../../socks/stream/connection.ts";
import { EndWatcher } from "../../../socks/stream/end_watcher.ts";
import { wrapConnection } from "../../../socks/stream/wrap_connection.ts";
import { encodeFrame } from "../../../socks/wire/gssapi.ts";
import { sessionEnds, sessionTransports, WatchedServer } from "../../support/session_transports.ts";
import { until, within } from "../../support/waiting.ts";
import { stuckOperation } from "../../support/controlled_resources.ts";
import { phases } from "../../support/session_phases.ts";
import { memoryRealm, memoryTickets } from "../../support/gss_pair.ts";
import { makeServer } from "../../support/memory_server.ts";
import { pipe, readAll } from "../../support/pipe.ts";
import { startRealmFolder } from "../../support/realm_folder.ts";
import { tcpPair } from "../../support/transports.ts";
import { hex, unhex } from "../../support/vectors.ts";

const LOCALHOST = "127.0.0.1";
/** What a client says that wants CONNECT, in each protocol. */
const REQUESTS: Readonly<Record<string, string>> = {
  "SOCKS5": "050100" + "0501000304746573740050",
  "SOCKS4": "04010050" + "7f000001" + "00",
  "HTTP": hex(utf8("CONNECT test:80 HTTP/1.1\r\n\r\n")),
};
/** Phases in which the client is watched: all in which others are waited for on its behalf. */
const WATCHED = [
  "a stuck password check",
  "look-up",
  "open",
  "dial",
  "dial of several addresses",
  "dial of an upstream proxy",
  "a silent upstream proxy",
  "bind",
  "bind wait",
  "resolve",
  "an association's egress",
  "an association's socket",
  "a stuck user ledger",
];

const FOREVER = { timeouts: { connect: Infinity, handshake: Infinity } };
const at = (connection: Connection): OpenedTarget => ({ connection, bound: { hostname: "192.0.2.1", port: 99 } });

/** Whether a session has ended since its client went. */
function isLost(events: readonly ServerEvent[]): boolean {
  const [end, more] = sessionEnds(events);
  return more === undefined && end?.type === "refused" && (end.error as { code?: string }).code === "LOST";
}

for (const name of WATCHED) {
  Deno.test(`ClientWatch: ends the session of a client that goes: ${name}`, async () => {
    await using stack = new AsyncDisposableStack();
    for (const [through, way] of Object.entries(sessionTransports(stack, undefined))) {
      if (through === "stuck") continue;
      const phase = phases()[name]!;
      const events: ServerEvent[] = [];
      await using server = new WatchedServer({
        auth: [noAuthentication()],
        open: () => Promise.reject(new Error("not this")),
        ...phase.options,
        ...FOREVER,
        onEvent: (event) => void events.push(event),
      });
      const client = await way.open(server);
      await within(5_000, `${name} over ${through}`, phase.enter({ client, events }));
      assert.equal(server.sessions, 1);
      client.close();
      await within(5_000, `${name} over ${through}`, until(() => server.sessions === 0));
      assert.ok(isLost(events), `${through}: ${sessionEnds(events).map(({ error }) => error?.stack)}`);
      // What was made for nobody is closed, however late it comes.
      phase.late?.();
      await within(5_000, name, until(() => phase.held.every(({ closed }) => closed) && (phase.check?.() ?? true)));
    }
  });
}

Deno.test("ClientWatch: ends the dial when a client goes, in each protocol", async () => {
  for (const [protocol, request] of Object.entries(REQUESTS)) {
    for (const how of ["end", "break"] as const) {
      let signal: AbortSignal | undefined;
      const { server, events } = makeServer({
        ...FOREVER,
        protocols: ["socks4", "http"],
        open: (asked) => (signal = asked.signal, new Promise(() => {})),
      });
      const [client, far] = pipe();
      const served = server.serve(far);
      await client.write(unhex(request));
      await until(() => signal !== undefined);
      if (how === "end") await client.closeWrite();
      else far.close();
      const before = performance.now();
      await within(5_000, protocol, served);
      assert.ok(signal!.aborted && isLost(events), protocol);
      // One that broke is not waited for.
      if (how === "break") assert.ok(performance.now() - before < END_GRACE - 100);
    }
  }
});

Deno.test("ClientWatch: ends the dial at each level, and before the token is read", async () => {
  await using realm = await startRealmFolder();
  const protections = ["none", "integrity", "confidentiality"] as const;
  const dialled = stuckOperation<Connection>();
  const events: ServerEvent[] = [];
  const options: ServeOptions = {
    port: 0,
    ...FOREVER,
    keytab: realm.keytab,
    protection: protections,
    rules: ["allow localhost"],
    onEvent: (event) => void events.push(event),
  };
  await using server = serve({ ...options, dial: () => dialled.make() });
  for (const protection of protections) {
    events.length = 0;
    const giveUp = new AbortController();
    const reaching = connect({
      proxy: { hostname: "localhost", port: server.addr.port },
      credentials: realm.tickets,
      protection,
      hostname: LOCALHOST,
      port: 9,
      signal: giveUp.signal,
    });
    reaching.catch(() => {});
    await until(() => server.liveSessions().some(({ command }) => command === "connect"));
    giveUp.abort(new Error("given up"));
    await assert.rejects(reaching, /given up/);
    await within(5_000, protection, until(() => server.sessions === 0));
    assert.ok(isLost(events), protection);
  }
  const insert = stuckOperation<boolean>();
  await using slow = serve({ ...options, gssapi: { replayCache: { insert: () => insert.make() } } });
  events.length = 0;
  const giveUp = new AbortController();
  const proxy = { hostname: "localhost", port: slow.addr.port };
  const reaching = connect({ proxy, credentials: realm.tickets, hostname: LOCALHOST, port: 9, signal: giveUp.signal });
  reaching.catch(() => {});
  await insert.started;
  giveUp.abort(new Error("given up"));
  await assert.rejects(reaching, /given up/);
  await within(5_000, "replay cache", until(() => slow.sessions === 0));
  assert.ok(isLost(events));
  insert.resolve(true);
});

/** A client whose target is reached when the test says so. */
function reached() {
  const opening = stuckOperation<OpenedTarget>();
  let signal: AbortSignal | undefined;
  const { server, events } = makeServer({
    ...FOREVER,
    open: (request) => (signal = request.signal, opening.make()),
  });
  const [client, far] = pipe();
  let reads = 0;
  const served = server.serve({ ...far, read: () => (reads++, far.read()) });
  return { server, events, client, served, opening, signal: () => signal!, reads: () => reads };
}

Deno.test("ClientWatch: forwards early bytes and the end behind them", async () => {
  const { client, served, opening, signal, events } = reached();
  await client.write(unhex(REQUESTS.SOCKS5! + hex(utf8("all of it"))));
  await client.closeWrite();
  await opening.started;
  await pause(END_GRACE + 100);
  assert.equal(signal().aborted, false);
  const [ours, theirs] = pipe();
  opening.resolve(at(ours));
  assert.equal(new TextDecoder().decode(await readAll(theirs)), "all of it");
  await theirs.write(utf8("answer"));
  await theirs.closeWrite();
  assert.match(new TextDecoder().decode(await readAll(client)), /answer$/);
  await served;
  assert.equal(events.at(-1)!.type, "closed");
});

Deno.test("ClientWatch: answers a client that has ended its side, within a moment", async () => {
  const { client, served, opening, signal } = reached();
  await client.write(unhex(REQUESTS.SOCKS5!));
  await client.closeWrite();
  await opening.started;
  for (let i = 0; i < 5; i++) await pause(0);
  const [ours, theirs] = pipe();
  opening.resolve(at(ours));
  await theirs.write(utf8("banner"));
  // The moment is over with the answer: it ends nothing of the tunnel.
  await pause(END_GRACE + 100);
  assert.equal(signal().aborted, false);
  const answer = readAll(client);
  await theirs.write(utf8(", and more"));
  await theirs.closeWrite();
  assert.match(new TextDecoder().decode(await answer), /banner, and more$/);
  await served;
});

Deno.test("ClientWatch: stops before the last reply", async () => {
  for (const ended of ["before", "meanwhile"]) {
    const taking = stuckOperation<void>();
    const [ours, theirs] = pipe();
    const { server, events } = makeServer({ ...FOREVER, open: () => Promise.resolve(at(ours)) });
    const [client, far] = pipe();
    let writes = 0;
    // The reply is the second thing that it is told, and it takes its time to take that.
    const write = async (bytes: Uint8Array) => {
      if (++writes === 2) await taking.make();
      await far.write(bytes);
    };
    const served = server.serve({ ...far, write });
    await client.write(unhex(REQUESTS.SOCKS5!));
    if (ended === "before") await client.closeWrite();
    await taking.started;
    if (ended === "meanwhile") await client.closeWrite();
    await pause(END_GRACE + 100);
    taking.resolve();
    await theirs.write(utf8("answer"));
    await theirs.closeWrite();
    assert.match(new TextDecoder().decode(await readAll(client)), /answer$/, ended);
    await served;
    assert.equal(events.at(-1)!.type, "closed");
  }
});

Deno.test("ClientWatch: answers a client that ends its side behind its token", async () => {
  const realm = await memoryRealm();
  const asked = stuckOperation<boolean>();
  await using server = serve({
    port: 0,
    keytab: realm.keytab("rcmd/localhost"),
    rules: ["allow localhost"],
    gssapi: { replayCache: { insert: () => asked.make() } },
  });
  const credential = new KerberosInitiatorCredential(memoryTickets([realm]));
  const { token } = await (await credential.initiate(hostbasedService("rcmd", "localhost"))).step();
  using client = await Deno.connect({ hostname: LOCALHOST, port: server.addr.port });
  await client.write(concat(Uint8Array.of(5, 1, 1), encodeFrame(1, token!)));
  await client.closeWrite();
  await asked.started;
  await pause(50);
  asked.resolve(true);
  const answer = new Uint8Array(await new Response(client.readable).arrayBuffer());
  // The choice, and a frame with a token behind it.
  assert.deepEqual([...answer.subarray(0, 4)], [5, 1, 1, 1]);
});

Deno.test("EndWatcher: keeps few early bytes, in order", async () => {
  const { client, served, opening, reads } = reached();
  await client.write(unhex(REQUESTS.SOCKS5!));
  await opening.started;
  for (let i = 0; i < 20; i++) await client.write(new Uint8Array(16_384).fill(i));
  await until(() => reads() > 4);
  for (let i = 0; i < 20; i++) await pause(0);
  // A request and no more than 64 KiB.
  assert.ok(reads() <= 6, `${reads()} reads`);
  const [ours, theirs] = pipe();
  opening.resolve(at(ours));
  await client.closeWrite();
  const got = await readAll(theirs);
  assert.deepEqual([got.length, got[0], got.at(-1)], [20 * 16_384, 0, 19]);
  assert.ok(got.every((byte, i) => byte === Math.floor(i / 16_384)));
  await theirs.closeWrite();
  await served;
});

Deno.test("password: has no session for a client that goes before the check", async () => {
  for (const behind of ["", "0501000304746573740050"]) {
    const check = stuckOperation<boolean>();
    let signal: AbortSignal | undefined;
    const { server, events } = makeServer({
      ...FOREVER,
      auth: [passwordServer((_credentials, options) => (signal = options?.signal, check.make()))],
    });
    const [client, far] = pipe();
    const served = server.serve(far);
    await client.write(unhex("050102" + "01" + "01" + "62" + "01" + "78" + behind));
    await client.closeWrite();
    await check.started;
    if (behind === "") {
      await within(5_000, "gone", served);
      assert.ok(signal!.aborted && isLost(events));
      continue;
    }
    for (let i = 0; i < 20; i++) await pause(0);
    assert.equal(signal!.aborted, false);
    check.resolve(true);
    await until(() => events.some(({ type }) => type === "connected"));
    await within(5_000, "served", served);
  }
});

Deno.test("EndWatcher: continues the pending read for a second watch", async () => {
  const [near, far] = pipe();
  let reads = 0;
  const ahead = new EndWatcher({ ...far, read: () => (reads++, far.read()) });
  const told: string[] = [];
  ahead.watch(() => void told.push("first"));
  ahead[Symbol.dispose]();
  ahead.watch(({ hasUnread }) => void told.push(`second ${hasUnread}`));
  assert.equal(reads, 1);
  await near.write(utf8("a"));
  await near.closeWrite();
  await until(() => told.length > 0);
  assert.deepEqual(told, ["second true"]);
  assert.equal(reads, 2, "a read that both watches have seen is followed by one");
  const rest = ahead.rest();
  assert.deepEqual([await rest.read(), await rest.read()], [utf8("a"), null]);

  const [other, end] = pipe();
  const again = new EndWatcher(end, () => void told.push("third"));
  again.watch(() => void told.push("fourth"));
  await other.closeWrite();
  await until(() => told.length > 1);
  for (let i = 0; i < 5; i++) await pause(0);
  const [broken] = pipe();
  const twice = new EndWatcher(broken, () => void told.push("fifth"));
  twice.watch(() => void told.push("sixth"));
  broken.close();
  for (let i = 0; i < 5; i++) await pause(0);
  assert.deepEqual(told, ["second true", "fourth", "sixth"], "a failure is told once too");

  // Once it is disposed no read is begun for nobody.
  const [writer, reader] = pipe();
  let begun = 0;
  const last = new EndWatcher({ ...reader, read: () => (begun++, reader.read()) }, () => {});
  last[Symbol.dispose]();
  await writer.write(utf8("b"));
  for (let i = 0; i < 5; i++) await pause(0);
  assert.equal(begun, 1);
});

Deno.test("EndWatcher: what a client sends behind its request, before it is authenticated, is handed on in one piece", async () => {
  const check = stuckOperation<boolean>();
  const pieces: number[] = [];
  const [ours] = pipe();
  const target = wrapConnection(ours, {
    read: () => new Promise(() => {}),
    write: (bytes) => (pieces.push(bytes.length), Promise.resolve()),
  });
  const { server } = makeServer({
    ...FOREVER,
    auth: [passwordServer(() => check.make())],
    open: () => Promise.resolve(at(target)),
  });
  const [client, far] = await tcpPair();
  const served = server.serve(far);
  await client.write(unhex("050102" + "0101620178"));
  await check.started;
  await client.write(concat(unhex("0501000304746573740050"), new Uint8Array(400)));
  // It is read meanwhile.
  for (let i = 0; i < 50; i++) await nextTurn();
  check.resolve(true);
  await until(() => pieces.length > 0);
  for (let i = 0; i < 50; i++) await nextTurn();
  assert.deepEqual(pieces, [400]);
  client.close();
  await server[Symbol.asyncDispose]();
  await served;
});
