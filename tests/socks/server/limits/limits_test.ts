/** Limits of a server: what one client, one source and one user may have, and what becomes of those who want more. */
import assert from "node:assert/strict";
import { utf8 } from "../../../../base/bytes.ts";
import type { Deadline } from "../../../../base/deadline.ts";
import type { ServerAuthMethod } from "../../../../socks/auth/method.ts";
import { noAuthentication } from "../../../../socks/auth/none.ts";
import { passwordServer } from "../../../../socks/auth/password.ts";
import { Tally } from "../../../../socks/server/limits/tally.ts";
import { sourceName } from "../../../../socks/wire/networks.ts";
import { Rate } from "../../../../base/rate.ts";
import { ClientRuleSet, parseClientRule } from "../../../../socks/rules/client_rules.ts";
import { relay } from "../../../../socks/server/relay/relay.ts";
import type { ServerEvent } from "../../../../socks/server/events.ts";
import type { SocksServer } from "../../../../socks/server/server.ts";
import { runSession } from "../../../../socks/server/session.ts";
import { recordWith } from "../../../support/session_record.ts";
import type { Connection } from "../../../../socks/stream/connection.ts";
import { yieldMicrotasks } from "../../../../socks/stream/settling.ts";
import { echoTarget, makeServer } from "../../../support/memory_server.ts";
import { pipe, readAll } from "../../../support/pipe.ts";
import { hex, unhex } from "../../../support/vectors.ts";

const CONNECT = "050100" + "0501000304746573740050";
const GRANTED = "0500" + "05000001c00002010063";

/** A client whose request is granted, from an address. */
async function enter(server: SocksServer, hostname = "192.0.2.7", sent = CONNECT) {
  const [client, far] = pipe();
  const connection: Connection = Object.assign(Object.create(far), { remote: { hostname, port: 7 } });
  const served = server.serve(connection);
  await client.write(unhex(sent)).catch(() => {});
  let answer = "";
  while (answer.length < GRANTED.length) {
    const bytes = await client.read().catch(() => null);
    if (bytes === null) break;
    answer += hex(bytes);
  }
  return { client, served, answer };
}

Deno.test("limits: limit the sessions of a source", async () => {
  const { server, refusals } = makeServer({ limits: { sessionsPerSource: 2 } });
  const first = await enter(server);
  const second = await enter(server, "::ffff:192.0.2.7");
  assert.equal((await enter(server)).answer, "");
  assert.equal((await enter(server, "192.0.2.8")).answer, GRANTED);
  assert.deepEqual(refusals(), ["SOURCE_LIMIT"]);
  first.client.close();
  await first.served;
  assert.equal((await enter(server)).answer, GRANTED);
  second.client.close();
  assert.equal(sourceName({ hostname: "2001:db8:1:2:3::4", port: 1 }), "2001:db8:1:2::/64");
  await server[Symbol.asyncDispose]();
});

Deno.test("limits: limit the sessions of a user", async () => {
  const { server, refusals } = makeServer({ auth: [passwordServer(() => true)], limits: { sessionsPerUser: 1 } });
  const login = (name: string) => `050102` + `0101${hex(utf8(name))}0178` + CONNECT.slice(6);
  const first = await enter(server, undefined, login("a"));
  assert.match(first.answer, /^0502010005000001/);
  assert.match((await enter(server, undefined, login("a"))).answer, /^0502010005010001/);
  assert.match((await enter(server, undefined, login("b"))).answer, /^0502010005000001/);
  assert.deepEqual(refusals(), ["USER_LIMIT"]);
  first.client.close();
  await first.served;
  assert.match((await enter(server, undefined, login("a"))).answer, /^0502010005000001/);
  await server[Symbol.asyncDispose]();
});

/** Clients with tickets, one after another. */
function ticketHolders(...names: readonly string[]): ServerAuthMethod {
  let next = 0;
  return {
    ...noAuthentication(),
    accept: async (connection, options) => {
      const identity = { method: "gssapi" as const, name: names[next++]!, attributes: {} };
      return { ...await noAuthentication().accept(connection, options), identity };
    },
  };
}

