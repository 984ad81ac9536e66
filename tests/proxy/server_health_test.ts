/** Whatever is beside the sessions of a server fails: no session ends of it, it is counted, told once a minute, and shown. */
import assert from "node:assert/strict";
import { pause } from "../../base/deadline.ts";
import { bridge, noAuthentication, serve, type ServeOptions, type ServerTrouble } from "../../mod.ts";
import type { ServerAuthMethod } from "../../socks/auth/method.ts";
import { passwordServer } from "../../socks/auth/password.ts";
import { AssociateCommand } from "../../socks/server/commands/associate.ts";
import { isShortage, Troubles } from "../../socks/server/health.ts";
import { SocksReplyError } from "../../socks/errors.ts";
import type { SocksServerOptions } from "../../socks/server/options.ts";
import type { Connection } from "../../socks/stream/connection.ts";
import type { ConnectionListener } from "../../socks/stream/listener.ts";
import { sessionEnds } from "../support/session_transports.ts";
import { until, within } from "../support/waiting.ts";
import { echoTarget, makeServer } from "../support/memory_server.ts";
import { pipe, readAll } from "../support/pipe.ts";
import { hex, unhex } from "../support/vectors.ts";

const LOCALHOST = "127.0.0.1";
const OFFER = "050100";
const CONNECT = OFFER + "0501000304746573740050";
const GRANTED = "0500" + "05000001c00002010063";
const LOGIN = "050102" + "0101620178" + CONNECT.slice(6);

/** Fails with a code of the system's. */
function systemError(code: string): Error {
  return Object.assign(new Error(`Too many open files: ${code}`), { code });
}

/** Runs, and waits for what nobody handled to come up, which is a failure of the test (`watch_unhandled.ts`). */
async function nothingUnhandled(run: () => Promise<void>): Promise<void> {
  await run();
  await pause(0);
}

/** Ways in which somebody else's function fails. */
const FAILURES: Readonly<Record<string, () => never>> = {
  "throws": () => {
    throw new Error("observer is broken");
  },
  "throws nothing": () => {
    throw undefined;
  },
  "throws what has no text": () => {
    throw Object.create(null);
  },
  "rejects": () => Promise.reject(new Error("observer is broken")) as never,
  "rejects later": () => pause(0).then(() => Promise.reject(new Error("observer is broken"))) as never,
  "never settles": () => new Promise(() => {}) as never,
  "has a then of its own": () =>
    ({
      then(): never {
        throw new Error("then is broken");
      },
    }) as never,
};

/** One session over memory; gives what the client was told. */
async function session(server: ReturnType<typeof makeServer>["server"], said: string): Promise<string> {
  const [client, far] = pipe();
  const remote = Object.assign(Object.create(far), { local: { hostname: LOCALHOST, port: 1080 } });
  const served = server.serve(remote);
  await client.write(unhex(said));
  // Who has ended gets no listener.
  if (said.startsWith(`${OFFER}0502`)) await until(() => far.sent().length >= 12);
  await client.closeWrite();
  const got = await readAll(client).catch(() => new Uint8Array());
  await within(5_000, said, served);
  return hex(got.length === 0 ? far.sent() : got);
}

const sends = { send: () => Promise.resolve(), local: { hostname: LOCALHOST, port: 9 }, close() {} };
/** What clients may ask for, and what the whole of the answer begins with. */
const COMMANDS: Readonly<Record<string, readonly [options: Partial<SocksServerOptions>, said: string, told: string]>> =
  {
    "connect": [{}, CONNECT, GRANTED],
    "refused": [{ open: () => Promise.reject(new SocksReplyError("NOT_ALLOWED", "no")) }, CONNECT, "05000502"],
    "no command": [{}, CONNECT.replace("0501000304", "0599000304"), "05000507"],
    "resolve": [
      { resolve: () => Promise.resolve("192.0.2.1") },
      CONNECT.replace("0501000304", "05f0000304"),
      "05000500",
    ],
    "udp": [
      {
        associate: new AssociateCommand({
          open: () => Promise.resolve(sends),
          bind: () => Promise.resolve(sends),
        }),
      },
      OFFER + "05030001000000000000",
      "05000500",
    ],
    "bind": [
      {
        bind: () =>
          Promise.resolve({
            bound: { hostname: LOCALHOST, port: 9 },
            accept: () => Promise.reject(new Error("nobody")),
            close() {},
          }),
      },
      OFFER + "0502000304746573740050",
      "05000500000",
    ],
    "nothing": [{}, "", ""],
  };

for (const [how, fail] of Object.entries(FAILURES)) {
  Deno.test(`onEvent: an observer that ${how} changes nothing`, async () => {
    await nothingUnhandled(async () => {
      for (const [name, [options, said, told]] of Object.entries(COMMANDS)) {
        let events = 0;
        const { server } = makeServer({ ...options, onEvent: () => (events++, fail()), onTrouble: fail });
        assert.ok((await session(server, said)).startsWith(told), name);
        assert.equal(server.sessions, 0);
        server.update({ auth: [noAuthentication()], open: echoTarget, onEvent: fail });
        assert.equal(await session(server, CONNECT), GRANTED, name);
        for (let i = 0; i < 5; i++) await pause(0);
        const { degraded, troubles: { observer } } = server.health();
        assert.equal(degraded, false);
        if (how === "never settles") continue;
        assert.ok(observer.count >= events && observer.recent, `${name}: ${observer.count} of ${events}`);
        assert.equal(typeof observer.last, "string");
        await server[Symbol.asyncDispose]();
      }
    });
  });
}

