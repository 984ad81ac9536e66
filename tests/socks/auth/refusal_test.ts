/** RFC 1961 section 3.8 and RFC 1929 section 2: who is refused is told, for whatever reason, once. */
import assert from "node:assert/strict";
import { type Bytes, concat, utf8 } from "../../../base/bytes.ts";
import type { GssContext } from "../../../gss/context.ts";
import type { GssStep } from "../../../gss/negotiation.ts";
import { hostbasedService } from "../../../gss/names.ts";
import { spnegoAcceptor } from "../../../gss/spnego/acceptor.ts";
import { gssapiClient } from "../../../socks/auth/gssapi/client.ts";
import { gssapiServer } from "../../../socks/auth/gssapi/server.ts";
import type { ServerAuthMethod } from "../../../socks/auth/method.ts";
import { noAuthentication } from "../../../socks/auth/none.ts";
import { passwordServer } from "../../../socks/auth/password.ts";
import { connectThrough } from "../../../socks/client/connect.ts";
import type { SocksServer } from "../../../socks/server/server.ts";
import type { SocksServerOptions } from "../../../socks/server/options.ts";
import type { Connection } from "../../../socks/stream/connection.ts";
import { encodeFrame } from "../../../socks/wire/gssapi.ts";
import { encodeReply } from "../../../socks/wire/messages.ts";
import { changing, ForgedClient, ForgedProxy, isClosed } from "../../support/forge_socks.ts";
import { forgeInit, forgeResp, OID } from "../../support/forge_spnego.ts";
import { credentialPair, memoryRealm } from "../../support/gss_pair.ts";
import { makeServer } from "../../support/memory_server.ts";
import { MockContext } from "../../support/mock_mechanism.ts";
import { pipe, type PipeEnd } from "../../support/pipe.ts";
import { hex, unhex } from "../../support/vectors.ts";

const realm = await memoryRealm();
/** With a ticket at hand, so that nothing takes long while a server counts the time. */
const { initiator } = credentialPair(realm);
await initiator.initiate(hostbasedService("rcmd", "localhost"));

function gssServer(options: Partial<SocksServerOptions> = {}) {
  const { acceptor } = credentialPair(realm);
  const contexts: GssContext[] = [];
  const credential = changing(acceptor, (made) => (contexts.push(made), made));
  return { ...makeServer({ auth: [gssapiServer({ credential })], ...options }), contexts };
}

/** What each phase of a conversation has behind the choice of the method, and whether it has a message for a refusal. */
const PHASES: Readonly<Record<string, (near: PipeEnd) => Promise<unknown>>> = {
  "before the first token": (near) => near.write(Uint8Array.of(5, 1, 1)),
  "in the first token": (near) => near.write(Uint8Array.of(5, 1, 1, 1, 1, 5, 0, 0x60)),
  "before the level": (near) => ForgedClient.open(near, { credential: initiator, greeting: true }),
  "in the level": async (near) => {
    const client = await ForgedClient.open(near, { credential: initiator, greeting: true });
    await client.send((await client.wrapped(Uint8Array.of(2), { confidential: false, type: 2 })).slice(0, 9));
  },
};

/** Ways in which a server ends somebody who is still saying who he is. */
const ENDS: Readonly<
  Record<string, { options: Partial<SocksServerOptions>; end: (server: SocksServer) => unknown; reason: string }>
> = {
  "time-out": { options: { timeouts: { handshake: 250 } }, end: () => {}, reason: "HANDSHAKE_TIMEOUT" },
  "half-open limit": {
    options: { limits: { halfOpen: 1 } },
    end: (server) => {
      const [near, far] = pipe();
      void server.serve(far);
      near.close();
    },
    reason: "HALF_OPEN_LIMIT",
  },
  "shutdown": { options: {}, end: (server) => server.shutdown({ deadline: 1 }), reason: "Server is shutting down" },
  "dispose": { options: {}, end: (server) => server[Symbol.asyncDispose](), reason: "Server is shutting down" },
};

