/** A client that has ended what it sends and reads is answered, however long that takes; one that has left is not waited for. */
import assert from "node:assert/strict";
import { utf8 } from "../../../base/bytes.ts";
import { pause } from "../../../base/deadline.ts";
import { connect, serve } from "../../../mod.ts";
import { noAuthentication } from "../../../socks/auth/none.ts";
import { END_GRACE } from "../../../socks/stream/client_end.ts";
import type { OpenedTarget } from "../../../socks/server/targets/target.ts";
import type { Connection } from "../../../socks/stream/connection.ts";
import { dialTcp, listenTcp } from "../../../socks/shell/tcp.ts";
import { dialTls, listenTls } from "../../../socks/shell/tls.ts";
import { dialUnix, listenUnix } from "../../../socks/shell/unix.ts";
import type { ConnectionListener } from "../../../socks/stream/listener.ts";
import { proxyProtocol } from "../../../socks/stream/proxy_protocol.ts";
import { EndWatcher } from "../../../socks/stream/end_watcher.ts";
import { certificateFor } from "../../support/certificate.ts";
import { sessionEnds } from "../../support/session_transports.ts";
import { pipe, readAll, readExactly } from "../../support/pipe.ts";
import { until, within } from "../../support/waiting.ts";
import { stuckOperation } from "../../support/controlled_resources.ts";
import { makeServer } from "../../support/memory_server.ts";
import { startRealmFolder } from "../../support/realm_folder.ts";
import { hex, unhex } from "../../support/vectors.ts";

const LOCALHOST = "127.0.0.1";
const PATIENT = { timeouts: { connect: Infinity, handshake: Infinity } };
/** More than one look at whether the client is there. */
const LOOKS = 2.5 * END_GRACE;

/** Requests, and what comes back behind the choice of a method where the target says "answer". */
const REQUESTS: Readonly<Record<string, readonly [request: string, answer: string]>> = {
  "SOCKS5": ["050100" + "0501000304746573740050", "05000001c00002010063" + "616e73776572"],
  "SOCKS5, early bytes": ["050100" + "050100030474657374005061", "05000001c00002010063" + "616e73776572"],
  "RESOLVE": ["050100" + "05f0000304746573740000", "05000001c00002090000"],
  "SOCKS4": ["04010050" + "7f000001" + "00", "005a0063c0000201" + "616e73776572"],
  "HTTP": [
    hex(utf8("CONNECT test:80 HTTP/1.1\r\n\r\n")),
    hex(utf8("HTTP/1.1 200 Connection established\r\n\r\nanswer")),
  ],
};

/** A way to a server, which knows what lies underneath. */
interface Transport {
  readonly listener: ConnectionListener;
  dial(): Promise<Connection>;
}

async function everyWay(folder: string): Promise<Record<string, Transport>> {
  const at = { hostname: LOCALHOST, port: 0 };
  const { cert, key } = await certificateFor("localhost");
  const [tcp, tls, unix] = [listenTcp(at), listenTls({ ...at, cert, key }), listenUnix(`${folder}/socket`)];
  const balanced = proxyProtocol(listenTcp(at), { from: [LOCALHOST] });
  return {
    TCP: { listener: tcp, dial: () => dialTcp(tcp.addr, {}) },
    TLS: { listener: tls, dial: () => dialTls({ caCerts: [cert] })({ ...tls.addr, hostname: "localhost" }, {}) },
    Unix: { listener: unix, dial: () => dialUnix(`${folder}/socket`)(at, {}) },
    "PROXY protocol": {
      listener: balanced,
      async dial(): Promise<Connection> {
        const connection = await dialTcp(balanced.addr, {});
        await connection.write(utf8("PROXY TCP4 192.0.2.7 192.0.2.1 4000 1080\r\n"));
        return connection;
      },
    },
  };
}

/** A server, over each way, that does what is asked when the test says so. */
async function slowServer(stack: AsyncDisposableStack) {
  const folder = await Deno.makeTempDir();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const targets = Promise.withResolvers<void>();
  const reach = async (): Promise<OpenedTarget> => {
    await targets.promise;
    const [connection, theirs] = pipe();
    void theirs.write(utf8("answer")).then(() => theirs.closeWrite());
    return { connection, bound: { hostname: "192.0.2.1", port: 99 } };
  };
  const made = makeServer({
    ...PATIENT,
    auth: [noAuthentication()],
    protocols: ["socks4", "http"],
    open: reach,
    resolve: () => targets.promise.then(() => "192.0.2.9"),
  });
  const ways = await everyWay(folder);
  for (const { listener } of Object.values(ways)) void made.server.listen(listener);
  stack.use(made.server);
  return { ...made, ways, targets };
}

/** Sends every request over every way; each is under way then. */
async function askAll({ ways, server }: Awaited<ReturnType<typeof slowServer>>) {
  const clients: { what: string; client: Connection; answer: string }[] = [];
  for (const [through, way] of Object.entries(ways)) {
    for (const [protocol, [request, answer]] of Object.entries(REQUESTS)) {
      const client = await way.dial();
      await client.write(unhex(request));
      // Whoever leaves with bytes unread resets, which would be more than an end.
      if (request.startsWith("05")) await readExactly(client, 2);
      clients.push({ what: `${protocol} over ${through}`, client, answer });
    }
  }
  await until(() => server.liveSessions().filter(({ command }) => command !== undefined).length === clients.length);
  return clients;
}

