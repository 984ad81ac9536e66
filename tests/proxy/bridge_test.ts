/** What programs that use a bridge are told, and where and for how long it serves them. */
import assert from "node:assert/strict";
import { bridge, connect, listenUnix, noAuthentication, serve } from "../../mod.ts";
import { listenTcp } from "../../socks/mod.ts";
import { proxyStatus, shownReason } from "../../socks/server/front/http_reason.ts";
import {
  SocksAuthError,
  SocksConnectionError,
  SocksProxyError,
  SocksReplyError,
  SocksTimeoutError,
  SocksTlsError,
} from "../../socks/errors.ts";
import { gssocks } from "../support/run_cli.ts";
import { Daemon, freePort } from "../support/process.ts";
import { startRealmFolder } from "../support/realm_folder.ts";
import { scriptProxy } from "../support/scripted_proxy.ts";

const LOCALHOST = "127.0.0.1";
const auth = [noAuthentication()];

/** Everything that a server of HTTP answers to CONNECT. */
async function askHttp(port: number, target = "target.example:80"): Promise<string> {
  using client = await Deno.connect({ hostname: LOCALHOST, port });
  await client.write(new TextEncoder().encode(`CONNECT ${target} HTTP/1.1\r\n\r\n`));
  return await new Response(client.readable).text();
}

Deno.test("bridge: tells the reason: a lost proxy, no ticket, a refusal", async () => {
  await using realm = await startRealmFolder();
  const nobody = freePort();
  await using gone = bridge({ proxy: `localhost:${nobody}`, auth, port: 0 });
  const noProxy = await askHttp(gone.addr.port);
  assert.match(noProxy, /^HTTP\/1\.1 502 Bad Gateway\r\n/);
  assert.match(
    noProxy,
    /\r\nProxy-Status: gssocks; error=destination_unavailable; details="Cannot reach proxy localhost:/,
  );
  assert.match(noProxy, new RegExp(`\\r\\n\\r\\nCannot reach proxy localhost:${nobody}: .*refused.*\\n$`));
  await using server = serve({ port: 0, keytab: realm.keytab, rules: ["allow localhost"] });
  const credentials = { ...realm.tickets, service: () => Promise.reject(new Error("Ticket has expired; run kinit")) };
  await using expired = bridge({ proxy: `localhost:${server.addr.port}`, credentials: credentials as never, port: 0 });
  assert.match(await askHttp(expired.addr.port), /^HTTP\/1\.1 502 [^]*\r\n\r\n.*\n$/);
  await using allowed = bridge({ proxy: `localhost:${server.addr.port}`, credentials: realm.tickets, port: 0 });
  const denied = await askHttp(allowed.addr.port, "192.0.2.1:80");
  assert.match(
    denied,
    /^HTTP\/1\.1 403 Forbidden\r\nProxy-Status: gssocks; error=http_request_denied; details="Proxy localhost/,
  );
  assert.match(denied, /its rules do not allow it; ask its administrator \(NOT_ALLOWED\)\n$/);
});

Deno.test("bridge: names a proxy that is silent or takes no method", async () => {
  const cases: [ReturnType<typeof bridge>, RegExp][] = [];
  const through = { proxy: "proxy.example:1080", auth, port: 0 };
  const silent = () => Promise.resolve(scriptProxy([]).near);
  const words =
    "proxy proxy\\.example:1080 accepted the connection but sent nothing \\(does it want SOCKS inside TLS\\?\\)";
  cases.push([
    bridge({ ...through, dial: silent, timeouts: { connect: 100 } }),
    new RegExp(`^HTTP/1\\.1 504 [^]*target\\.example:80: no answer within 100 ms: ${words}\\n$`),
  ]);
  cases.push([
    bridge({ ...through, dial: () => new Promise(() => {}), timeouts: { connect: 100 } }),
    /no answer within 100 ms: there is no connection to proxy proxy\.example:1080 yet\n$/,
  ]);
  cases.push([
    bridge({ ...through, dial: () => Promise.resolve(scriptProxy(["05ff"]).near) }),
    /^HTTP\/1\.1 502 [^]*Proxy proxy\.example:1080 accepts none of the methods offered: none\n$/,
  ]);
  for (const [running, text] of cases) {
    await using local = running;
    assert.match(await askHttp(local.addr.port), text);
  }
});

Deno.test("serve(): gives HTTP clients no reasons", async () => {
  await using server = serve({
    port: 0,
    allowUnauthenticated: true,
    protocols: ["http"],
    rules: ["deny secret.example"],
  });
  const answer = await askHttp(server.addr.port, "secret.example:80");
  assert.match(
    answer,
    /^HTTP\/1\.1 403 Forbidden\r\nContent-Type: text\/plain; charset=utf-8\r\nContent-Length: 0\r\n/,
  );
  assert.doesNotMatch(answer, /Proxy-Status|rule/);
});