Deno.test("server: sends 01 ff once when it ends a session during GSS-API, in every phase", async () => {
  for (const [phase, begin] of Object.entries(PHASES)) {
    for (const [how, { options, end, reason }] of Object.entries(ENDS)) {
      const { server, events, contexts } = gssServer(options);
      await using _server = server;
      const [near, far] = pipe();
      const served = server.serve(far);
      await begin(near);
      while (far.sent().length < 2) await near.read();
      const before = far.sent().length;
      void end(server);
      await served;
      const about = `${phase}, ${how}`;
      assert.equal(hex(far.sent().slice(before)), "01ff", about);
      const event = events.find(({ type, session }) => type === "refused" && session === 1);
      assert.ok(event?.type === "refused", about);
      assert.equal((event.error as { code?: string }).code ?? event.error.message, reason, about);
      for (const context of contexts) assert.ok(await isClosed(context), about);
    }
  }
});

Deno.test("server: sends no refusal where the protocol has none", async () => {
  const silent: [string, (near: PipeEnd) => Promise<unknown>, Partial<SocksServerOptions>][] = [
    ["before the method", () => Promise.resolve(), {}],
    ["in the greeting", (near) => near.write(Uint8Array.of(5, 2, 1)), {}],
    ["without authentication", async (near) => {
      await near.write(Uint8Array.of(5, 1, 0));
      await near.read();
    }, { auth: [noAuthentication()] }],
    ["password was right", async (near) => {
      await near.write(unhex("050102"));
      await near.read();
      await near.write(unhex("0101620178"));
      await near.read();
    }, { auth: [passwordServer(() => true)] }],
  ];
  for (const [name, begin, options] of silent) {
    const { server } = gssServer({ timeouts: { handshake: 100 }, ...options });
    const [near, far] = pipe();
    const served = server.serve(far);
    await begin(near);
    const before = far.sent().length;
    await served;
    assert.equal(hex(far.sent().slice(before)), "", name);
  }
  const { server } = gssServer({ timeouts: { handshake: 250 } });
  const [near, far] = pipe();
  const served = server.serve(far);
  const client = await ForgedClient.open(near, { credential: initiator, greeting: true });
  await client.level(2);
  const before = far.sent().length;
  await served;
  assert.equal(hex(far.sent().slice(before)), "", "behind the level");
});

Deno.test("server: sends no refusal behind the protection level", async () => {
  const { server } = gssServer({ timeouts: { handshake: 250 } });
  const [near, far] = pipe();
  const closed = Promise.withResolvers<void>();
  let open = true;
  let writes = 0;
  const stuck: Connection = {
    ...far,
    async write(bytes): Promise<void> {
      // The choice of the method, the AP-REP, the level.
      if (open && ++writes < 3) return await far.write(bytes);
      await closed.promise;
      throw new Error("closed");
    },
    close(): void {
      open = false;
      closed.resolve();
      far.close();
    },
  };
  const served = server.serve(stuck);
  const client = await ForgedClient.open(near, { credential: initiator, greeting: true });
  await assert.rejects(client.level(2));
  await served;
  assert.equal(writes, 3);
});

Deno.test("server: a pending step sends nothing behind 01 ff, its context is disposed of", async () => {
  const step = Promise.withResolvers<GssStep>();
  const context = new MockContext(false, {});
  const { server } = makeServer({
    auth: [gssapiServer({ credential: { mechanism: "1.2.3", accept: () => ({ step: () => step.promise }) } })],
    timeouts: { handshake: 100 },
  });
  const [near, far] = pipe();
  const served = server.serve(far);
  await near.write(concat(Uint8Array.of(5, 1, 1), encodeFrame(1, utf8("i1"))));
  await assert.rejects(async () => {
    while (await near.read() !== null);
  });
  assert.equal(hex(far.sent()), "050101ff");
  step.resolve({ done: true, token: utf8("a1"), context });
  await served;
  assert.equal(hex(far.sent()), "050101ff");
  assert.ok(context.disposed);
});

