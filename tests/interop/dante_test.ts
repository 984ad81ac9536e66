/** Dante with protected data: its server with this client and bridge, and its client with this server. */
import assert from "node:assert/strict";
import { bridge, connect, type ProtectionLevel, serve, SocksAuthError } from "../../mod.ts";
import { socksifyEnv, startDante } from "../support/dante.ts";
import { peer, peerTest } from "../support/peers.ts";
import { run } from "../support/process.ts";
import { startRealmFolder } from "../support/realm_folder.ts";
import { echoServer, origin } from "../support/servers.ts";

const LEVELS: readonly (readonly [ProtectionLevel, string])[] = [["integrity", "integrity"], [
  "confidentiality",
  "confidentiality",
]];
const ENCTYPES = [17, 18, 19, 20];

async function echoed(
  connection: { readable: ReadableStream<Uint8Array>; writable: WritableStream<Uint8Array> },
): Promise<void> {
  const sent = new Uint8Array(1 << 20).map((_, i) => i * 7);
  const writing = (async () => {
    const writer = connection.writable.getWriter();
    for (let at = 0; at < sent.length; at += 100_000) await writer.write(sent.subarray(at, at + 100_000));
    await writer.close();
  })();
  const received = new Uint8Array(await new Response(connection.readable).arrayBuffer());
  await writing;
  assert.ok(received.length === sent.length && received.every((byte, i) => byte === sent[i]));
}

peerTest(
  "Dante server: carries a megabyte at levels 1 and 2 with all four enctypes",
  ["sockd", "root's rights"],
  async () => {
    for (const enctype of ENCTYPES) {
      await using realm = await startRealmFolder({ enctypes: [enctype] });
      await using dante = await startDante({ ...realm, levels: "integrity confidentiality" });
      await using echo = echoServer();
      for (const [protection] of LEVELS) {
        await using connection = await connect({
          proxy: { hostname: "localhost", port: dante.port },
          hostname: "127.0.0.1",
          port: echo.port,
          credentials: realm.tickets,
          protection,
        });
        assert.equal(connection.protection, protection);
        await echoed(connection);
      }
    }
  },
);

peerTest(
  "Dante server: is used without protection only where the client allows it",
  ["sockd", "root's rights"],
  async () => {
    await using realm = await startRealmFolder();
    await using dante = await startDante({ ...realm, levels: "clear" });
    await using echo = echoServer();
    const options = {
      proxy: { hostname: "localhost", port: dante.port },
      hostname: "127.0.0.1",
      port: echo.port,
      credentials: realm.tickets,
    };
    await using connection = await connect({ ...options, protection: "none" });
    await echoed(connection);
    // Dante closes the connection at a level that it does not accept.
    await assert.rejects(connect(options));
  },
);

peerTest("Dante server: the client reports an unreachable target", ["sockd", "root's rights"], async () => {
  await using realm = await startRealmFolder();
  await using dante = await startDante({ ...realm, levels: "confidentiality" });
  const { freePort } = await import("../support/process.ts");
  await assert.rejects(
    connect({
      proxy: { hostname: "localhost", port: dante.port },
      hostname: "127.0.0.1",
      port: freePort(),
      credentials: realm.tickets,
    }),
    { name: "SocksReplyError", code: "CONNECTION_REFUSED" },
  );
});

peerTest("Dante server: fetch gets a page through the bridge", ["sockd", "root's rights"], async () => {
  await using realm = await startRealmFolder();
  await using dante = await startDante({ ...realm, levels: "integrity confidentiality" });
  await using site = origin("the page");
  await using local = bridge({ proxy: `localhost:${dante.port}`, credentials: realm.tickets, port: 0 });
  using client = Deno.createHttpClient({ proxy: { url: `socks5h://127.0.0.1:${local.addr.port}` } });
  assert.equal(await (await fetch(`http://127.0.0.1:${site.addr.port}/`, { client })).text(), "the page");
});

