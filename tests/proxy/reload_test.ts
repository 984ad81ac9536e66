/** A server that is told otherwise forgets nothing: what was seen, who is counted, what was taken of a rate. */
import assert from "node:assert/strict";
import { concat } from "../../base/bytes.ts";
import { hostbasedService } from "../../gss/names.ts";
import { noAuthentication, passwordServer, SocksServer } from "../../socks/mod.ts";
import { MemoryReplayCache } from "../../kerberos/ap/replay/memory.ts";
import { KerberosInitiatorCredential } from "../../kerberos/mech/credentials.ts";
import { serve, type ServeOptions } from "../../mod.ts";
import type { SocksServerOptions } from "../../socks/server/options.ts";
import { type Derive, type HashedPassword, hashedPasswords, KnownPasswords } from "../../cli/passwords/passwords.ts";
import type { PasswordCheck } from "../../socks/auth/password.ts";
import { Rate } from "../../base/rate.ts";
import { UserRates } from "../../socks/server/limits/bandwidth.ts";
import type { UserLedger } from "../../socks/server/limits/user_ledger.ts";
import { Tally } from "../../socks/server/limits/tally.ts";
import { encodeFrame } from "../../socks/wire/gssapi.ts";
import { memoryRealm, memoryTickets } from "../support/gss_pair.ts";
import { echoTarget, makeServer } from "../support/memory_server.ts";
import { pipe, type PipeEnd } from "../support/pipe.ts";
import { unhex } from "../support/vectors.ts";

const realm = await memoryRealm();

/** Sends one AP-REQ; says whether its context was accepted. */
async function offer(port: number, token: Uint8Array): Promise<boolean> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(concat(Uint8Array.of(5, 1, 1), encodeFrame(1, token)));
  await connection.closeWrite();
  const answer = new Uint8Array(await new Response(connection.readable).arrayBuffer());
  // An AP-REP has identifier 02 00, a KRB-ERROR 03 00.
  const at = answer.findIndex((byte, i) => byte === 0x02 && answer[i + 1] === 0x02 && i > 8);
  assert.ok(at > 0);
  return answer[at + 2] === 0x02 && answer[at + 3] === 0x00;
}

async function request(): Promise<Uint8Array> {
  const credential = new KerberosInitiatorCredential(memoryTickets([realm]));
  return (await (await credential.initiate(hostbasedService("rcmd", "localhost"))).step()).token!;
}

Deno.test("update(): keeps replays and counts if an option is left out or undefined", async () => {
  const options: ServeOptions = { port: 0, keytab: realm.keytab("rcmd/localhost"), rules: ["allow localhost"] };
  await using server = serve(options);
  const { port } = server.addr;
  const first = await request();
  const seen = async () => [await offer(port, first), await offer(port, await request())];
  assert.deepEqual(await seen(), [true, true]);
  for (const change of [{}, { replayCache: undefined }, { replayCache: undefined, userLedger: undefined }]) {
    server.update({ ...options, ...change });
    assert.deepEqual(await seen(), [false, true], JSON.stringify(Object.keys(change)));
  }
  // One that is given takes over, and stays in turn.
  server.update({ ...options, gssapi: { replayCache: new MemoryReplayCache() } });
  assert.deepEqual(await seen(), [true, true]);
  const later = await request();
  assert.equal(await offer(port, later), true);
  server.update({ ...options, gssapi: { replayCache: undefined } });
  assert.equal(await offer(port, later), false);
  server.update(options);
  assert.deepEqual(await seen(), [false, true]);
  // What cannot be used changes nothing.
  assert.throws(
    () => server.update({ ...options, gssapi: { replayCache: new MemoryReplayCache() }, rules: ["nonsense"] }),
    TypeError,
  );
  assert.throws(
    () => server.update({ ...options, keytab: undefined, gssapi: { replayCache: new MemoryReplayCache() } }),
    TypeError,
  );
  assert.deepEqual(await seen(), [false, true]);
});

