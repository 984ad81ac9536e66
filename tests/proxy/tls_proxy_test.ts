/** TLS around a proxy and TLS through one: time and signal, what is left, and what a cut of either is. */
import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import {
  connect,
  connectTls,
  dialTls,
  noAuthentication,
  serve,
  type SocksConnection,
  SocksTlsError,
} from "../../mod.ts";
import { dialFrom } from "../../socks/mod.ts";
import type { Connection } from "../../socks/stream/connection.ts";
import { peerTest } from "../support/peers.ts";
import { startRealmFolder } from "../support/realm_folder.ts";
import { TcpServer } from "../support/servers.ts";
import { certificateFor } from "../support/certificate.ts";
import { bytes, nodeServer, outcome, rustlsServer } from "../support/tls.ts";

const LOCALHOST = "127.0.0.1";

/** A server that hears a client out, says what is given, and tells when each connection has ended at its side. */
function deafServer(said = ""): TcpServer & { ended: Promise<unknown>[] } {
  const ended: Promise<unknown>[] = [];
  return Object.assign(
    new TcpServer(async (connection) => {
      await connection.read(new Uint8Array(1_024));
      const rest = (async () => {
        await connection.write(new TextEncoder().encode(said));
        while (await connection.read(new Uint8Array(1_024)) !== null);
      })();
      ended.push(rest.catch(() => {}));
      await rest;
    }),
    { ended },
  );
}

/** A relay that can cut: its last client gets an end of TCP in the middle of everything. */
function relayTo(port: number): TcpServer & { cut(): Promise<void> } {
  const clients: Deno.TcpConn[] = [];
  const server = new TcpServer(async (client) => {
    clients.push(client);
    using onward = await Deno.connect({ hostname: LOCALHOST, port });
    const back = onward.readable.pipeTo(client.writable, { preventClose: true }).catch(() => {});
    await client.readable.pipeTo(onward.writable).catch(() => {});
    await back;
  });
  return Object.assign(server, {
    cut: async () => {
      await clients.at(-1)!.closeWrite();
    },
  });
}

/** Reads all there is: how much, and how it ended. */
async function drained(connection: SocksConnection): Promise<{ count: number; end: unknown }> {
  let count = 0;
  try {
    for (;;) {
      const more = await connection.read(new Uint8Array(4_096));
      if (more === null) return { count, end: null };
      count += more;
    }
  } catch (end) {
    return { count, end };
  }
}

Deno.test("connectTls(): timeout and signal include the TLS handshake, and leave nothing", async () => {
  await using target = deafServer();
  await using proxy = serve({ port: 0, allowUnauthenticated: true, rules: ["allow localhost"] });
  const options = { proxy: proxy.addr, auth: [noAuthentication()], hostname: LOCALHOST, port: target.port };
  await assert.rejects(connectTls({ ...options, timeout: 1_000 }), {
    name: "SocksTimeoutError",
    code: "HANDSHAKE_TIMEOUT",
    message: /^TLS with 127\.0\.0\.1:\d+ took longer than 1000 ms$/,
  });
  await Promise.all(target.ended);
  const reason = new Error("given up");
  const controller = new AbortController();
  const attempt = connectTls({ ...options, signal: controller.signal });
  while (target.ended.length < 2) await new Promise((resolve) => setTimeout(resolve, 0));
  controller.abort(reason);
  await assert.rejects(attempt, (error) => error === reason);
  await Promise.all(target.ended);
});

peerTest("a target's stream that the proxy cuts is cut, and one that it ends is at its end", ["openssl"], async () => {
  const identity = await certificateFor();
  await using realm = await startRealmFolder();
  await using site = rustlsServer(identity, bytes(50_000));
  using silent = Deno.listenTls({ hostname: LOCALHOST, port: 0, ...identity });
  await using middle = relayTo((silent.addr as Deno.NetAddr).port);
  await using open = serve({ port: 0, allowUnauthenticated: true, rules: ["allow localhost"] });
  await using sealed = serve({ port: 0, keytab: realm.keytab, rules: ["allow localhost"] });
  const ways = [
    { proxy: open.addr, auth: [noAuthentication()] },
    { proxy: { hostname: "localhost", port: sealed.addr.port }, credentials: realm.tickets },
  ];
  for (const way of ways) {
    const options = { ...way, hostname: "localhost", caCerts: [identity.cert] };
    {
      await using whole = await connectTls({ ...options, port: site.port });
      assert.deepEqual(await drained(whole), { count: 50_000, end: null });
    }
    const [cut, far] = await Promise.all([connectTls({ ...options, port: middle.port }), silent.accept()]);
    await far.write(bytes(1_000));
    const buffer = new Uint8Array(1_000);
    for (let count = 0; count < 1_000;) count += (await cut.read(buffer))!;
    await middle.cut();
    const { end } = await drained(cut);
    assert.ok(end instanceof SocksTlsError && end.code === "TLS_CUT", String(end));
    cut.close();
    far.close();
  }
});

peerTest("a target is shown a certificate, and says which protocol it speaks", ["openssl"], async () => {
  const [identity, mine] = [await certificateFor(), await certificateFor("client")];
  await using target = await nodeServer(identity, bytes(10), { clients: mine.cert, protocols: ["h2"] });
  await using proxy = serve({ port: 0, allowUnauthenticated: true, rules: ["allow localhost"] });
  const way = { proxy: proxy.addr, auth: [noAuthentication()], hostname: "localhost", port: target.port };
  const options = { ...way, caCerts: [identity.cert], alpnProtocols: ["h2", "http/1.1"] };
  {
    await using shown = await connectTls({ ...options, ...mine });
    assert.equal(shown.alpnProtocol, "h2");
    assert.deepEqual(await drained(shown), { count: 10, end: null });
  }
  await using none = await connectTls({ ...options, cert: undefined, key: undefined });
  const { end } = await drained(none);
  assert.ok(end instanceof SocksTlsError && end.code === "TLS_HANDSHAKE", String(end));
});

