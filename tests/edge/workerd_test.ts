/** Cloudflare's runtime, really run: a client over its own sockets, and the server's end behind a WebSocket. */
import assert from "node:assert/strict";
import { encodeBase64 } from "@std/encoding/base64";
import { startTestKdc } from "../../kerberos/kdc/mod.ts";
import { connect, dialWebSocket, serve, systemTickets } from "../../mod.ts";
import { bundle } from "../support/bundle.ts";
import { peer, peerTest } from "../support/peers.ts";
import { Daemon, freePort } from "../support/process.ts";
import { echoServer } from "../support/servers.ts";

peerTest(
  "workerd: password login, sealed CONNECT over its sockets; and the server behind a WebSocket",
  ["workerd"],
  async () => {
    await using kdc = await startTestKdc({ principals: { alice: "secret", "rcmd/localhost": {} } });
    await using echo = echoServer();
    const keytab = kdc.keytab("rcmd/localhost");
    await using proxy = serve({ port: 0, keytab, rules: ["allow localhost"] });
    const folder = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${folder}/worker.js`, await bundle("tests/edge/worker.ts", ["cloudflare:sockets"]));
      const port = freePort();
      const given = { config: kdc.krb5Conf, proxyPort: proxy.addr.port, echoPort: echo.port };
      const bindings = { GIVEN: JSON.stringify(given), KEYTAB: encodeBase64(keytab.encode()) };
      await Deno.writeTextFile(`${folder}/config.capnp`, configuration(port, bindings));
      await using worker = new Daemon(peer("workerd"), ["serve", `${folder}/config.capnp`, "--verbose"]);
      const answer = await fetched(`http://127.0.0.1:${port}/client`, worker);
      assert.equal(answer, "confidentiality 300000 as sent");

      const credentials = systemTickets({ config: kdc.config, principal: "alice", password: "secret" });
      const dial = dialWebSocket(`ws://127.0.0.1:${port}/`);
      const target = { hostname: "127.0.0.1", port: echo.port };
      await using connection = await connect({ proxy: "localhost", dial, credentials, ...target });
      assert.equal(connection.protection, "confidentiality");
      await connection.write(new TextEncoder().encode("through a worker"));
      await connection.closeWrite();
      assert.equal(await new Response(connection.readable).text(), "through a worker");
      const refused = connect({ proxy: "localhost", dial, credentials, hostname: "192.0.2.1", port: 9 });
      await assert.rejects(refused, { code: "NOT_ALLOWED" });
      // It would wait for connections that `fetch` keeps.
      Deno.kill(worker.pid, "SIGKILL");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

/** A worker with two texts, that may reach this machine. It has no compatibility with Node. */
function configuration(port: number, bindings: Readonly<Record<string, string>>): string {
  const texts = Object.entries(bindings).map(([name, text]) => `(name = "${name}", text = ${JSON.stringify(text)})`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker.js", esModule = embed "worker.js")],
      bindings = [${texts.join(", ")}],
      compatibilityDate = "2026-01-01",
    )),
    (name = "internet", network = (allow = ["private", "public"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
`;
}

/** The body of a page, once the server is there. */
async function fetched(url: string, server: Daemon): Promise<string> {
  for (;;) {
    try {
      return await (await fetch(url)).text();
    } catch (error) {
      if (await Promise.race([server.ended.then(() => true), new Promise((resolve) => setTimeout(resolve, 20))])) {
        throw new Error(server.output, { cause: error });
      }
    }
  }
}