Deno.test("serve() and bridge(): outlive failing observers", async () => {
  await nothingUnhandled(async () => {
    const fail = FAILURES.throws!;
    const anybody: ServeOptions = { port: 0, allowUnauthenticated: true, rules: ["allow localhost"], onEvent: fail };
    await using server = serve(anybody);
    await using local = bridge({
      port: 0,
      proxy: { hostname: LOCALHOST, port: server.addr.port },
      auth: [noAuthentication()],
      onEvent: fail,
    });
    await using echo = serve(anybody);
    for (const port of [server.addr.port, local.addr.port]) {
      using client = await Deno.connect({ hostname: LOCALHOST, port });
      const { port: target } = echo.addr;
      await client.write(unhex(`${OFFER}050100017f000001${target.toString(16).padStart(4, "0")}`));
      const answer = new Uint8Array(12);
      for (let at = 0; at < 12;) at += (await client.read(answer.subarray(at)))!;
      assert.equal(answer[3], 0);
    }
    await until(() => server.sessions === 0 && local.sessions === 0);
    for (const { health } of [server, local]) assert.ok(health().troubles.observer.count >= 3);
    assert.equal(local.health().troubles.observer.last, "observer is broken");
  });
});

Deno.test("user ledger: a failure at the end of a session refuses no client, and is reported", async () => {
  for (const leave of [FAILURES.throws!, FAILURES.rejects!]) {
    await nothingUnhandled(async () => {
      const told: ServerTrouble[] = [];
      const { server } = makeServer({
        auth: [passwordServer(() => true)],
        userLedger: { enter: () => true, leave },
        onTrouble: (trouble) => void told.push(trouble),
      });
      for (let i = 0; i < 3; i++) assert.match(await session(server, LOGIN), /^05020100050000/);
      for (let i = 0; i < 5; i++) await pause(0);
      assert.equal(server.health().troubles.ledger.count, 3);
      assert.deepEqual(told.map(({ kind, count }) => [kind, count]), [["ledger", 1]]);
      assert.equal(server.sessions, 0);
    });
  }
});

Deno.test("serve(): a failure in any call of the caller's objects is one refusal", async () => {
  const broken: Connection = {
    ...pipe()[0],
    read: () => Promise.reject(new Error("read")),
    close(): void {
      throw new Error("close");
    },
  };
  const gone = Object.defineProperty({ ...pipe()[0] }, "remote", {
    get(): never {
      throw new Error("remote");
    },
  });
  await nothingUnhandled(async () => {
    const { server, events } = makeServer();
    await server.serve(broken);
    assert.deepEqual(events.map(({ type }) => type), ["accepted", "refused"]);
    void server.serve(gone);
    // A target that cannot even be closed.
    events.length = 0;
    const [ours, theirs] = pipe();
    const stubborn = Object.assign(Object.create(ours), {
      close(): void {
        throw new Error("close");
      },
    });
    const target = makeServer({
      open: () => Promise.resolve({ connection: stubborn, bound: { hostname: "192.0.2.1", port: 99 } }),
    });
    void theirs.closeWrite();
    await session(target.server, CONNECT);
    assert.deepEqual(target.events.map(({ type }) => type), ["accepted", "authenticated", "connected", "closed"]);
    // A client that cannot be closed behind its relay.
    const relayed = makeServer();
    const [client, near] = pipe();
    const unclosable = Object.assign(Object.create(near), { close: broken.close });
    const served = relayed.server.serve(unclosable);
    await client.write(unhex(CONNECT));
    await client.closeWrite();
    await within(5_000, "served", served);
    assert.deepEqual(relayed.events.map(({ type }) => type), ["accepted", "authenticated", "connected", "refused"]);
    assert.equal(relayed.server.sessions, 0);
    // A client whose address is none is a client without one.
    events.length = 0;
    void server.serve({ ...pipe()[0], remote: { hostname: 5, port: "x" } as never });
    assert.deepEqual(events.map(({ type, client }) => [type, client]), [["accepted", undefined]]);
    // A method that gives no channel.
    const method: ServerAuthMethod = { code: 0, name: "none", accept: () => Promise.resolve({} as never) };
    const nameless = makeServer({ auth: [method] });
    await session(nameless.server, CONNECT);
    assert.deepEqual(sessionEnds(nameless.events).length, 1);
    // What gives nothing, where a promise is wanted.
    for (const open of [() => undefined, () => Promise.resolve(undefined), FAILURES["throws nothing"]]) {
      const { server, events } = makeServer({ open: open as never });
      await session(server, CONNECT);
      assert.deepEqual(events.map(({ type }) => type), ["accepted", "authenticated", "refused"]);
      assert.equal(server.sessions, 0);
    }
    await server[Symbol.asyncDispose]();
  });
});