Deno.test("HTTP reason: is one line, and a string of RFC 8941 in the field", () => {
  const nasty = new SocksReplyError("CONNECTION_REFUSED", 'a"b\\c\r\nX-Forged: 1\u202e\u00fc');
  const reason = shownReason(nasty);
  assert.doesNotMatch(reason, /[\r\n]/);
  const field = proxyStatus(nasty, reason);
  assert.equal(field.split("\r\n").length, 2);
  assert.match(
    field,
    /^Proxy-Status: gssocks; error=connection_refused; details="(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"\r\n$/,
  );
  assert.ok(shownReason(new Error("x".repeat(100_000))).length < 3_000);
  const kinds: [Error, string][] = [
    [new SocksReplyError("NOT_ALLOWED", "x"), "http_request_denied"],
    [new SocksReplyError("NETWORK_UNREACHABLE", "x"), "destination_ip_unroutable"],
    [new SocksReplyError("HOST_UNREACHABLE", "x"), "destination_unavailable"],
    [new SocksTimeoutError("CONNECT_TIMEOUT", "x"), "connection_timeout"],
    [new SocksTlsError("TLS_HANDSHAKE", "x"), "tls_protocol_error"],
    [new SocksConnectionError("LOST", "x"), "connection_terminated"],
    [new SocksProxyError("PROXY_UNREACHABLE", "x"), "destination_unavailable"],
    [new SocksAuthError("GSSAPI_FAILED", "x"), "proxy_configuration_error"],
    [new Error("x"), "proxy_internal_error"],
  ];
  for (const [error, kind] of kinds) assert.match(proxyStatus(error, "x"), new RegExp(`error=${kind};`));
});

Deno.test("bridge: listens at both addresses of localhost on one port, and frees both", async () => {
  await using target = serve({ hostname: "localhost", port: 0, allowUnauthenticated: true });
  await using local = bridge({ hostname: "localhost", port: 0, proxy: target.addr, auth });
  for (const { port } of [target.addr, local.addr]) {
    for (const hostname of [LOCALHOST, "::1"]) {
      using client = await Deno.connect({ hostname, port });
      await client.write(Uint8Array.of(5, 1, 0));
      const answer = new Uint8Array(10);
      assert.equal(await client.read(answer), 2, hostname);
    }
  }
  const { port } = local.addr;
  await local[Symbol.asyncDispose]();
  for (const hostname of [LOCALHOST, "::1"]) Deno.listen({ hostname, port }).close();
});

Deno.test("bridge: refuses listeners that are not on loopback", async () => {
  const outside = listenTcp({ hostname: "0.0.0.0", port: 0 });
  assert.throws(() => bridge({ proxy: "p", auth, listeners: [outside] }), {
    message: /Cannot start bridge on 0\.0\.0\.0/,
  });
  assert.throws(() => bridge({ proxy: "p", auth, hostname: "0.0.0.0" }), { message: /only loopback addresses/ });
  // The listener was the bridge's already.
  assert.equal(await outside.accept(), undefined);
  const folder = Deno.makeTempDirSync();
  try {
    await using _ = bridge({
      proxy: "p",
      auth,
      listeners: [listenTcp({ hostname: LOCALHOST, port: 0 }), listenUnix(`${folder}/s`)],
    });
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("bridge: reads times on its command line in every form", async () => {
  for (
    const [time, fits] of [["50ms", true], ["50", true], ["never", true], ["50x", false], ["-1", false], [
      "",
      false,
    ]] as const
  ) {
    const stop = new AbortController();
    const result = await gssocks(["bridge", "--proxy", "p", "-l", "127.0.0.1:0", `--idle-timeout=${time}`], {
      signal: stop.signal,
      onErr: (text) => text.includes("Listening on") && stop.abort(),
    });
    assert.equal(result.code, fits ? 0 : 2, `${time}: ${result.err}`);
    if (!fits) {
      assert.match(result.err, /--idle-timeout takes (?:a time \(500ms, 90s|TIME, but the value is empty)/);
    }
  }
});

Deno.test("bridge: closes what is silent for longer than its timeout", async () => {
  await using origin = bridgeTarget();
  await using realm = await startRealmFolder();
  await using server = serve({ port: 0, keytab: realm.keytab, rules: ["allow localhost"] });
  const args = [
    "--proxy",
    `localhost:${server.addr.port}`,
    "-c",
    realm.ccache,
    "-l",
    "127.0.0.1:0",
    "--idle-timeout",
    "100ms",
  ];
  const program = ["run", "-A", "--no-check", new URL("../../cli/mod.ts", import.meta.url).pathname, "bridge", ...args];
  await using running = new Daemon(Deno.execPath(), program, { env: { KRB5_CONFIG: realm.krb5Conf } });
  const [, port] = await running.waitFor(/Listening on 127\.0\.0\.1:(\d+)/);
  const proxy = { hostname: LOCALHOST, port: Number(port) };
  await using connection = await connect({ proxy, auth, hostname: LOCALHOST, port: origin.port });
  await connection.read(new Uint8Array(1)).catch(() => null);
  await running.waitFor(/Nothing was sent or received for 100 ms/);
});

/** Takes connections and says nothing. */
function bridgeTarget(): AsyncDisposable & { readonly port: number } {
  const listener = Deno.listen({ hostname: LOCALHOST, port: 0 });
  const open: Deno.Conn[] = [];
  const accepting = (async () => {
    for await (const conn of listener) open.push(conn);
  })();
  return {
    port: listener.addr.port,
    async [Symbol.asyncDispose](): Promise<void> {
      listener.close();
      await accepting.catch(() => {});
      for (const conn of open) conn.close();
    },
  };
}
