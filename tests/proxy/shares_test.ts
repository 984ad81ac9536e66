/** What one user, one source and one network may have of a server where nobody has said anything, and what options may be. */
import assert from "node:assert/strict";
import { bridge, noAuthentication, serve, type ServeOptions } from "../../mod.ts";
import { parseConfig } from "../../cli/config/server_config.ts";
import { serveOptions } from "../../cli/config/serve_options.ts";
import { utf8 } from "../../base/bytes.ts";
import { startDeadline } from "../../base/deadline.ts";
import { gssapiServer } from "../../socks/auth/gssapi/server.ts";
import { passwordServer } from "../../socks/auth/password.ts";
import { HalfOpen } from "../../socks/server/limits/half_open.ts";
import { sharesOf } from "../../socks/server/limits/limits.ts";
import { networkName } from "../../socks/wire/networks.ts";
import { SocksServer } from "../../socks/server/server.ts";
import type { SocksServerOptions } from "../../socks/server/options.ts";
import { runSession } from "../../socks/server/session.ts";
import { recordWith } from "../support/session_record.ts";
import type { Connection } from "../../socks/stream/connection.ts";
import { until, within } from "../support/waiting.ts";
import { echoTarget, makeServer } from "../support/memory_server.ts";
import { pipe } from "../support/pipe.ts";
import { hex, unhex } from "../support/vectors.ts";

const CONNECT = "0501000304746573740050";
const ANYBODY: ServeOptions = { port: 0, allowUnauthenticated: true, rules: [] };

/** A client from an address that has asked for something, and what it was told last. */
async function enter(server: SocksServer, hostname: string, user?: string): Promise<number | undefined> {
  const [client, far] = pipe();
  const served = server.serve(Object.assign(Object.create(far), { remote: { hostname, port: 7 } }));
  const login = user === undefined ? "050100" : `05010201${hex(Uint8Array.of(user.length))}${hex(utf8(user))}0178`;
  await client.write(unhex(login + CONNECT)).catch(() => {});
  const length = user === undefined ? 12 : 14;
  let over = false;
  void served.then(() => over = true);
  await until(() => over || far.sent().length >= length);
  return far.sent()[length - 9];
}

Deno.test("shares: follow the number of sessions unless given", () => {
  const shares = (sessions?: number) => Object.values(sharesOf({ limits: { sessions } }));
  assert.deepEqual(shares(), [10_000, 2_500, 5_000, 1_000]);
  assert.deepEqual(shares(1_001), [1_001, 251, 501, 101]);
  // A browser alone wants a few: whoever has a small server may have that of it.
  assert.deepEqual(shares(20), [20, 10, 10, 10]);
  assert.deepEqual(shares(3), [3, 3, 3, 3]);
  assert.deepEqual(shares(Infinity), [Infinity, Infinity, Infinity, Infinity]);
  const given = { sessionsPerSource: 1, sessionsPerNetwork: Infinity, sessionsPerUser: 0 };
  assert.deepEqual(sharesOf({ limits: given }), { sessions: 10_000, ...given });
});

Deno.test("shares: one source, network and user have their share by default", async () => {
  const { server, refusals } = makeServer({ limits: { sessions: 100 } });
  for (let i = 0; i < 25; i++) assert.equal(await enter(server, "192.0.2.7"), 0);
  await enter(server, "::ffff:192.0.2.7");
  for (let i = 0; i < 25; i++) assert.equal(await enter(server, "192.0.2.8"), 0);
  await enter(server, "192.0.2.9");
  assert.equal(await enter(server, "192.0.3.9"), 0);
  assert.deepEqual(refusals(), ["SOURCE_LIMIT", "NETWORK_LIMIT"]);
  await server[Symbol.asyncDispose]();

  const users = makeServer({ limits: { sessions: 100 }, auth: [passwordServer(() => true)] });
  for (let i = 0; i < 10; i++) assert.equal(await enter(users.server, `192.0.${i}.2`, "bob"), 0);
  assert.equal(await enter(users.server, "198.51.100.1", "BOB"), 1);
  assert.equal(await enter(users.server, "198.51.100.1", "eve"), 0);
  assert.deepEqual(users.refusals(), ["USER_LIMIT"]);
  await users.server[Symbol.asyncDispose]();
});