Deno.test("update(): keeps the ledger of users and the signal", async () => {
  const stop = new AbortController();
  const tally = new Tally();
  let asked = 0;
  const ledger: UserLedger = {
    enter: (user, limit) => (asked++, tally.enter(user, limit)),
    leave: (user) => tally.leave(user),
  };
  const base: ServeOptions = { port: 0, passwords: () => true, rules: ["allow *"], limits: { sessionsPerUser: 1 } };
  const options: ServeOptions = {
    ...base,
    dial: (target) => echoTarget(target as never).then((opened) => opened.connection),
  };
  await using server = serve({ ...options, userLedger: ledger, signal: stop.signal });
  const open = async () => {
    const [near, far] = pipe();
    void server.serveConnection(far);
    return { near, reply: await bobAsks(near) };
  };
  const first = await open();
  assert.deepEqual([first.reply, tally.size], [0, 1]);
  for (const change of [{}, { userLedger: undefined, signal: undefined }]) {
    server.update({ ...options, ...change });
    const before = asked;
    assert.equal((await open()).reply, 1);
    assert.deepEqual([asked - before, tally.size], [1, 1]);
  }
  stop.abort(new Error("enough"));
  await server.finished;
  assert.equal(server.sessions, 0);
});

/** Bob's login and request; gives the reply code. */
async function bobAsks(near: PipeEnd): Promise<number> {
  await near.write(unhex("050102" + "01 03 626f62 01 78".replaceAll(" ", "") + "0501000109090909" + "0050"));
  let got = 0;
  let reply = -1;
  while (got < 14) {
    const bytes = await near.read();
    if (bytes === null) break;
    if (got <= 5 && got + bytes.length > 5) reply = bytes[5 - got]!;
    got += bytes.length;
  }
  return reply;
}

function bobsServer(options: Partial<SocksServerOptions> = {}) {
  const all: SocksServerOptions = { auth: [passwordServer(() => true)], open: echoTarget };
  const server = new SocksServer({ ...all, ...options });
  const open = async () => {
    const [near, far] = pipe();
    const ended = server.serve(far);
    return { near, ended, reply: await bobAsks(near) };
  };
  return { server, open, update: (changed: Partial<SocksServerOptions>) => server.update({ ...all, ...changed }) };
}

Deno.test("update(): sessions under way count for a new limit of users", async () => {
  const other = new Tally();
  const elsewhere: UserLedger = {
    enter: (user, limit) => Promise.resolve(other.enter(user, limit)),
    leave: (user) => other.leave(user),
  };
  for (const ledger of [undefined, elsewhere]) {
    const { server, open, update } = bobsServer();
    await using _server = server;
    const [one, two] = [await open(), await open()];
    assert.deepEqual([one.reply, two.reply], [0, 0]);
    update({ limits: { sessionsPerUser: 2 }, userLedger: ledger });
    assert.equal((await open()).reply, 1);
    update({ limits: { sessionsPerUser: 2 }, userLedger: ledger });
    assert.equal((await open()).reply, 1, "a second time changes nothing");
    one.near.close();
    await one.ended;
    const three = await open();
    assert.equal(three.reply, 0, "one has left");
    assert.equal((await open()).reply, 1);
    for (const each of [two, three]) each.near.close();
  }
  assert.equal(other.size, 0);
});

Deno.test("update(): sessions under way count for a new limit of sources", async () => {
  const { server } = makeServer({ auth: [noAuthentication()] });
  await using _server = server;
  const open = async () => {
    const [near, far] = pipe();
    void server.serve(far);
    try {
      await near.write(unhex("0501000501000304746573740050"));
      return await near.read() !== null;
    } catch {
      return false;
    }
  };
  assert.deepEqual([await open(), await open()], [true, true]);
  server.update({ auth: [noAuthentication()], open: echoTarget, limits: { sessionsPerSource: 2 } });
  assert.equal(await open(), false);
});