Deno.test("server: a client that does not read its refusal delays nothing", async () => {
  const [step, check] = [Promise.withResolvers<GssStep>(), Promise.withResolvers<boolean>()];
  const gssapi = gssapiServer({ credential: { mechanism: "1.2.3", accept: () => ({ step: () => step.promise }) } });
  const cases: [string, ServerAuthMethod, Bytes, () => void][] = [
    ["silent", gssapi, Uint8Array.of(), () => {}],
    ["a step that is done meanwhile", gssapi, encodeFrame(1, utf8("i1")), () => {
      step.resolve({ done: true, token: utf8("a1"), context: new MockContext(false, {}) });
    }],
    ["silent", passwordServer(() => check.promise), Uint8Array.of(), () => {}],
    ["a check that is done meanwhile", passwordServer(() => check.promise), unhex("0101620178"), () => {
      check.resolve(true);
    }],
  ];
  for (const [name, method, message, meanwhile] of cases) {
    const { server, events } = makeServer({ auth: [method], timeouts: { handshake: 50 } });
    const [near, far] = pipe();
    let writes = 0;
    const stuck: Connection = {
      ...far,
      write: (bytes) => {
        if (++writes === 1) return far.write(bytes);
        meanwhile();
        return new Promise(() => {});
      },
    };
    const served = server.serve(stuck);
    await near.write(concat(Uint8Array.of(5, 1, method.code), message));
    await served;
    // The choice of the method, and the refusal.
    assert.equal(writes, 2, name);
    assert.deepEqual(events.map(({ type }) => type), ["accepted", "refused"], name);
    await assert.rejects(async () => {
      while (await near.read() !== null);
    });
  }
});

Deno.test("passwordServer(): sends status 01 once, for every reason", async () => {
  const never = () => new Promise<boolean>(() => {});
  const cases: [string, string, Partial<SocksServerOptions>, (server: SocksServer) => unknown][] = [
    ["time-out before the message", "", { timeouts: { handshake: 100 } }, () => {}],
    ["time-out in the message", "0101", { timeouts: { handshake: 100 } }, () => {}],
    ["time-out while it is checked", "0101620178", { timeouts: { handshake: 100 } }, () => {}],
    ["shutdown", "0101", {}, (server) => void server.shutdown({ deadline: 1 })],
    ["another version", "0501620178", {}, () => {}],
    ["the end", "0101", {}, () => {}],
  ];
  for (const [name, message, options, end] of cases) {
    const { server, events } = makeServer({ auth: [passwordServer(never)], ...options });
    const [near, far] = pipe();
    const served = server.serve(far);
    await near.write(unhex(`050102${message}`));
    while (far.sent().length < 2) await near.read();
    end(server);
    if (name === "the end" || name === "another version") await near.closeWrite();
    if (name.endsWith("checked")) {
      while (far.sent().length < 4) await near.read().catch(() => {});
      assert.equal(hex(far.sent()), "05020101", name);
      continue;
    }
    await served;
    assert.equal(hex(far.sent()), "05020101", name);
    assert.deepEqual(events.map(({ type }) => type), ["accepted", "refused"], name);
  }
});

Deno.test("passwordServer(): a check that succeeds after the refusal accepts no client", async () => {
  const check = Promise.withResolvers<boolean>();
  const { server, events } = makeServer({ auth: [passwordServer(() => check.promise)], timeouts: { handshake: 100 } });
  const [near, far] = pipe();
  const served = server.serve(far);
  await near.write(unhex("0501020101620178"));
  await assert.rejects(async () => {
    while (await near.read() !== null);
  });
  check.resolve(true);
  await served;
  assert.equal(hex(far.sent()), "05020101");
  assert.deepEqual(events.map(({ type }) => type), ["accepted", "refused"]);
});

Deno.test("GSS-API method: a token that does not fit into a frame is TOKEN_TOO_LARGE", async () => {
  for (const [length, code] of [[65_535, undefined], [65_536, "TOKEN_TOO_LARGE"]] as const) {
    const big = new Uint8Array(length).fill(7);
    const [near, far] = pipe();
    let closed = false;
    const connecting = connectThrough({
      proxy: { hostname: "localhost", port: 1 },
      target: { hostname: "x", port: 1 },
      auth: [gssapiClient({
        credential: {
          mechanism: "1.2.3",
          initiate: () => Promise.resolve({ step: () => Promise.resolve({ done: false, token: big } as const) }),
        },
      })],
      dial: () => Promise.resolve({ ...near, close: () => (closed = true, near.close()) }),
    });
    const outcome = connecting.catch((error) => error);
    await far.read();
    await far.write(Uint8Array.of(5, 1));
    if (code === undefined) {
      let got = 0;
      while (got < 4 + length) got += (await far.read())!.length;
      far.close();
      await outcome;
      continue;
    }
    const error = await outcome;
    assert.deepEqual([error.name, error.code], ["SocksAuthError", code]);
    assert.match(error.message, /65536 bytes.*65535/);
    assert.ok(closed);
  }
  const [near, far] = pipe();
  const big = new Uint8Array(65_536);
  const accepting = gssapiServer({
    credential: {
      mechanism: "1.2.3",
      accept: () => ({ step: () => Promise.resolve({ done: false, token: big } as const) }),
    },
  }).accept(far, {});
  await near.write(encodeFrame(1, utf8("i1")));
  await assert.rejects(accepting, { name: "SocksAuthError", code: "TOKEN_TOO_LARGE" });
  assert.equal(hex(far.sent()), "01ff");
});

