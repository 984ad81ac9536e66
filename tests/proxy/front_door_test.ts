/** The front door: connect, serve and bridge together, over sockets, with Kerberos. */
import assert from "node:assert/strict";
import {
  bridge,
  connect,
  fixedPasswords,
  passwordClient,
  serve,
  type ServerEvent,
  SocksConnection,
  systemTickets,
  type SystemTicketsOptions,
} from "../../mod.ts";
import { startTestKdc } from "../../kerberos/kdc/mod.ts";
import { MemoryReplayCache } from "../../kerberos/ap/replay/memory.ts";
import { startRealmFolder } from "../support/realm_folder.ts";
import { echoServer, origin } from "../support/servers.ts";

Deno.test("connect() and serve(): relay bytes at every protection level", async () => {
  await using realm = await startRealmFolder();
  await using echo = echoServer();
  const events: ServerEvent[] = [];
  await using server = serve({
    port: 0,
    keytab: realm.keytab,
    protection: ["confidentiality", "integrity", "selective", "none"],
    rules: ["allow localhost"],
    onEvent: (event) => void events.push(event),
  });
  for (const protection of ["confidentiality", "integrity", "selective", "none"] as const) {
    await using connection = await connect({
      proxy: `localhost:${server.addr.port}`,
      hostname: "127.0.0.1",
      port: echo.port,
      credentials: realm.tickets,
      protection,
    });
    assert.ok(connection instanceof SocksConnection);
    assert.equal(connection.protection, protection);
    assert.equal(await connection.write(new TextEncoder().encode("hello")), 5);
    const buffer = new Uint8Array(3);
    assert.equal(await connection.read(buffer), 3);
    assert.equal(new TextDecoder().decode(buffer), "hel");
    assert.equal(await connection.read(new Uint8Array(0)), 0);
    assert.equal(await connection.read(buffer), 2);
    await connection.closeWrite();
    assert.equal(await connection.read(buffer), null);
  }
  assert.ok(events.some((event) => event.type === "authenticated" && event.identity.name === "alice@GSSOCKS.TEST"));
});

Deno.test("bridge: serves unmodified fetch at every level", async () => {
  await using realm = await startRealmFolder();
  await using site = origin("the page");
  const targets: string[] = [];
  await using server = serve({
    port: 0,
    keytab: realm.kdc.keytab("rcmd/localhost"),
    rules: ["allow 127.0.0.1"],
    resolve: (name) => {
      targets.push(name);
      return Promise.resolve(["127.0.0.1"]);
    },
  });
  for (const protection of ["integrity", "confidentiality", "selective"] as const) {
    await using local = bridge({
      proxy: `localhost:${server.addr.port}`,
      credentials: realm.tickets,
      protection,
      port: 0,
    });
    using client = Deno.createHttpClient({ proxy: { url: `socks5h://127.0.0.1:${local.addr.port}` } });
    assert.equal(await (await fetch(`http://intranet.example:${site.addr.port}/`, { client })).text(), "the page");
  }
  assert.deepEqual([...new Set(targets)], ["intranet.example"]);
});

Deno.test("connect(), serve(): refuse weaker protection, and a server without methods", async () => {
  await using realm = await startRealmFolder();
  await using server = serve({ port: 0, keytab: realm.keytab, protection: ["none"], rules: ["allow localhost"] });
  const options = {
    proxy: `localhost:${server.addr.port}`,
    hostname: "127.0.0.1",
    port: 1,
    credentials: realm.tickets,
  };
  await assert.rejects(connect(options), { name: "SocksAuthError", code: "PROTECTION_TOO_WEAK" });
  await assert.rejects(connect({ ...options, service: "nosuch" }), { name: "SocksAuthError", code: "GSSAPI_FAILED" });
  assert.throws(() => serve({ port: 0 }), /give a keytab, passwords or allowUnauthenticated/);
  assert.throws(() => serve({ port: 0, allowUnauthenticated: true, rules: ["permit x"] }), TypeError);
  assert.throws(() => bridge({ proxy: "p", port: 0, hostname: "0.0.0.0", credentials: realm.tickets }), TypeError);
  assert.throws(() => bridge({ proxy: "p", port: 0, hostname: "192.0.2.1", credentials: realm.tickets }), TypeError);
});

