/** The library without sockets, files and permissions: in an edge runtime and in a browser. */
import assert from "node:assert/strict";
import { connectionFromWebSocket, serve, WEB_SOCKET_PROTOCOL } from "../../mod.ts";
import { bundle } from "../support/bundle.ts";
import { inChromium } from "../support/chromium.ts";
import { kdcBehindHttp } from "../support/kdc_behind_http.ts";
import { peerTest } from "../support/peers.ts";
import { run } from "../support/process.ts";
import { echoServer } from "../support/servers.ts";

const HERE = new URL(".", import.meta.url).pathname;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

Deno.test("edge: client, server, mechanism and KDC work in memory without any permission", async () => {
  const got = await run(Deno.execPath(), ["run", "-q", "--no-prompt", "-c", CONFIG, `${HERE}/memory_only.ts`]);
  assert.equal(got.code, 0, got.stderr);
  assert.deepEqual(got.stdout.trim().split("\n"), ["ok gssapi integrity 300000", "ok gssapi confidentiality 300000"]);
});

peerTest("edge: GSS-API and Kerberos work in headless Chromium on WebCrypto", ["chromium"], async () => {
  assert.equal(
    await inChromium(await bundle("tests/edge/browser_entry.ts")),
    "ok aes128-cts-hmac-sha1-96 aes256-cts-hmac-sha1-96 aes128-cts-hmac-sha256-128 aes256-cts-hmac-sha384-192",
  );
});

peerTest(
  "edge: connect() in headless Chromium reaches serve() behind Deno.serve by a WebSocket",
  ["chromium"],
  async () => {
    await using kdc = await kdcBehindHttp();
    await using echo = echoServer();
    await using proxy = serve({ listeners: [], keytab: kdc.keytab("rcmd/localhost"), rules: ["allow localhost"] });
    await using front = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
      const { socket, response } = Deno.upgradeWebSocket(request, { protocol: WEB_SOCKET_PROTOCOL });
      void proxy.serveConnection(connectionFromWebSocket(socket));
      return response;
    });
    const given = {
      given: { config: kdc.krb5Conf, proxyPort: front.addr.port, echoPort: echo.port },
      kdcUrl: kdc.url,
      proxyUrl: `ws://127.0.0.1:${front.addr.port}/`,
    };
    const got = await inChromium(await bundle("tests/edge/browser_connect.ts"), given);
    assert.equal(got, "confidentiality 300000 as sent");
  },
);