Deno.test("limits: count all spellings of a user as one for sessions", async () => {
  const names = ["aduser@A.TEST", "ADUSER@A.TEST", "aduser\\@a.test@A.TEST", "aduser@B.TEST"];
  const entered: string[] = [];
  const left: string[] = [];
  const { server, refusals } = makeServer({
    auth: [ticketHolders(...names)],
    limits: { sessionsPerUser: 1 },
    userLedger: {
      enter: (user, limit) => entered.push(user) > 0 && entered.filter((one) => one === user).length <= limit,
      leave: (user) => void left.push(user),
    },
  });
  const answers = [];
  for (const _ of names) answers.push((await enter(server)).answer === GRANTED);
  assert.deepEqual(answers, [true, false, false, true]);
  assert.deepEqual(refusals(), ["USER_LIMIT", "USER_LIMIT"]);
  assert.equal(new Set(entered).size, 2);
  await server[Symbol.asyncDispose]();
  assert.deepEqual(left.sort(), [...new Set(entered)].sort());
});

Deno.test("limits: count all spellings of a user as one for bandwidth", async () => {
  const auth = [ticketHolders("aduser@A.TEST", "ADUSER@A.TEST")];
  const { server } = makeServer({ auth, limits: { bandwidthPerUser: 100_000 } });
  const clients = [(await enter(server)).client, (await enter(server)).client];
  const started = Date.now();
  for (const client of clients) {
    // 30,000 bytes each way, twice: a second's worth at once, and 20,000 that take another 0.2 s.
    await client.write(new Uint8Array(30_000));
    await client.closeWrite();
    assert.equal((await readAll(client)).length, 30_000);
  }
  const elapsed = Date.now() - started;
  assert.ok(elapsed >= 150, `${elapsed} ms`);
  await server[Symbol.asyncDispose]();
});

Deno.test("limits: close half-open sessions above the limit", async () => {
  const { server, refusals } = makeServer({ limits: { halfOpen: 3 } });
  const silent = Array.from({ length: 5 }, () => {
    const [client, far] = pipe();
    void server.serve(far);
    return client;
  });
  for (const client of silent.slice(0, 2)) await assert.rejects(client.read());
  assert.deepEqual(refusals(), ["HALF_OPEN_LIMIT", "HALF_OPEN_LIMIT"]);
  const granted = await enter(server);
  assert.equal(granted.answer, GRANTED);
  // It counts no more once it has asked for something.
  await enter(server);
  for (let i = 0; i < 5; i++) void server.serve(pipe()[1]);
  await granted.client.write(utf8("still here"));
  assert.equal(hex((await granted.client.read())!), hex(utf8("still here")));
  await server[Symbol.asyncDispose]();
});

Deno.test("limits: do not count a session as half-open when the ledger has failed", async () => {
  const { server, refusals } = makeServer({
    auth: [ticketHolders("a@A.TEST")],
    limits: { halfOpen: 1 },
    userLedger: {
      enter(): never {
        throw new Error("the store is down");
      },
      leave() {},
    },
  });
  const failed = await enter(server);
  assert.match(failed.answer, /^050005010001/);
  assert.deepEqual(refusals(), [undefined]);
  // The refused client has a second to read its answer; a client in the handshake does not end that.
  void server.serve(pipe()[1]);
  await yieldMicrotasks();
  assert.equal(server.sessions, 2);
  await server[Symbol.asyncDispose]();
});

Deno.test("client rules: refuse a client that no rule allows", async () => {
  const clients = new ClientRuleSet([parseClientRule("deny", "192.0.2.7"), parseClientRule("allow", "192.0.2.0/24")]);
  const { server, events } = makeServer({ clients });
  assert.equal((await enter(server)).answer, "");
  const refused = events.at(-1)!;
  assert.ok(refused.type === "refused" && "rule" in refused.error && refused.error.rule === "deny 192.0.2.7");
  assert.equal((await enter(server, "198.51.100.1")).answer, "");
  assert.equal((await enter(server, "192.0.2.9")).answer, GRANTED);
  assert.equal(events.filter(({ type }) => type === "accepted").length, 1);
  await server[Symbol.asyncDispose]();
});

