/** Whoever a call has to ask may never answer: the call ends with its signal and its time all the same, and what comes too late is closed. */
import assert from "node:assert/strict";
import { bindThrough } from "../../../socks/client/bind.ts";
import { noAuthentication } from "../../../socks/auth/none.ts";
import { connectThrough } from "../../../socks/client/connect.ts";
import { resolveThrough } from "../../../socks/client/resolve.ts";
import type { ThroughOptions } from "../../../socks/client/request.ts";
import type { Connection, Dialer } from "../../../socks/stream/connection.ts";
import { associateThrough } from "../../../socks/client/associate.ts";
import type { BindDatagrams, DatagramSocket } from "../../../socks/stream/datagram_socket.ts";
import { connect, dialThrough, kdcThrough } from "../../../mod.ts";
import { startTestKdc } from "../../../kerberos/kdc/mod.ts";
import { GRANTED, NO_METHOD, scriptProxy } from "../../support/scripted_proxy.ts";

const PROXY = { hostname: "proxy.example", port: 1080 };
const TARGET = { hostname: "target.example", port: 1 };
const auth = [noAuthentication()];
const bindNothing: BindDatagrams = () => Promise.reject(new Error("not wanted here"));

/** Every call, with what it needs beside the way to the proxy. */
const CALLS: Readonly<Record<string, (options: ThroughOptions) => Promise<unknown>>> = {
  connect: (options) => connectThrough({ ...options, target: TARGET }),
  resolve: (options) => resolveThrough({ ...options, hostname: TARGET.hostname }),
  bind: (options) => bindThrough({ ...options, expected: TARGET }),
  associate: (options) => associateThrough({ ...options, bind: bindNothing, resolve: () => Promise.resolve([]) }),
  "connect through a chain": (options) =>
    connect({ ...TARGET, ...options, dial: dialThrough({ ...options, timeout: Infinity }) }),
};

/** What is asked for and does not come until it is let go. */
function late<T>(): { asked: Promise<void>; ask: () => Promise<T>; come: (made: T) => void } {
  const asked = Promise.withResolvers<void>();
  const made = Promise.withResolvers<T>();
  return {
    asked: asked.promise,
    ask(): Promise<T> {
      asked.resolve();
      return made.promise;
    },
    come: made.resolve,
  };
}

/** Runs a call that hangs twice: ended by its signal, once it hangs, and by its time. */
async function endsEitherWay(
  name: string,
  run: (ending: { signal?: AbortSignal; timeout?: number }) => { asked: Promise<void>; call: Promise<unknown> },
): Promise<void> {
  const reason = { why: name };
  const stop = new AbortController();
  const aborted = run({ signal: stop.signal });
  await aborted.asked;
  stop.abort(reason);
  await assert.rejects(aborted.call, (error) => error === reason, name);
  await assert.rejects(run({ timeout: 5 }).call, { name: "SocksTimeoutError", code: "HANDSHAKE_TIMEOUT" }, name);
}

Deno.test("client calls: end without a dialer that hangs, and close its late connection", async () => {
  for (const [name, call] of Object.entries(CALLS)) {
    const closed: Promise<void>[] = [];
    await endsEitherWay(name, (ending) => {
      const { asked, ask, come } = late<Connection>();
      const ended = Promise.withResolvers<void>();
      closed.push(ended.promise);
      const calling = call({ proxy: PROXY, auth, dial: ask, ...ending });
      calling.catch(() => come({ ...scriptProxy([]).near, close: ended.resolve }));
      return { asked, call: calling };
    });
    await Promise.all(closed);
    assert.equal(closed.length, 2);
  }
});

