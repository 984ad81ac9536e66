/** Other ways to and from the proxy: sockets in the file system, TLS, WebSockets, other proxies; and TLS through it. */
import assert from "node:assert/strict";
import { utf8 } from "../../base/bytes.ts";
import {
  associate,
  bridge,
  connect,
  connectionFromWebSocket,
  connectTls,
  dialThrough,
  dialTls,
  dialUnix,
  dialWebSocket,
  fixedPasswords,
  kdcThrough,
  listenUnix,
  noAuthentication,
  passwordClient,
  serve,
  systemTickets,
  WEB_SOCKET_PROTOCOL,
} from "../../mod.ts";
import { DenoConnection } from "../../socks/shell/deno_connection.ts";
import { tlsOver } from "../../socks/shell/tls_over.ts";
import { certificateFor } from "../support/certificate.ts";
import { pipe, readAll } from "../support/pipe.ts";
import { peerTest } from "../support/peers.ts";
import { freePort, run } from "../support/process.ts";
import { startRealmFolder } from "../support/realm_folder.ts";
import { echoServer, origin, TcpServer, udpServer } from "../support/servers.ts";

const LOCALHOST = "127.0.0.1";

async function page(connection: { write(bytes: Uint8Array): Promise<unknown>; readable: ReadableStream<Uint8Array> }) {
  await connection.write(utf8("GET / HTTP/1.0\r\n\r\n"));
  return (await new Response(connection.readable).text()).split("\r\n\r\n")[1];
}

Deno.test("transports: a server and a client on a Unix socket", async () => {
  await using realm = await startRealmFolder();
  await using site = origin("the page");
  const path = `${realm.directory}/proxy.sock`;
  await using _server = serve({ listeners: [listenUnix(path)], keytab: realm.keytab, rules: ["allow localhost"] });
  await using connection = await connect({
    proxy: "localhost",
    dial: dialUnix(path),
    credentials: realm.tickets,
    hostname: LOCALHOST,
    port: site.addr.port,
  });
  assert.equal(await page(connection), "the page");
  await assert.rejects(
    connect({ proxy: "x", auth: [noAuthentication()], dial: dialUnix(`${path}.none`), hostname: "x", port: 1 }),
    { name: "SocksProxyError", code: "PROXY_UNREACHABLE" },
  );
});

peerTest("transports: SOCKS inside TLS, TLS inside SOCKS, and both at once", ["openssl"], async () => {
  await using realm = await startRealmFolder();
  const { cert, key } = await certificateFor("localhost", "IP:127.0.0.2");
  const caCerts = [cert];
  await using site = Deno.serve(
    { hostname: LOCALHOST, port: 0, cert, key, onListen() {} },
    () => new Response("the secret page ".repeat(20_000)),
  );
  for (const tls of [undefined, { cert, key }]) {
    await using server = serve({ port: 0, tls, keytab: realm.keytab, rules: ["allow localhost"] });
    const through = {
      proxy: { hostname: "localhost", port: server.addr.port },
      credentials: realm.tickets,
      ...(tls === undefined ? {} : { dial: dialTls({ caCerts }) }),
    };
    const target = { hostname: "localhost", port: site.addr.port };
    {
      await using connection = await connectTls({ ...through, ...target, caCerts });
      assert.equal(await page(connection), "the secret page ".repeat(20_000));
    }
    // Whatever it is called, the certificate is for the name in its one form.
    for (const hostname of ["ＬＯＣＡＬＨＯＳＴ", "localhost。"]) {
      await using spelled = await connectTls({ ...through, ...target, hostname, caCerts });
      assert.equal(spelled.target.hostname, "localhost");
    }
    for (const hostname of ["localhost。", "127.2", "[::ffff:127.0.0.2]"]) {
      const plain = await Deno.connect({ hostname: LOCALHOST, port: site.addr.port });
      await using _secured = await tlsOver(new DenoConnection(plain), { hostname, caCerts });
    }
    // Whose certificate is not known, or is another's, is nobody to talk to.
    await assert.rejects(connectTls({ ...through, ...target }), { code: "TLS_HANDSHAKE" });
    await assert.rejects(connectTls({ ...through, ...target, hostname: LOCALHOST, caCerts }), {
      code: "TLS_HANDSHAKE",
    });
    if (tls !== undefined) await assert.rejects(connect({ ...through, ...target, dial: dialTls() }));
  }
  await using echo = echoServer();
  await using plain = serve({ port: 0, allowUnauthenticated: true, rules: ["allow localhost"] });
  const proxy = { proxy: plain.addr, auth: [noAuthentication()] };
  const aborting = connectTls({ ...proxy, hostname: "localhost", port: echo.port, signal: AbortSignal.abort("no") });
  await assert.rejects(aborting, (reason) => reason === "no");
});