Deno.test("limits: limit the bandwidth of a session and of a user", async () => {
  for (const limits of [{ limits: { bandwidthPerSession: 100_000 } }, { limits: { bandwidthPerUser: 100_000 } }]) {
    const method: ServerAuthMethod = passwordServer(() => true);
    const { server } = makeServer({ auth: [method], ...limits });
    const { client } = await enter(server, undefined, "050102" + "0101610178" + CONNECT.slice(6));
    const started = Date.now();
    // 60,000 bytes each way: a second's worth at once, and 20,000 that take another 0.2 s.
    await client.write(new Uint8Array(60_000));
    await client.closeWrite();
    assert.equal((await readAll(client)).length, 60_000);
    const elapsed = Date.now() - started;
    assert.ok(elapsed >= 150, `${elapsed} ms`);
    await server[Symbol.asyncDispose]();
  }
});

Deno.test("Rate: lets a second's worth pass, and delays the rest", () => {
  let now = 1_000;
  const rate = new Rate(100, () => now);
  assert.equal(rate.take(100), 0);
  assert.equal(rate.take(50), 500);
  assert.equal(rate.tryTake(1), false);
  now += 500;
  assert.equal(rate.take(0), 0);
  now += 60_000;
  assert.equal(rate.take(100), 0);
  assert.equal(rate.take(1), 10);
  now -= 30_000; // A clock that was set back.
  assert.equal(rate.take(0), 10);
  now += 10;
  assert.equal(rate.take(0), 0);
});

Deno.test("Tally: forgets names without a count", () => {
  const tally = new Tally();
  assert.ok(tally.enter("a", 2) && tally.enter("a", 2) && !tally.enter("a", 2) && tally.enter("b", 1));
  for (const name of ["a", "a", "b", "c"]) tally.leave(name);
  assert.equal(tally.size, 0);
});

Deno.test("ticket expiry: ends a session if ticketExpiry is cut", async () => {
  for (const ticketExpiry of ["cut", "keep"] as const) {
    const soon: ServerAuthMethod = {
      ...noAuthentication(),
      accept: async (connection, options) => ({
        ...await noAuthentication().accept(connection, options),
        expiresAt: Date.now() + 30,
      }),
    };
    const { server, events } = makeServer({ auth: [soon], ticketExpiry, timeouts: { idle: 200 } });
    const { served } = await enter(server);
    await served;
    const closed = events.at(-1)!;
    assert.ok(closed.type === "closed");
    assert.equal((closed.error as { code?: string }).code, ticketExpiry === "cut" ? "TICKET_EXPIRED" : "IDLE_TIMEOUT");
  }
});

Deno.test("relay(): has its own time limit once one side has ended", async () => {
  const { server, events } = makeServer({
    timeouts: { halfClose: 30 },
    open: () => {
      const [ours] = pipe();
      return Promise.resolve({ connection: ours, bound: { hostname: "192.0.2.1", port: 99 } });
    },
  });
  const { client, served } = await enter(server);
  await client.closeWrite();
  await served;
  const closed = events.at(-1)!;
  assert.ok(closed.type === "closed");
  assert.match(String(closed.error), /One side has ended, and the other sent nothing for 30 ms/);
});

/** A clock that never strikes, and what it was told. */
function recordingClock(): { clock: Deadline; told: (number | "restart")[] } {
  const told: (number | "restart")[] = [];
  const clock: Deadline = {
    signal: new AbortController().signal,
    aborted: false,
    throwIfAborted: () => {},
    limit: (milliseconds) => void told.push(milliseconds),
    restart: () => void told.push("restart"),
    abort: () => {},
    [Symbol.dispose]: () => {},
  };
  return { clock, told };
}