Deno.test("client calls: end without a method that hangs, and close its late channel", async () => {
  for (const [name, call] of Object.entries(CALLS)) {
    const closed: Promise<void>[] = [];
    await endsEitherWay(name, (ending) => {
      const { asked, ask, come } = late<Connection>();
      const ended = Promise.withResolvers<void>();
      closed.push(ended.promise);
      const proxy = scriptProxy([NO_METHOD]);
      const calling = call({
        proxy: PROXY,
        auth: [{
          code: 0,
          name: "none",
          authenticate: async (connection) => ({
            ...await noAuthentication().authenticate(connection, { proxy: PROXY }),
            connection: await ask(),
          }),
        }],
        dial: () => Promise.resolve(proxy.near),
        ...ending,
      });
      calling.catch(() => {
        assert.ok(proxy.closed() > 0, name);
        come({ ...scriptProxy([]).near, close: ended.resolve });
      });
      return { asked, call: calling };
    });
    await Promise.all(closed);
  }
});

Deno.test("client calls: end although a connection cannot be closed", async () => {
  for (const [name, call] of Object.entries(CALLS)) {
    await endsEitherWay(name, (ending) => {
      const { asked, ask } = late<null>();
      let closed = 0;
      const close = () => {
        if (++closed > 1) throw new Error("closed twice");
      };
      const deaf: Connection = { ...scriptProxy([]).near, read: ask, close };
      return { asked, call: call({ proxy: PROXY, auth, dial: () => Promise.resolve(deaf), ...ending }) };
    });
  }
});

Deno.test("client calls: end without tickets that never come", async () => {
  const proxy = () => scriptProxy(["0501"]);
  await endsEitherWay("tickets", (ending) => {
    const { asked, ask } = late<never>();
    const { near } = proxy();
    const credentials = { serviceTicket: ask, forwardedTicket: ask };
    const call = connect({ ...TARGET, proxy: PROXY, dial: () => Promise.resolve(near), credentials, ...ending });
    return { asked, call };
  });
});

Deno.test("associateThrough(): ends without a socket or look-up that hangs, and closes a late socket", async () => {
  const closed: Promise<void>[] = [];
  await endsEitherWay("socket", (ending) => {
    const { asked, ask, come } = late<DatagramSocket>();
    const ended = Promise.withResolvers<void>();
    closed.push(ended.promise);
    const proxy = scriptProxy([NO_METHOD, GRANTED]);
    const dial = () => Promise.resolve(proxy.near);
    const call = associateThrough({
      proxy: PROXY,
      auth,
      dial,
      bind: ask,
      resolve: () => Promise.resolve([]),
      ...ending,
    });
    call.catch(() => {
      assert.ok(proxy.closed() > 0);
      come({ local: TARGET, send: () => Promise.resolve(), close: ended.resolve });
    });
    return { asked, call };
  });
  await Promise.all(closed);
  await endsEitherWay("look-up", (ending) => {
    const { asked, ask } = late<string[]>();
    const proxy = scriptProxy([NO_METHOD, "050000030472656c790007"]);
    const dial = () => Promise.resolve(proxy.near);
    const call = associateThrough({ proxy: PROXY, auth, dial, bind: bindNothing, resolve: ask, ...ending });
    call.catch(() => assert.ok(proxy.closed() > 0));
    return { asked, call };
  });
});

Deno.test("kdcThrough(): ends without a dialer that hangs, and closes its late connection", async () => {
  await using kdc = await startTestKdc();
  const { asked, ask, come } = late<Connection>();
  const stop = new AbortController();
  const address = { hostname: "127.0.0.1", port: kdc.port, protocol: "tcp" as const };
  const sending = kdcThrough(ask as Dialer).send(address, new Uint8Array(3), { signal: stop.signal });
  await asked;
  stop.abort(new Error("enough"));
  await assert.rejects(sending, { message: "enough" });
  const closed = Promise.withResolvers<void>();
  come({ ...scriptProxy([]).near, close: closed.resolve });
  await closed.promise;
});