Deno.test("shares: a network is a /24 or a /48, and is freed", async () => {
  const name = (hostname: string) => networkName({ hostname, port: 1 });
  assert.deepEqual(
    ["192.0.2.7", "::ffff:192.0.2.200", "2001:db8:1:2:3::4", "somewhere"].map(name),
    ["192.0.2.0/24", "192.0.2.0/24", "2001:db8:1::/48", "somewhere"],
  );
  assert.equal(networkName(undefined), undefined);
  const { server, refusals } = makeServer({ limits: { sessionsPerNetwork: 1 } });
  for (let i = 0; i < 3; i++) {
    const [client, far] = pipe();
    const served = server.serve(Object.assign(Object.create(far), { remote: { hostname: `192.0.2.${i}`, port: 7 } }));
    await client.write(unhex("050100" + CONNECT));
    await until(() => far.sent().length >= 12);
    client.close();
    await served;
  }
  assert.deepEqual(refusals(), []);
});

Deno.test("half-open limit: the source with the most of them makes room", async () => {
  const { server, events } = makeServer({ limits: { halfOpen: 4 } });
  const come = (hostname: string) => {
    const [client, far] = pipe();
    void server.serve(Object.assign(Object.create(far), { remote: { hostname, port: 7 } }));
    return client;
  };
  come("192.0.2.1");
  for (let i = 0; i < 20; i++) come("198.51.100.1");
  come("192.0.2.2");
  await until(() => events.filter(({ type }) => type === "refused").length === 18);
  const clients = new Set(events.flatMap((event) => event.type === "refused" ? [event.client!.hostname] : []));
  assert.deepEqual([...clients], ["198.51.100.1"]);
  assert.equal(server.sessions, 4);
  await server[Symbol.asyncDispose]();

  const open = new HalfOpen<string>();
  for (const one of ["a1", "b1", "b2", "a2"]) open.add(one[0]!, one);
  assert.deepEqual([open.first(), open.size], ["a1", 4]);
  open.delete("a", "a1");
  open.delete("a", "a1");
  assert.deepEqual([open.first(), open.size], ["b1", 3]);
  for (const one of ["b1", "b2", "a2"]) open.delete(one[0]!, one);
  assert.deepEqual([open.first(), open.size], [undefined, 0]);
});

/** Times that a relay of a server is given. */
async function relayTimes(options: Partial<SocksServerOptions>): Promise<readonly number[]> {
  const times: number[] = [];
  const { setTimeout } = globalThis;
  const { server } = makeServer({
    ...options,
    open: () => Promise.resolve({ connection: pipe()[0], bound: { hostname: "192.0.2.1", port: 99 } }),
  });
  const [client, far] = pipe();
  void server.serve(far);
  globalThis.setTimeout = ((call: () => void, milliseconds: number) => {
    times.push(milliseconds);
    return setTimeout(call, milliseconds);
  }) as typeof setTimeout;
  try {
    await client.write(unhex("050100" + CONNECT));
    await until(() => far.sent().length >= 12);
    await client.closeWrite();
    for (let i = 0; i < 200; i++) await Promise.resolve();
  } finally {
    globalThis.setTimeout = setTimeout;
  }
  await server[Symbol.asyncDispose]();
  return times.filter((time) => time > 60_000);
}

Deno.test("relay: default timeouts are 2:04 h, and 10 min after one side has ended", async () => {
  assert.deepEqual(new Set(await relayTimes({})), new Set([7_440_000, 600_000]));
  assert.deepEqual(new Set(await relayTimes({ timeouts: { idle: Infinity, halfClose: 90_000 } })), new Set([90_000]));
});

Deno.test("bridge: one address may have all sessions", async () => {
  await using local = bridge({
    port: 0,
    proxy: "127.0.0.1:9",
    auth: [noAuthentication()],
    limits: { sessions: 12 },
    timeouts: { handshake: Infinity },
  });
  const clients = await Promise.all(
    Array.from({ length: 12 }, () => Deno.connect({ hostname: "127.0.0.1", port: local.addr.port })),
  );
  await within(5_000, "all of them", until(() => local.sessions === 12));
  for (const client of clients) client.close();
});

Deno.test("shares: are set and switched off by file and command line", () => {
  const limits = (text: object) => {
    const config = parseConfig(JSON.stringify({ methods: ["none"], limits: text }), "file");
    const { sessionsPerSource, sessionsPerNetwork, sessionsPerUser } = serveOptions(config).limits ?? {};
    return [sessionsPerSource, sessionsPerNetwork, sessionsPerUser];
  };
  assert.deepEqual(limits({}), [undefined, undefined, undefined]);
  assert.deepEqual(limits({ sessionsPerSource: 1, sessionsPerNetwork: 2, sessionsPerUser: 3 }), [1, 2, 3]);
  const any = { sessionsPerSource: "any", sessionsPerNetwork: "any", sessionsPerUser: "any" };
  assert.deepEqual(limits(any), [Infinity, Infinity, Infinity]);
  for (const wrong of [0, -1, "all", null]) {
    assert.throws(() => limits({ sessionsPerNetwork: wrong }), /sessionsPerNetwork/);
  }
});