Deno.test("session: ends the handshake's time limit with the request", async () => {
  const { clock, told } = recordingClock();
  const [client, far] = pipe();
  const served = runSession(far, {
    accepts: { auth: [noAuthentication()] },
    commands: { open: echoTarget },
    timeouts: { handshake: 1, connect: 10_000, idle: 2, halfClose: Infinity },
    record: recordWith(clock, 0),
    now: () => 0,
    enter: () => ({ gate: undefined, admit: () => true }),
    cutExpired: false,
  });
  await client.write(unhex(CONNECT));
  await client.closeWrite();
  await readAll(client);
  await served;
  assert.deepEqual(told, [1, Infinity, 2]);
});

Deno.test("relay(): counts bytes of each direction", async () => {
  const { clock } = recordingClock();
  const [client, clientEnd] = pipe();
  const [target, targetEnd] = pipe();
  const counts = { sent: 0, received: 0 };
  const relaying = relay([clientEnd, targetEnd], counts, { clock, timeouts: { idle: 5 } });
  for (const [from, to, text] of [[client, target, "ask"], [target, client, "answer"]] as const) {
    await from.write(utf8(text));
    await to.read();
    await from.closeWrite();
  }
  await relaying;
  assert.deepEqual(counts, { sent: 3, received: 6 });
});

Deno.test("limits: limit the accepts in a second", async () => {
  const { server } = makeServer({ limits: { acceptsPerSecond: 50 } });
  let given = 0;
  const started = Date.now();
  let done = () => {};
  const all = new Promise<void>((resolve) => done = resolve);
  const listening = server.listen({
    addr: { hostname: "192.0.2.1", port: 1 },
    accept(): Promise<Connection | undefined> {
      if (++given > 60) {
        done();
        return Promise.resolve(undefined);
      }
      const [client, far] = pipe();
      client.close();
      return Promise.resolve(far);
    },
    close() {},
  });
  await all;
  await listening;
  // Fifty at once, and ten at twenty milliseconds each.
  assert.ok(Date.now() - started >= 150);
});

Deno.test("update(): concerns the next client, not running sessions", async () => {
  const { server, events } = makeServer();
  const first = await enter(server);
  const told: number[] = [];
  const onEvent = (event: ServerEvent) => void told.push(event.session);
  server.update({ auth: [passwordServer(() => false)], open: echoTarget, onEvent });
  const refused = async () => {
    const { client, served, answer } = await enter(server);
    client.close();
    await served;
    return answer;
  };
  assert.equal(await refused(), "05ff");
  await first.client.write(utf8("still here"));
  assert.equal(hex((await first.client.read())!), hex(utf8("still here")));
  assert.throws(() => server.update({ auth: [], open: echoTarget }), TypeError);
  assert.equal(await refused(), "05ff");
  assert.deepEqual(server.liveSessions().map(({ session, command }) => [session, command]), [[1, "connect"]]);
  await server[Symbol.asyncDispose]();
  const observed = (sessions: readonly (number | undefined)[]) => [...new Set(sessions)];
  assert.deepEqual([observed(events.map(({ session }) => session)), observed(told)], [[1], [2, 3]]);
});

Deno.test("limits: accept no client until a session ends", async () => {
  const { server } = makeServer({ limits: { sessions: 2 } });
  const clients: Connection[] = [];
  let accepts = 0;
  let accepted = Promise.withResolvers<void>();
  const stop = Promise.withResolvers<undefined>();
  const listening = server.listen({
    addr: { hostname: "192.0.2.1", port: 1 },
    accept(): Promise<Connection | undefined> {
      accepts++;
      accepted.resolve();
      accepted = Promise.withResolvers<void>();
      if (accepts > 3) return stop.promise;
      const [client, far] = pipe();
      clients.push(client);
      return Promise.resolve(far);
    },
    close: () => stop.resolve(undefined),
  });
  while (server.sessions < 2) await Promise.resolve();
  for (let i = 0; i < 100; i++) await Promise.resolve();
  assert.equal(accepts, 2);
  const next = accepted.promise;
  clients[0]!.close();
  await next;
  assert.equal(accepts, 3);
  await server[Symbol.asyncDispose]();
  await listening;
});
