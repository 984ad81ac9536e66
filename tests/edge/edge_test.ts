/** The library without sockets, files and permissions: in an edge runtime and in a browser. */
import assert from "node:assert/strict";
import { peer, peerTest } from "../support/peers.ts";
import { Daemon, run } from "../support/process.ts";

const HERE = new URL(".", import.meta.url).pathname;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

Deno.test("edge: client, server, mechanism and KDC work in memory without any permission", async () => {
  const got = await run(Deno.execPath(), ["run", "-q", "--no-prompt", "-c", CONFIG, `${HERE}/memory_only.ts`]);
  assert.equal(got.code, 0, got.stderr);
  assert.deepEqual(got.stdout.trim().split("\n"), ["ok gssapi integrity 300000", "ok gssapi confidentiality 300000"]);
});

peerTest("edge: GSS-API and Kerberos work in headless Chromium on WebCrypto", ["chromium"], async () => {
  const directory = await Deno.makeTempDir();
  try {
    const bundled = await run(Deno.execPath(), [
      "bundle",
      "-q",
      "-c",
      CONFIG,
      "--platform",
      "browser",
      "-o",
      `${directory}/b.js`,
      `${HERE}/browser_entry.ts`,
    ]);
    assert.equal(bundled.code, 0, bundled.stderr);
    const script = await Deno.readTextFile(`${directory}/b.js`);
    const result = Promise.withResolvers<string>();
    await using site = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/result") result.resolve(await request.text());
      if (pathname === "/b.js") return new Response(script, { headers: { "content-type": "text/javascript" } });
      const page = '<!doctype html><script type="module" src="/b.js"></script>';
      return new Response(page, { headers: { "content-type": "text/html" } });
    });
    const flags = [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--remote-debugging-port=0",
      `--user-data-dir=${directory}/profile`,
    ];
    await using _browser = new Daemon(peer("chromium"), [...flags, `http://127.0.0.1:${site.addr.port}/`], {
      env: { HOME: directory },
      group: true,
    });
    assert.equal(
      await result.promise,
      "ok aes128-cts-hmac-sha1-96 aes256-cts-hmac-sha1-96 aes128-cts-hmac-sha256-128 aes256-cts-hmac-sha384-192",
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