Deno.test("serve(): a failed session does not harm others", async () => {
  await using realm = await startRealmFolder();
  await using echo = echoServer();
  await using server = serve({ port: 0, keytab: realm.keytab, rules: ["allow localhost"] });
  const options = {
    proxy: `localhost:${server.addr.port}`,
    hostname: "127.0.0.1",
    port: echo.port,
    credentials: realm.tickets,
  };
  await using good = await connect(options);
  for (
    const junk of [
      "",
      "\x05",
      "\x05\x01\x01\x01\x01\xff\xff",
      "\x05\x01\x01\x01\x01\x00\x03abc",
      "GET / HTTP/1.1\r\n\r\n",
    ]
  ) {
    using bad = await Deno.connect({ hostname: "127.0.0.1", port: server.addr.port });
    await bad.write(Uint8Array.from(junk, (c) => c.charCodeAt(0)));
    await bad.closeWrite().catch(() => {});
    try {
      while (await bad.read(new Uint8Array(1000)) !== null);
    } catch {
      // Reset: the server hung up with bytes unread.
    }
  }
  await good.write(new Uint8Array([42]));
  const buffer = new Uint8Array(1);
  assert.equal(await good.read(buffer), 1);
  assert.equal(buffer[0], 42);
});

Deno.test("serve(): shares a replay cache; a signal ends server and connection", async () => {
  await using realm = await startRealmFolder();
  await using echo = echoServer();
  const replayCache = new MemoryReplayCache();
  const stop = new AbortController();
  const server = serve({
    port: 0,
    keytab: realm.keytab,
    rules: ["allow localhost"],
    gssapi: { replayCache },
    signal: stop.signal,
  });
  const options = {
    proxy: `localhost:${server.addr.port}`,
    hostname: "127.0.0.1",
    port: echo.port,
    credentials: realm.tickets,
  };
  const hangUp = new AbortController();
  const first = await connect({ ...options, signal: hangUp.signal });
  await using second = await connect(options);
  assert.equal(replayCache.size, 2);
  hangUp.abort();
  await assert.rejects(first.read(new Uint8Array(1)));
  await assert.rejects(connect({ ...options, signal: AbortSignal.abort(new Error("no")) }), { message: "no" });
  stop.abort();
  await server.finished;
  assert.equal(server.sessions, 0);
  assert.ok(await second.read(new Uint8Array(1)).then((n) => n === null, () => true));
});

Deno.test("connect() and serve(): use methods other than GSS-API", async () => {
  await using echo = echoServer();
  await using server = serve({ port: 0, passwords: fixedPasswords({ bob: "pw" }), rules: ["allow localhost"] });
  const options = { proxy: { hostname: "127.0.0.1", port: server.addr.port }, hostname: "127.0.0.1", port: echo.port };
  await using connection = await connect({ ...options, auth: [passwordClient({ username: "bob", password: "pw" })] });
  assert.equal(connection.protection, "none");
  await assert.rejects(connect({ ...options, auth: [passwordClient({ username: "bob", password: "no" })] }), {
    code: "BAD_CREDENTIALS",
  });
});

Deno.test("systemTickets(): uses a keytab, and keeps tickets of a password in memory", async () => {
  await using kdc = await startTestKdc({ principals: { backup: {}, "rcmd/localhost": {} } });
  const tickets = systemTickets({ config: kdc.config, principal: "backup", keytab: kdc.keytab("backup") });
  assert.equal((await tickets.initialTicket()).credential.client.components[0], "backup");
  assert.equal(tickets.cache.name, "MEMORY:");
  assert.throws(() => systemTickets({ config: kdc.config, password: "x" } as SystemTicketsOptions), TypeError);
  const both = { config: kdc.config, principal: "backup", password: "x", keytab: kdc.keytab("backup") };
  assert.throws(() => systemTickets(both as unknown as SystemTicketsOptions), {
    name: "TypeError",
    message: /not both/,
  });
});