/** Calls, and one of what each gives that must fail with the reason once the signal is aborted. */
type Give = (options: ThroughOptions) => Promise<() => Promise<unknown>>;
const GIVEN: Readonly<Record<string, Give>> = {
  async connectThrough(options) {
    const { connection } = await connectThrough({ ...options, target: TARGET });
    return () => connection.read();
  },
  async connect(options) {
    const connection = await connect({ ...options, ...TARGET });
    return () => connection.read(new Uint8Array(1));
  },
  async bindThrough(options) {
    const pending = await bindThrough({ ...options, expected: TARGET });
    return () => pending.accept();
  },
  async accept(options) {
    const pending = await bindThrough({ ...options, expected: TARGET });
    const connection = await pending.accept();
    return () => connection.read(new Uint8Array(1));
  },
  async "accept, with a signal of its own"({ signal, ...options }) {
    const pending = await bindThrough({ ...options, expected: TARGET });
    const connection = await pending.accept({ signal });
    return () => connection.read(new Uint8Array(1));
  },
  async associateThrough(options) {
    const socket: DatagramSocket = { local: PROXY, send: () => Promise.resolve(), close() {} };
    const bind = () => Promise.resolve(socket);
    const datagrams = await associateThrough({ ...options, bind, resolve: () => Promise.resolve([]) });
    return () => datagrams.receive();
  },
};

Deno.test("client calls: an abort at any moment ends them and leaves nothing open", async () => {
  for (const [name, give] of Object.entries(GIVEN)) {
    const outcomes = new Set<string>();
    for (let turns = 0; turns < 60; turns++) {
      // A bind's peer comes with a reply of its own, and both may come together.
      const accepts = name.startsWith("accept");
      const proxy = scriptProxy([NO_METHOD, accepts ? GRANTED + GRANTED : GRANTED]);
      const stop = new AbortController();
      const reason = { turns };
      let last = 0;
      const near: Connection = {
        ...proxy.near,
        async read() {
          const bytes = await proxy.near.read();
          if (++last === 2) {
            void (async () => {
              for (let i = 0; i < turns; i++) await null;
              stop.abort(reason);
            })();
          }
          return bytes;
        },
      };
      const dial = () => Promise.resolve(near);
      const call = give({ proxy: PROXY, auth, dial, signal: stop.signal });
      const use = await call.catch((error) => assert.equal(error, reason, `${name} ${turns}`));
      outcomes.add(use === undefined ? "rejected" : "made");
      if (use !== undefined) await assert.rejects(use(), (error) => error === reason, `${name} ${turns}`);
      assert.ok(proxy.closed() > 0, `${name} ${turns}`);
    }
    assert.deepEqual([...outcomes].sort(), ["made", "rejected"], name);
  }
});

Deno.test("accept(): an aborted signal ends the bind with its reason", async () => {
  for (const how of ["aborted already", "no time"]) {
    const proxy = scriptProxy([NO_METHOD, GRANTED]);
    const pending = await bindThrough({
      proxy: PROXY,
      auth,
      dial: () => Promise.resolve(proxy.near),
      expected: TARGET,
    });
    const reason = { why: how };
    const isTime = (error: { code?: unknown }) => error.code === "CONNECT_TIMEOUT";
    const wanted = how === "no time" ? isTime : (error: unknown) => error === reason;
    const accepting = pending.accept(how === "no time" ? { timeout: 0 } : { signal: AbortSignal.abort(reason) });
    await assert.rejects(accepting, wanted);
    await assert.rejects(pending.accept(), wanted);
    // Whoever is under it may not be closed twice.
    assert.equal(proxy.closed(), 1);
    pending.close();
    assert.equal(proxy.closed(), 1);
  }
});

Deno.test("accept(): a bind closed while the peer connects returns an open connection or none", async () => {
  const outcomes = new Set<string>();
  for (let turns = 0; turns < 40; turns++) {
    const proxy = scriptProxy([NO_METHOD, GRANTED + GRANTED]);
    const dial = () => Promise.resolve(proxy.near);
    const pending = await bindThrough({ proxy: PROXY, auth, dial, expected: TARGET });
    const accepting = pending.accept().then((made) => made, (error) => error.code);
    for (let i = 0; i < turns; i++) await null;
    pending.close();
    const made = await accepting;
    outcomes.add(typeof made === "string" ? made : "made");
    if (typeof made === "string") continue;
    assert.equal(await made.write(new Uint8Array(1)), 1, `${turns}`);
    made.close();
  }
  assert.deepEqual([...outcomes].sort(), ["CLOSED", "made"]);
});