peerTest(
  "Dante client: gets a page through the server at levels 1 and 2",
  ["libdsocks.so", "sockd", "curl"],
  async () => {
    await using realm = await startRealmFolder();
    const page = "0123456789abcdef".repeat(100_000);
    await using site = origin(page);
    const events: string[] = [];
    await using server = serve({
      port: 0,
      keytab: realm.keytab,
      rules: ["allow localhost"],
      onEvent: (event) => {
        if (event.type === "authenticated") events.push(`${event.identity.name} ${event.protection}`);
      },
    });
    for (const [protection, level] of LEVELS) {
      const env = await socksifyEnv({ ...realm, proxyPort: server.addr.port, level });
      const got = await run(peer("curl"), ["-sS", "--fail", `http://127.0.0.1:${site.addr.port}/`], { env });
      assert.equal(got.code, 0, got.stderr);
      assert.ok(got.stdout === page);
      assert.equal(events.at(-1), `alice@GSSOCKS.TEST ${protection}`);
    }
  },
);

peerTest(
  "Dante client: is refused a level that the server does not grant",
  ["libdsocks.so", "sockd", "curl"],
  async () => {
    await using realm = await startRealmFolder();
    await using site = origin("the page");
    const refused: Error[] = [];
    await using server = serve({
      port: 0,
      keytab: realm.keytab,
      rules: ["allow localhost"],
      protection: ({ asked }) => asked === "confidentiality" ? asked : undefined,
      onEvent: (event) => {
        if (event.type === "refused") refused.push(event.error);
      },
    });
    const env = await socksifyEnv({ ...realm, proxyPort: server.addr.port, level: "integrity" });
    const got = await run(peer("curl"), ["-sS", "--fail", "-m", "10", `http://127.0.0.1:${site.addr.port}/`], { env });
    assert.notEqual(got.code, 0);
    assert.ok(refused[0] instanceof SocksAuthError && refused[0].code === "PROTECTION_TOO_WEAK");
  },
);

peerTest(
  "Dante: NEC mode works with server and client where both sides enable it",
  ["sockd", "libdsocks.so", "root's rights", "curl"],
  async () => {
    await using realm = await startRealmFolder();
    await using dante = await startDante({ ...realm, levels: "confidentiality", necMode: true });
    await using echo = echoServer();
    await using site = origin("the page");
    const options = {
      proxy: { hostname: "localhost", port: dante.port },
      hostname: "127.0.0.1",
      port: echo.port,
      credentials: realm.tickets,
    };
    await using connection = await connect({ ...options, insecureNecMode: true });
    assert.equal(connection.protection, "confidentiality");
    await echoed(connection);

    await using server = serve({
      port: 0,
      keytab: realm.keytab,
      rules: ["allow localhost"],
      gssapi: { insecureNecMode: true },
    });
    const env = await socksifyEnv({
      ...realm,
      proxyPort: server.addr.port,
      level: "confidentiality",
      necMode: true,
    });
    const got = await run(peer("curl"), ["-sS", "--fail", `http://127.0.0.1:${site.addr.port}/`], { env });
    assert.equal(got.stdout, "the page", got.stderr);
    // Without the option NEC mode is not used, and the connection fails.
    await assert.rejects(connect({ ...options, proxy: { hostname: "localhost", port: server.addr.port } }));
    await using strict = serve({ port: 0, keytab: realm.keytab, rules: ["allow localhost"] });
    await assert.rejects(
      connect({ ...options, proxy: { hostname: "localhost", port: strict.addr.port }, insecureNecMode: true }),
    );
  },
);

peerTest("Dante server: accepts Kerberos inside SPNEGO", ["sockd", "root's rights"], async () => {
  await using realm = await startRealmFolder();
  await using dante = await startDante({ ...realm, levels: "confidentiality" });
  await using server = serve({ port: 0, keytab: realm.keytab, rules: ["allow localhost"] });
  await using echo = echoServer();
  // This server accepts it too, without an option.
  for (const port of [dante.port, server.addr.port]) {
    await using connection = await connect({
      proxy: { hostname: "localhost", port },
      hostname: "127.0.0.1",
      port: echo.port,
      credentials: realm.tickets,
      spnego: true,
    });
    assert.equal(connection.protection, "confidentiality");
    await echoed(connection);
  }
});