Deno.test("client: closes the connection when GSS-API fails (RFC 1961 sections 3.5 and 4.4)", async () => {
  const ways: [string, (proxy: ForgedProxy) => Promise<unknown>][] = [
    ["a level below its floor", (proxy) => proxy.grant(0)],
    ["01 ff", async (proxy) => {
      await proxy.next();
      await proxy.send(Uint8Array.of(1, 0xff));
    }],
    ["a token that is not genuine", async (proxy) => {
      await proxy.next();
      await proxy.send(encodeFrame(2, utf8("no")));
    }],
  ];
  for (const [name, play] of ways) {
    const { acceptor } = credentialPair(realm);
    const [near, far] = pipe();
    let closed = 0;
    let context: GssContext | undefined;
    const connecting = connectThrough({
      proxy: { hostname: "localhost", port: 1 },
      target: { hostname: "x", port: 1 },
      auth: [gssapiClient({ credential: changing(initiator, (made) => context = made) })],
      dial: () => Promise.resolve({ ...near, close: () => (closed++, near.close()) }),
    });
    const failing = assert.rejects(connecting, name);
    const proxy = await ForgedProxy.open(far, acceptor);
    await play(proxy);
    await failing;
    assert.ok(closed > 0, name);
    assert.ok(await isClosed(context!), name);
    await assert.rejects(far.read(), name);
  }
  // No ticket: the connection that was made for nothing is closed too.
  const [near] = pipe();
  let closed = 0;
  const nobody = connectThrough({
    proxy: { hostname: "localhost", port: 1 },
    target: { hostname: "x", port: 1 },
    auth: [
      gssapiClient({ credential: { mechanism: "1.2.3", initiate: () => Promise.reject(new Error("no ticket")) } }),
    ],
    dial: () =>
      Promise.resolve({ ...near, read: () => Promise.resolve(Uint8Array.of(5, 1)), close: () => void closed++ }),
  });
  await assert.rejects(nobody, { message: "no ticket" });
  assert.equal(closed, 1);
});

Deno.test("GSS-API method: disposes of an unfinished negotiation, on both sides", async () => {
  const going = () => {
    let given = 0;
    const negotiation = {
      step: () => Promise.resolve<GssStep>({ done: false, token: utf8("t") }),
      dispose: () => void given++,
    };
    return { negotiation, given: () => given };
  };
  const leaving: Readonly<Record<string, (near: PipeEnd) => Promise<void>>> = {
    "gone": (near) => Promise.resolve(near.close()),
    "the end": (near) => near.closeWrite(),
    "01 ff": (near) => near.write(Uint8Array.of(1, 0xff)),
    "another frame": (near) => near.write(encodeFrame(2, utf8("t"))),
    "more legs than there are": async (near) => {
      for (let legs = 0; legs < 20; legs++) await near.write(encodeFrame(1, utf8("t"))).catch(() => {});
    },
  };
  for (const [name, leave] of Object.entries(leaving)) {
    for (const side of ["server", "client"] as const) {
      const { negotiation, given } = going();
      const [near, far] = pipe();
      const running = side === "server"
        ? gssapiServer({ credential: { mechanism: "1.2.3", accept: () => negotiation } }).accept(far, {})
        : gssapiClient({ credential: { mechanism: "1.2.3", initiate: () => Promise.resolve(negotiation) } })
          .authenticate(far, { proxy: { hostname: "localhost", port: 1 } });
      const failing = assert.rejects(running, `${side}, ${name}`);
      if (side === "server") await near.write(encodeFrame(1, utf8("t")));
      await near.read();
      assert.equal(given(), 0);
      await leave(near);
      await failing;
      assert.equal(given(), 1, `${side}, ${name}`);
    }
  }
});