Deno.test("update(): associations under way count for a new limit", async () => {
  const options: ServeOptions = {
    port: 0,
    allowUnauthenticated: true,
    commands: ["connect", "udp"],
    rules: ["allow 127.0.0.1"],
    datagrams: { maxAssociations: 2 },
  };
  await using server = serve(options);
  const controls: Deno.TcpConn[] = [];
  const associate = async () => {
    const control = await Deno.connect({ hostname: "127.0.0.1", port: server.addr.port });
    controls.push(control);
    const bytes = new Uint8Array(100);
    await control.write(unhex("0501000503000100000000" + "0000"));
    let got = 0;
    while (got < 4) got += (await control.read(bytes.subarray(got))) ?? 100;
    return bytes[3];
  };
  assert.equal(await associate(), 0);
  server.update({ ...options, commands: ["connect"] });
  assert.equal(await associate(), 7);
  server.update(options);
  assert.deepEqual([await associate(), await associate()], [0, 1]);
  server.update({ ...options, datagrams: { maxAssociations: 3 } });
  assert.deepEqual([await associate(), await associate()], [0, 1]);
  for (const control of controls) control.close();
});

Deno.test("Rate: keeps what was taken when it changes", () => {
  let now = 0;
  const rate = new Rate(10, () => now);
  assert.equal(rate.take(20), 1_000);
  rate.change(5);
  assert.equal(rate.take(0), 2_000);
  rate.change(20);
  now = 500;
  assert.equal(rate.take(0), 0);
  // Nothing is given for a larger number, and nothing is left over a smaller one.
  now = 10_000;
  assert.equal(rate.take(0), 0);
  rate.change(2);
  assert.equal(rate.take(4), 1_000);
  const users = new UserRates();
  const bob = users.enter("bob", 10, () => now);
  assert.equal(bob.take(30), 2_000);
  assert.equal(users.enter("bob", 20, () => now), bob);
  assert.equal(bob.take(0), 1_000);
});

Deno.test("update(): a file of passwords read again costs only changed users a hash", async () => {
  let hashes = 0;
  const derive: Derive = (password) => {
    hashes++;
    return Promise.resolve(new Uint8Array(32).fill(password.length));
  };
  const hashed = (length: number, salt = 1) => ({
    ...{ cost: 1, blockSize: 1, parallelization: 1 },
    salt: new Uint8Array(16).fill(salt),
    hash: new Uint8Array(32).fill(length),
  });
  const known = new KnownPasswords();
  const read = (users: Record<string, HashedPassword>) =>
    hashedPasswords(new Map(Object.entries(users)), derive, known);
  const right = async (check: PasswordCheck, username: string, password: string) => {
    hashes = 0;
    return [await check({ username, password }), hashes];
  };
  const first = read({ bob: hashed(3), eve: hashed(3) });
  assert.deepEqual(await right(first, "bob", "abc"), [true, 1]);
  assert.deepEqual(await right(first, "bob", "abc"), [true, 0]);
  assert.deepEqual(await right(first, "bob", "abd"), [true, 1]);
  assert.deepEqual(await right(first, "eve", "abd"), [true, 1]);
  const second = read({ bob: hashed(3), eve: hashed(4) });
  assert.deepEqual(await right(second, "bob", "abd"), [true, 0]);
  assert.deepEqual(await right(second, "eve", "abd"), [false, 1]);
  // Somebody whose check began before the file was read again says nothing for what is in it now.
  assert.deepEqual(await right(first, "eve", "abd"), [true, 1]);
  assert.deepEqual(await right(second, "eve", "abd"), [false, 1]);
  // The same password with another salt is another entry, and one who has gone is forgotten.
  const third = read({ bob: hashed(3, 2) });
  assert.deepEqual(await right(third, "bob", "abd"), [true, 1]);
  assert.deepEqual(await right(read({}), "bob", "abd"), [false, 1]);
  assert.deepEqual(await right(read({ bob: hashed(3, 2) }), "bob", "abd"), [true, 1]);
});

Deno.test("update(): does not refill the rate of accepted clients", async () => {
  const options: SocksServerOptions = { auth: [noAuthentication()], open: echoTarget, limits: { acceptsPerSecond: 2 } };
  const server = new SocksServer(options);
  await using _server = server;
  let given = 0;
  const started = performance.now();
  await server.listen({
    addr: { hostname: "192.0.2.1", port: 1 },
    accept() {
      if (++given > 4) return Promise.resolve(undefined);
      server.update(options);
      const [near, far] = pipe();
      near.close();
      return Promise.resolve(far);
    },
    close() {},
  });
  // Two at once, two at half a second each.
  assert.ok(performance.now() - started >= 900);
});