Deno.test("transports: a proxy behind Deno.serve over WebSockets, protected end to end", async () => {
  await using realm = await startRealmFolder();
  await using site = origin("the page");
  await using echo = echoServer();
  await using proxy = serve({ listeners: [], keytab: realm.keytab, rules: ["allow localhost"] });
  await using front = Deno.serve({ hostname: LOCALHOST, port: 0, onListen() {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request, { protocol: WEB_SOCKET_PROTOCOL });
    void proxy.serveConnection(connectionFromWebSocket(socket));
    return response;
  });
  const through = {
    proxy: "localhost",
    credentials: realm.tickets,
    dial: dialWebSocket(`ws://127.0.0.1:${front.addr.port}/`),
    hostname: LOCALHOST,
  };
  {
    await using connection = await connect({ ...through, port: site.addr.port });
    assert.equal(connection.protection, "confidentiality");
    assert.equal(await page(connection), "the page");
  }
  // More than a window each way, with the end handed on.
  await using connection = await connect({ ...through, port: echo.port });
  const sent = new Uint8Array(5_000_000).map((_, i) => i * 7);
  const writing = connection.write(sent).then(() => connection.closeWrite());
  const received = new Uint8Array(await new Response(connection.readable).arrayBuffer());
  await writing;
  assert.ok(received.length === sent.length && received.every((byte, i) => byte === sent[i]));
  await assert.rejects(
    connect({ ...through, dial: dialWebSocket(`ws://127.0.0.1:${site.addr.port}/`), port: 1 }),
    { name: "SocksProxyError", code: "PROXY_UNREACHABLE" },
  );
});

peerTest("transports: wss: with the certificate checked", ["openssl"], async () => {
  await using realm = await startRealmFolder();
  await using site = origin("the page");
  const { cert, key } = await certificateFor("localhost", "IP:127.0.0.2");
  await using proxy = serve({ listeners: [], keytab: realm.keytab, rules: ["allow localhost"] });
  await using front = Deno.serve({ hostname: LOCALHOST, port: 0, cert, key, onListen() {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request, { protocol: WEB_SOCKET_PROTOCOL });
    void proxy.serveConnection(connectionFromWebSocket(socket));
    return response;
  });
  const root = new URL("../..", import.meta.url).href;
  const program = `
    import { connect, dialWebSocket, systemTickets } from "${root}mod.ts";
    const dial = dialWebSocket("wss://localhost:${front.addr.port}/");
    const target = { hostname: "127.0.0.1", port: ${site.addr.port} };
    await using connection = await connect({ proxy: "localhost", dial, credentials: systemTickets(), ...target });
    await connection.write(new TextEncoder().encode("GET / HTTP/1.0\\r\\n\\r\\n"));
    console.log(await new Response(connection.readable).text());`;
  const url = `data:application/typescript,${encodeURIComponent(program)}`;
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const env = { KRB5_CONFIG: realm.krb5Conf, KRB5CCNAME: realm.ccache };
  await Deno.writeTextFile(`${realm.directory}/cert.pem`, cert);
  const trusting = ["--cert", `${realm.directory}/cert.pem`];
  const got = await run(Deno.execPath(), ["run", "-q", "-A", ...trusting, "-c", config, url], { env });
  assert.match(got.stdout, /the page\s*$/, got.stderr);
  const wary = await run(Deno.execPath(), ["run", "-q", "-A", "-c", config, url], { env, mayThrow: true });
  assert.notEqual(wary.code, 0);
});

/** Two ends of a WebSocket that is no network. */
function sockets(): { socket: WebSocket; sent: (string | Uint8Array)[]; feed(data: unknown): void } {
  const sent: (string | Uint8Array)[] = [];
  const socket = {
    readyState: WebSocket.OPEN as number,
    send: (data: string | Uint8Array) => void sent.push(data),
    close(): void {
      Object.assign(socket, { readyState: WebSocket.CLOSED });
    },
  } as unknown as WebSocket;
  return { socket, sent, feed: (data) => socket.onmessage?.({ data } as MessageEvent) };
}