Deno.test("gssapiServer(): disposes of a context that waits for SPNEGO's MIC when the client goes", async () => {
  const { acceptor } = credentialPair(realm);
  const contexts: GssContext[] = [];
  const credential = spnegoAcceptor(changing(acceptor, (made) => (contexts.push(made), made)));
  const { server } = makeServer({ auth: [gssapiServer({ credential })] });
  const [near, far] = pipe();
  const served = server.serve(far);
  await near.write(concat(
    Uint8Array.of(5, 1, 1),
    encodeFrame(1, forgeInit({ mechTypes: [OID.negoEx, OID.kerberos] })),
  ));
  const { token } = await (await initiator.initiate(hostbasedService("rcmd", "localhost"))).step();
  await near.write(encodeFrame(1, forgeResp({ responseToken: token! })));
  while (contexts.length === 0 || far.sent().length < 200) await near.read();
  assert.equal(await isClosed(contexts[0]!), false);
  near.close();
  await served;
  assert.ok(await isClosed(contexts[0]!));
});

Deno.test("gssapiClient(): disposes of its context when it is aborted at the last answer", async () => {
  const { acceptor } = credentialPair(realm);
  const [near, far] = pipe();
  const stop = new AbortController();
  let context: GssContext | undefined;
  let granted = false;
  const connecting = connectThrough({
    proxy: { hostname: "localhost", port: 1 },
    target: { hostname: "x", port: 1 },
    auth: [gssapiClient({ credential: changing(initiator, (made) => context = made) })],
    signal: stop.signal,
    dial: () =>
      Promise.resolve({
        ...near,
        async read() {
          const bytes = await near.read();
          if (granted) stop.abort(new Error("enough"));
          return bytes;
        },
      }),
  });
  const failing = assert.rejects(connecting, { message: "enough" });
  const proxy = await ForgedProxy.open(far, acceptor);
  await proxy.grant(2);
  await proxy.next();
  granted = true;
  await proxy.send(await proxy.sealed(encodeReply({ reply: 0, hostname: "192.0.2.1", port: 1 })));
  await failing;
  assert.ok(await isClosed(context!));
  proxy.close();
});

Deno.test("GSS-API method: disposes of an established context when the level fails", async () => {
  const { acceptor } = credentialPair(realm);
  for (const side of ["client", "client of one leg", "server"] as const) {
    const [near, far] = pipe();
    let context: GssContext | undefined;
    const take = (made: GssContext) => context = made;
    // Whoever is on the other side hangs up while the last token is on its way.
    const breaking = (connection: PipeEnd, writes: number): Connection => {
      let count = 0;
      return {
        ...connection,
        write: (bytes) => ++count > writes ? Promise.reject(new Error("gone")) : connection.write(bytes),
      };
    };
    if (side === "server") {
      const accepting = gssapiServer({ credential: changing(acceptor, take) }).accept(breaking(far, 0), {});
      const opening = ForgedClient.open(near, { credential: initiator }).catch(() => {});
      await assert.rejects(accepting, { message: "gone" });
      near.close();
      await opening;
    } else if (side === "client of one leg") {
      const oneLeg = { mechanism: "1.2.3", initiate: () => Promise.resolve({ step: () => Promise.resolve(done) }) };
      const done = { done: true, token: utf8("i1"), context: new MockContext(true, {}) } as const;
      const client = gssapiClient({ credential: oneLeg });
      const asking = client.authenticate(breaking(near, 0), { proxy: { hostname: "localhost", port: 1 } });
      await assert.rejects(asking, { message: "gone" });
      assert.ok(done.context.disposed);
      continue;
    } else {
      const client = gssapiClient({ credential: changing(initiator, take) });
      const asking = client.authenticate(breaking(near, 1), { proxy: { hostname: "localhost", port: 1 } });
      const failing = assert.rejects(asking, { message: "gone" });
      const step = await acceptor.accept().step((await far.read())!.subarray(4));
      await far.write(encodeFrame(1, step.token!));
      await failing;
    }
    assert.ok(await isClosed(context!), side);
  }
});