Deno.test("serve(): refuses unknown names of commands and protocols, and changes nothing", async () => {
  await using server = serve(ANYBODY);
  const wrong: readonly [Record<string, unknown>, RegExp][] = [
    [{ commands: ["connect", "foo"] }, /^Cannot use commands: "foo" is not one of connect, bind, udp, resolve$/],
    [{ commands: "connect" }, /^Cannot use commands: it must be a list$/],
    [{ commands: [undefined] }, /commands: a value of type undefined is not one of/],
    [{ protocols: ["socks4", "https"] }, /^Cannot use protocols: "https" is not one of socks4, http$/],
    [{ gssapi: { ticketExpiry: "end" } }, /^Cannot use ticketExpiry: "end" is not one of keep, cut$/],
  ];
  for (const [options, message] of wrong) {
    const named = (error: unknown) => error instanceof TypeError && message.test(error.message);
    assert.throws(() => serve({ ...ANYBODY, ...options } as ServeOptions), named, Deno.inspect(options));
    assert.throws(() => server.update({ ...ANYBODY, ...options } as ServeOptions), named);
  }
  const levels = { credential: {} as never, protection: ["confidential"] as never };
  assert.throws(() => gssapiServer(levels), /^TypeError: Cannot use protection: "confidential" is not one of none/);
  for (
    const method of [undefined, {}, { code: 0 }, { ...noAuthentication(), code: 255 }, {
      ...noAuthentication(),
      code: "0",
    }]
  ) {
    const auth = [method] as never;
    assert.throws(
      () => new SocksServer({ auth, open: echoTarget }),
      /^TypeError: Cannot serve: an authentication method/,
    );
  }
  assert.throws(
    () => new SocksServer({ auth: "none" as never, open: echoTarget }),
    /^TypeError: Cannot serve: no auth/,
  );
});

Deno.test("shares: a session's time is monotonic, and a ticket's is the wall clock", async () => {
  const [client, far] = pipe();
  let wall = 1_000_000;
  const events: { type: string; duration?: number; error?: Error | undefined }[] = [];
  const { server } = makeServer({});
  const clock = startDeadline({ milliseconds: Infinity, reason: () => new Error("unreachable") });
  const expiring = {
    ...noAuthentication(),
    accept: async (connection: Connection) => ({
      ...await noAuthentication().accept(connection, {}),
      expiresAt: 1_000_040,
    }),
  };
  const { promise: duration, resolve } = Promise.withResolvers<void>();
  const served = runSession(far, {
    accepts: { auth: [expiring] },
    commands: { open: (request) => (resolve(), echoTarget(request)) },
    timeouts: { handshake: 1_000, connect: 1_000, idle: Infinity, halfClose: Infinity },
    record: recordWith(clock, 17, (event) => void events.push(event)),
    now: () => wall,
    enter: () => ({ gate: undefined, admit: () => true }),
    cutExpired: true,
  });
  await client.write(unhex("050100" + CONNECT));
  await duration;
  // It was set back while the session ran: the ticket has as long again.
  wall = 999_980;
  const set = performance.now();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(!clock.signal.aborted, `${performance.now() - set} ms`);
  wall = 1_000_040;
  await within(5_000, "expiry", served);
  const end = events.at(-1)!;
  assert.deepEqual([end.type, end.duration], ["closed", 17]);
  assert.match(end.error!.message, /ticket has expired/);
  await server[Symbol.asyncDispose]();
});

Deno.test("rates and times of sessions: ignore changes of the wall clock", async () => {
  const { now } = Date;
  const { server } = makeServer({ limits: { bandwidthPerSession: 100_000 } });
  const [client, far] = pipe();
  const served = server.serve(far);
  await client.write(unhex("050100" + CONNECT));
  await until(() => far.sent().length >= 12);
  const duration = () => server.liveSessions()[0]!.duration;
  let ahead = 0;
  try {
    // Each look at the clock is an hour after the one before: who has used up his second would have another one.
    Date.now = () => now() + (ahead += 3_600_000);
    const before = performance.now();
    await client.write(new Uint8Array(60_000));
    await until(() => far.sent().length >= 60_012);
    assert.ok(performance.now() - before > 150);
    assert.ok(duration() < 60_000);
    Date.now = () => now() - 3_600_000;
    assert.ok(duration() >= 0);
  } finally {
    Date.now = now;
  }
  client.close();
  await served;
});