peerTest("TLS around a proxy that is cut is no end of what is inside", ["openssl"], async () => {
  const identity = await certificateFor();
  await using realm = await startRealmFolder();
  await using target = new TcpServer(async (connection) => {
    await connection.write(bytes(1_000));
    await connection.read(new Uint8Array(1));
  });
  const dial = dialTls({ caCerts: [identity.cert] });
  const rules = ["allow localhost"];
  for (const protection of ["none", "integrity", "confidentiality"] as const) {
    const who = protection === "none"
      ? { allowUnauthenticated: true }
      : { keytab: realm.keytab, protection: [protection] };
    await using server = serve({ port: 0, tls: identity, rules, ...who });
    await using middle = relayTo(server.addr.port);
    const me = protection === "none" ? { auth: [noAuthentication()] } : { credentials: realm.tickets, protection };
    const proxy = { hostname: "localhost", port: middle.port };
    await using connection = await connect({ proxy, dial, hostname: LOCALHOST, port: target.port, ...me });
    assert.equal(connection.protection, protection);
    const buffer = new Uint8Array(1_000);
    for (let count = 0; count < 1_000;) count += (await connection.read(buffer))!;
    await middle.cut();
    const { end } = await drained(connection);
    assert.ok(end instanceof Error, protection);
  }
});

Deno.test("dialTls(): a missing or failed handshake leaves no socket", async () => {
  const dial = dialTls();
  for (const said of ["", "SSH-2.0-not-tls\r\n"]) {
    await using proxy = deafServer(said);
    const options = {
      proxy: { hostname: LOCALHOST, port: proxy.port },
      dial,
      auth: [noAuthentication()],
      hostname: "x",
      port: 1,
      timeout: said === "" ? 50 : 10_000,
    };
    for (let i = 0; i < 5; i++) {
      await assert.rejects(connect(options), { code: said === "" ? "HANDSHAKE_TIMEOUT" : "TLS_HANDSHAKE" });
    }
    // The proxy's ends are over, too.
    await Promise.all(proxy.ended);
    assert.equal(proxy.ended.length, 5);
  }
});

peerTest("a proxy that asks for a certificate over TLS is shown one", ["openssl"], async () => {
  const [identity, mine] = [await certificateFor(), await certificateFor("client")];
  await using proxy = await nodeServer(identity, bytes(10), { version: "TLSv1.2", clients: mine.cert });
  const target = { hostname: "localhost", port: proxy.port };
  await using shown = await dialTls({ caCerts: [identity.cert], ...mine })(target, {});
  assert.deepEqual(await outcome(shown), { got: bytes(10), end: null });
  await assert.rejects(dialTls({ caCerts: [identity.cert] })(target, {}), { code: "TLS_HANDSHAKE" });
  assert.throws(() => dialTls({ cert: mine.cert, key: identity.key }), TypeError);
});

/** A connection from an address that was chosen, and its other end. */
async function fromHere(): Promise<{ near: Connection; far: Socket }> {
  const accepted = Promise.withResolvers<Socket>();
  const listener = createServer({ allowHalfOpen: true }, accepted.resolve);
  await new Promise<void>((resolve) => listener.listen(0, LOCALHOST, resolve));
  const { port } = listener.address() as { port: number };
  const near = await dialFrom(["127.0.0.7"])({ hostname: LOCALHOST, port }, {});
  const far = await accepted.promise;
  far.on("error", () => {});
  listener.close();
  return { near, far };
}

Deno.test("dialFrom(): a reset is an error, an end is an end", async () => {
  for (const how of ["end", "reset"] as const) {
    const { near, far } = await fromHere();
    far.write(bytes(1_000));
    const first = (await near.read())!;
    assert.deepEqual(first, bytes(1_000));
    assert.equal(first.buffer.byteLength, first.length);
    if (how === "end") far.end();
    else far.resetAndDestroy();
    const { end } = await outcome(near);
    if (how === "reset") {
      assert.equal((end as { code?: string }).code, "ECONNRESET");
      await assert.rejects(near.write(bytes(20)), { code: "ECONNRESET" });
      await assert.rejects(near.closeWrite(), { code: "ECONNRESET" });
    } else {
      assert.equal(end, null);
      // The other end's last byte leaves writing alone.
      await near.write(bytes(20));
      const got = new Promise((resolve) => far.once("data", resolve));
      const ended = new Promise((resolve) => far.once("end", resolve));
      await near.closeWrite();
      assert.deepEqual(new Uint8Array(await got as Uint8Array), bytes(20));
      await ended;
      await assert.rejects(near.write(bytes(1)), { code: "CLOSED" });
    }
    near.close();
    far.destroy();
  }
});

Deno.test("dialFrom(): close() fails calls under way", async () => {
  const { near, far } = await fromHere();
  const calls = [near.read(), near.read(), near.write(new Uint8Array(64 << 20)), near.closeWrite()];
  const settled = Promise.allSettled(calls);
  near.close();
  for (const result of await settled) {
    assert.ok(result.status === "rejected", JSON.stringify(result));
    assert.equal(result.reason.code, "CLOSED");
  }
  for (const call of [() => near.read(), () => near.write(bytes(1)), () => near.closeWrite()]) {
    await assert.rejects(call, { code: "CLOSED" });
  }
  far.destroy();
});