Deno.test("WebSocket: a peer holds no more memory than a window, and is cut when it lies", async () => {
  const slow = sockets();
  const writer = connectionFromWebSocket(slow.socket);
  const writing = writer.write(new Uint8Array(3 << 20));
  await new Promise((resolve) => queueMicrotask(() => queueMicrotask(() => resolve(0))));
  for (let turns = 0; turns < 100; turns++) await Promise.resolve();
  const bytes = () => slow.sent.reduce((sum, data) => sum + data.length, 0);
  assert.equal(bytes(), 1 << 20);
  slow.feed(`+${1 << 20}`);
  for (let turns = 0; turns < 100; turns++) await Promise.resolve();
  assert.equal(bytes(), 2 << 20);
  slow.feed(`+${1 << 20}`);
  await writing;
  writer.close();
  for (const lie of ["+1", "+99999999", "-1", "credit", ""]) {
    const { socket, feed } = sockets();
    const connection = connectionFromWebSocket(socket);
    feed(lie);
    await assert.rejects(connection.read(), { code: "BAD_MESSAGE" });
    assert.equal(socket.readyState, WebSocket.CLOSED);
  }
  const flooded = sockets();
  const reader = connectionFromWebSocket(flooded.socket);
  for (let i = 0; i < 17; i++) flooded.feed(new ArrayBuffer(1 << 16));
  for (let i = 0; i < 16; i++) assert.equal((await reader.read())!.length, 1 << 16);
  await assert.rejects(reader.read(), { code: "TOO_LARGE" });
});

Deno.test("dialThrough(): a chain of proxies with different methods, and a KDC behind the first", async () => {
  await using realm = await startRealmFolder();
  await using site = origin("the page");
  const seen: string[] = [];
  const note = (name: string) => (event: { type: string; target?: { port: number } }) => {
    if (event.type === "connected") seen.push(`${name} ${event.target!.port}`);
  };
  await using outer = serve({
    port: 0,
    passwords: fixedPasswords({ bob: "pw" }),
    rules: ["allow localhost"],
    onEvent: note("outer"),
  });
  await using inner = serve({ port: 0, keytab: realm.keytab, rules: ["allow localhost"], onEvent: note("inner") });
  const first = dialThrough({
    proxy: outer.addr,
    auth: [passwordClient({ username: "bob", password: "pw" })],
  });
  const kdcPort = realm.kdc.port;
  const options = {
    proxy: { hostname: "localhost", port: inner.addr.port },
    dial: first,
    credentials: systemTickets({
      config: realm.kdc.config,
      principal: "alice",
      password: "alicepw",
      transport: kdcThrough(first),
    }),
    hostname: LOCALHOST,
    port: site.addr.port,
  };
  await using connection = await connect(options);
  assert.equal(await page(connection), "the page");
  assert.ok(seen.filter((text) => text === `outer ${kdcPort}`).length >= 2, `${seen}`);
  assert.deepEqual(seen.filter((text) => !text.endsWith(String(kdcPort))), [
    `outer ${inner.addr.port}`,
    `inner ${site.addr.port}`,
  ]);
});

Deno.test("upstream: rules send requests through another proxy, with Kerberos", async () => {
  await using realm = await startRealmFolder();
  await using site = origin("the page");
  const seen: string[] = [];
  await using far = serve({
    port: 0,
    keytab: realm.keytab,
    rules: ["allow localhost"],
    onEvent: (event) => void (event.type === "connected" && seen.push(event.target.hostname)),
  });
  const upstream = { proxy: { hostname: "localhost", port: far.addr.port }, credentials: realm.tickets };
  await using near = serve({
    port: 0,
    allowUnauthenticated: true,
    commands: ["connect", "udp", "bind"],
    rules: ["allow localhost,upstream=far", "allow 127.0.0.1", "deny *"],
    upstreams: { far: upstream },
  });
  const through = { proxy: near.addr, auth: [noAuthentication()], port: site.addr.port };
  await using connection = await connect({ ...through, hostname: LOCALHOST });
  assert.equal(await page(connection), "the page");
  assert.deepEqual(seen, [LOCALHOST]);
  const { bind } = await import("../../mod.ts");
  await assert.rejects(bind({ ...through, expected: { hostname: LOCALHOST, port: 0 } }), { code: "NOT_ALLOWED" });
  assert.throws(
    () => serve({ port: 0, allowUnauthenticated: true, rules: ["allow *,upstream=nowhere"] }),
    /there is no upstream "nowhere"/,
  );
});