Deno.test("half-closed client: gets its reply when it reads, over each transport", async () => {
  await using stack = new AsyncDisposableStack();
  const slow = await slowServer(stack);
  const clients = await askAll(slow);
  for (const { client } of clients) await client.closeWrite();
  await pause(LOOKS);
  assert.equal(slow.server.sessions, clients.length);
  slow.targets.resolve();
  for (const { what, client, answer } of clients) {
    assert.equal(hex(await within(5_000, what, readAll(client))), answer, what);
    client.close();
  }
});

Deno.test("half-closed client: is given up when it has left, over each transport", async () => {
  await using stack = new AsyncDisposableStack();
  const slow = await slowServer(stack);
  const clients = await askAll(slow);
  for (const { client } of clients) client.close();
  await within(5_000, "left", until(() => slow.server.sessions === 0));
  assert.deepEqual(slow.refusals(), clients.map(() => "LOST"));
});

Deno.test("half-closed client: is answered or given up, at each level", async () => {
  await using realm = await startRealmFolder();
  const targets = Promise.withResolvers<void>();
  await using server = serve({
    port: 0,
    ...PATIENT,
    keytab: realm.keytab,
    protection: ["none", "integrity", "confidentiality"],
    rules: ["allow localhost"],
    async dial(): Promise<Connection> {
      await targets.promise;
      const [ours, theirs] = pipe();
      void theirs.write(utf8("answer")).then(() => theirs.closeWrite());
      return ours;
    },
  });
  for (const leaves of [true, false]) {
    const reaching = (["none", "integrity", "confidentiality"] as const).map((protection) => {
      let under: Connection | undefined;
      const connecting = connect({
        proxy: { hostname: "localhost", port: server.addr.port },
        credentials: realm.tickets,
        protection: protection,
        hostname: LOCALHOST,
        port: 9,
        timeout: Infinity,
        dial: async (_, options) => under = await dialTcp({ hostname: LOCALHOST, port: server.addr.port }, options),
      });
      connecting.catch(() => {});
      return { connecting, under: () => under! };
    });
    await until(() => server.liveSessions().filter(({ command }) => command !== undefined).length === 3);
    for (const { under } of reaching) {
      if (leaves) under().close();
      else await under().closeWrite();
    }
    if (leaves) {
      await within(5_000, "left", until(() => server.sessions === 0));
      continue;
    }
    await pause(LOOKS);
    assert.equal(server.sessions, 3);
    targets.resolve();
    for (const { connecting } of reaching) {
      await using connection = await within(5_000, "answered", connecting);
      assert.equal(await new Response(connection.readable).text(), "answer");
    }
  }
});

Deno.test("half-closed client: is probed while early bytes fill the buffer", async () => {
  await using stack = new AsyncDisposableStack();
  const { server, events, ways } = await slowServer(stack);
  const client = await ways.TCP!.dial();
  await client.write(unhex(REQUESTS.SOCKS5![0]));
  await until(() => server.liveSessions().some(({ command }) => command === "connect"));
  client.write(new Uint8Array(16_777_216)).catch(() => {});
  await pause(END_GRACE);
  // Bytes that it has not read: its system resets.
  client.close();
  await within(5_000, "reset", until(() => server.sessions === 0));
  assert.deepEqual(sessionEnds(events).map(({ error }) => (error as { code?: string }).code), ["LOST"]);
});

Deno.test("half-closed client: gets no early byte unless it has ended and waits", async () => {
  for (const how of ["says nothing", "has said much", "has ended"]) {
    const targets = stuckOperation<OpenedTarget>();
    const { server } = makeServer({ ...PATIENT, open: () => targets.make() });
    const [client, far] = pipe();
    const writes: string[] = [];
    const served = server.serve({
      ...far,
      probe: () => Promise.resolve(),
      write: (bytes) => (writes.push(hex(bytes)), far.write(bytes)),
    });
    await client.write(unhex(REQUESTS.SOCKS5![0]));
    await targets.started;
    if (how === "has said much") { for (let i = 0; i < 5; i++) await client.write(new Uint8Array(16_384)); }
    if (how === "has ended") await client.closeWrite();
    else await pause(LOOKS);
    const [connection, theirs] = pipe();
    targets.resolve({ connection, bound: { hostname: "192.0.2.1", port: 99 } });
    await until(() => writes.length === 2);
    // The look at it is over with the answer.
    await pause(LOOKS);
    assert.deepEqual(writes, ["0500", "05000001c00002010063"], how);
    const carried = readAll(theirs);
    if (how !== "has ended") await client.closeWrite();
    await carried;
    await theirs.closeWrite();
    await served;
  }
});

Deno.test("EndWatcher: reports once that it is full", async () => {
  const [near, far] = pipe();
  const ahead = new EndWatcher(far);
  let full = 0;
  ahead.watch(() => {}, () => void full++);
  for (let i = 0; i < 4; i++) {
    assert.equal(full, 0);
    await near.write(new Uint8Array(16_384));
  }
  await within(5_000, "full", until(() => full === 1));
});