/** A listener that fails so often, then gives a connection. */
function failing(times: number, error: Error): ConnectionListener & { accepts: number } {
  const stop = Promise.withResolvers<undefined>();
  return {
    addr: { hostname: LOCALHOST, port: 1 },
    accepts: 0,
    accept(): Promise<Connection | undefined> {
      return this.accepts++ < times ? Promise.reject(error) : stop.promise;
    },
    close: () => stop.resolve(undefined),
  };
}

Deno.test("health: an accept that fails is counted and reported once", async () => {
  for (const code of ["EMFILE", "ECONNABORTED"]) {
    const told: ServerTrouble[] = [];
    const { server } = makeServer({ onTrouble: (trouble) => void told.push(trouble) });
    const listener = failing(3, systemError(code));
    const listening = server.listen(listener);
    await until(() => listener.accepts === 4);
    const { degraded, troubles } = server.health();
    assert.equal(degraded, true);
    assert.deepEqual([troubles.accept.count, troubles.accept.recent], [3, true]);
    assert.match(troubles.accept.last!, new RegExp(code));
    assert.ok(Math.abs(troubles.accept.at! - Date.now()) < 60_000);
    assert.equal(troubles.descriptors.count, code === "EMFILE" ? 3 : 0);
    assert.deepEqual(told.map(({ kind }) => kind), code === "EMFILE" ? ["accept", "descriptors"] : ["accept"]);
    assert.deepEqual(structuredClone(server.health()), server.health());
    await server[Symbol.asyncDispose]();
    await listening;
    // Its own end is no failure.
    assert.equal(server.health().troubles.accept.count, 3);
  }
});

Deno.test("health: if descriptors are short, an idle client without a request is closed", async () => {
  const shortage = new SocksReplyError("GENERAL_FAILURE", "Cannot connect", { cause: systemError("EMFILE") });
  const { server, refusals } = makeServer({
    open: (request) => request.hostname === "full" ? Promise.reject(shortage) : echoTarget(request),
  });
  const full = CONNECT.replace("74657374", "66756c6c");
  const [, silent] = pipe();
  const waiting = server.serve(silent);
  const [busy, far] = pipe();
  const carried = server.serve(far);
  await busy.write(unhex(CONNECT));
  await until(() => server.liveSessions().some(({ command }) => command === "connect"));
  assert.match(await session(server, full), /^05000501/);
  assert.equal(server.sessions, 2);
  assert.equal(server.health().troubles.descriptors.count, 1);
  assert.equal(server.health().degraded, true);
  await until(() => server.liveSessions().every(({ duration }) => duration > 1_000));
  assert.match(await session(server, full), /^05000501/);
  await within(5_000, "silent", waiting);
  assert.equal(server.sessions, 1);
  assert.deepEqual(refusals(), ["GENERAL_FAILURE", "GENERAL_FAILURE", "HALF_OPEN_LIMIT"]);
  busy.close();
  await carried;
});

Deno.test("serve(): accepts at once after a session has ended", async () => {
  const { server } = makeServer();
  const listener = failing(6, systemError("ECONNABORTED"));
  const before = performance.now();
  const listening = server.listen(listener);
  for (let failed = 1; failed <= 6; failed++) {
    await until(() => server.health().troubles.accept.count === failed);
    await session(server, CONNECT);
  }
  await until(() => listener.accepts === 7);
  // Six pauses would be 600 ms.
  assert.ok(performance.now() - before < 450, `${performance.now() - before} ms`);
  await server[Symbol.asyncDispose]();
  await listening;
});

Deno.test("health: reports each kind of trouble once a minute, with any cause", () => {
  let now = 0;
  const troubles = new Troubles(() => now);
  const told: string[] = [];
  const tell = ({ kind, count }: ServerTrouble) => told.push(`${kind} ${count}`);
  for (now = 0; now < 150_000; now += 10_000) troubles.note("accept", new Error("no"), tell);
  troubles.note("observer", "text", tell);
  assert.deepEqual(told, ["accept 1", "accept 7", "accept 13", "observer 1"]);
  assert.equal(troubles.health().degraded, true);
  assert.equal(troubles.health().troubles.observer.last, "text");
  now += 60_001;
  assert.equal(troubles.health().degraded, false);
  assert.deepEqual(troubles.health().troubles.ledger, { count: 0, recent: false, at: undefined, last: undefined });

  assert.ok(isShortage(new Error("a", { cause: new Error("b", { cause: systemError("ENFILE") }) })));
  assert.ok(isShortage(new AggregateError([new Error("a"), systemError("EMFILE")])));
  assert.ok(!isShortage(systemError("ECONNREFUSED")) && !isShortage("EMFILE") && !isShortage(undefined));
  const circle = new Error("a");
  circle.cause = circle;
  assert.ok(!isShortage(circle));
});