Deno.test("upstream: names are looked up by the upstream", async () => {
  await using site = origin("the page");
  await using far = serve({
    port: 0,
    allowUnauthenticated: true,
    rules: ["allow localhost"],
    resolve: (name) => Promise.resolve(name === "only.far.example" ? [LOCALHOST] : []),
  });
  await using near = serve({
    port: 0,
    allowUnauthenticated: true,
    rules: ["allow .far.example,upstream=far"],
    upstreams: { far: { proxy: far.addr, auth: [noAuthentication()] } },
    resolve: () => Promise.reject(new Error("looked up")),
  });
  await using connection = await connect({
    proxy: near.addr,
    auth: [noAuthentication()],
    hostname: "only.far.example",
    port: site.addr.port,
  });
  assert.equal(await page(connection), "the page");
});

Deno.test("bridge: serves HTTP CONNECT and SOCKS 4 on the port of SOCKS 5", async () => {
  await using realm = await startRealmFolder();
  await using site = origin("the page");
  await using far = serve({ port: 0, keytab: realm.keytab, rules: ["allow localhost"] });
  await using local = bridge({ proxy: `localhost:${far.addr.port}`, credentials: realm.tickets, port: 0 });
  const ask = async (head: string | Uint8Array) => {
    const connection = await Deno.connect({ hostname: LOCALHOST, port: local.addr.port });
    await connection.write(typeof head === "string" ? utf8(head) : head);
    await connection.write(utf8("GET / HTTP/1.0\r\n\r\n"));
    return await new Response(connection.readable).text();
  };
  const { port } = site.addr;
  assert.match(
    await ask(`CONNECT localhost:${port} HTTP/1.1\r\nHost: localhost\r\n\r\n`),
    /^HTTP\/1.1 200 .*the page$/s,
  );
  assert.match(await ask(Uint8Array.of(4, 1, port >> 8, port & 0xff, 127, 0, 0, 1, 0)), /^\0Z.*the page$/s);
});

Deno.test("egress: targets are reached from the chosen address, over TCP and UDP", async () => {
  const seen: string[] = [];
  await using target = new TcpServer(async (connection) => {
    seen.push((connection.remoteAddr as Deno.NetAddr).hostname);
    await connection.readable.pipeTo(connection.writable);
  });
  await using udp = await udpServer((_bytes, from) => utf8(from));
  await using server = serve({
    port: 0,
    allowUnauthenticated: true,
    commands: ["connect", "udp"],
    rules: ["allow localhost"],
    egress: { addresses: ["127.0.0.7"] },
  });
  const through = { proxy: { hostname: LOCALHOST, port: server.addr.port }, auth: [noAuthentication()] };
  {
    await using connection = await connect({ ...through, hostname: LOCALHOST, port: target.port });
    const sent = new Uint8Array(1_000_000).map((_, i) => i * 7);
    const writing = connection.write(sent).then(() => connection.closeWrite());
    const received = new Uint8Array(await new Response(connection.readable).arrayBuffer());
    await writing;
    assert.ok(received.length === sent.length && received.every((byte, i) => byte === sent[i]));
  }
  assert.deepEqual(seen, ["127.0.0.7"]);
  await using datagrams = await associate(through);
  await datagrams.send(utf8("from where?"), { hostname: LOCALHOST, port: udp.port });
  assert.equal(new TextDecoder().decode((await datagrams.receive())[0]), "127.0.0.7");
  const closed = freePort();
  await assert.rejects(connect({ ...through, hostname: LOCALHOST, port: closed }), { code: "CONNECTION_REFUSED" });
  assert.throws(() => serve({ port: 0, allowUnauthenticated: true, egress: { addresses: ["eth0"] } }), TypeError);
});

Deno.test("serveConnection(): serves a connection that came from no listener", async () => {
  await using proxy = serve({ listeners: [], allowUnauthenticated: true, rules: ["allow *"] });
  const [near, far] = pipe();
  const served = proxy.serveConnection(far);
  await near.write(Uint8Array.of(5, 1, 1));
  assert.deepEqual([...(await readAll(near).catch(() => far.sent()))], [5, 0xff]);
  near.close();
  await served;
  assert.equal(proxy.sessions, 0);
});
