/**
 * UDP ASSOCIATE and BIND with Dante: its server with this client and bridge, its client library with this
 * server.
 */
import assert from "node:assert/strict";
import { associate, bind, bridge, type Endpoint, noAuthentication, serve } from "../../mod.ts";
import { socksifyEnv, startDante } from "../support/dante.ts";
import { addressQuery, answeredAddress, ncAsk, startDnsmasq } from "../support/dnsmasq.ts";
import { peer, peerTest } from "../support/peers.ts";
import { freePort, run } from "../support/process.ts";
import { startRealmFolder } from "../support/realm_folder.ts";

const LEVELS = ["integrity", "confidentiality"] as const;
const NAME = "www.gssocks.test";
const ADDRESS = "192.0.2.80";

peerTest(
  "Dante server: relays DNS queries of client and bridge at levels 1 and 2",
  ["sockd", "root's rights", "dnsmasq"],
  async () => {
    await using realm = await startRealmFolder();
    await using names = await startDnsmasq();
    await using dante = await startDante({ ...realm, levels: "integrity confidentiality" });
    const proxy = { hostname: "localhost", port: dante.port };
    const server = { hostname: "127.0.0.1", port: names.port };
    for (const protection of LEVELS) {
      await using datagrams = await associate({ proxy, credentials: realm.tickets, protection });
      assert.equal(datagrams.protection, protection);
      for (let i = 0; i < 20; i++) {
        await datagrams.send(addressQuery(NAME), server);
        const [answer, from] = await datagrams.receive();
        assert.equal(answeredAddress(answer), ADDRESS);
        assert.deepEqual(from, server);
      }
      await using local = bridge({ proxy, credentials: realm.tickets, protection, port: 0 });
      await using through = await associate({
        proxy: { hostname: "127.0.0.1", port: local.addr.port },
        auth: [noAuthentication()],
      });
      await through.send(addressQuery(NAME), server);
      assert.equal(answeredAddress((await through.receive())[0]), ADDRESS);
    }
  },
);

peerTest(
  "Dante client: nc sends DNS queries through the server at levels 1 and 2",
  ["libdsocks.so", "sockd", "dnsmasq", "nc", "root's rights"],
  async () => {
    await using realm = await startRealmFolder();
    await using names = await startDnsmasq();
    const seen: string[] = [];
    await using server = serve({
      port: 0,
      keytab: realm.keytab,
      commands: ["udp"],
      rules: [`allow localhost:${names.port},command=udp,realm=GSSOCKS.TEST`],
      onEvent: (event) => {
        if (event.type === "authenticated") seen.push(`${event.identity.name} ${event.protection}`);
        if (event.type === "associated") seen.push(event.command);
      },
    });
    for (const level of LEVELS) {
      const env = await socksifyEnv({ ...realm, proxyPort: server.addr.port, level });
      assert.equal(await ncAsk(names.port, NAME, env), ADDRESS);
      assert.deepEqual(seen.splice(0), [`alice@GSSOCKS.TEST ${level}`, "udp"]);
    }
  },
);

peerTest("Dante server: BIND works for the client at levels 1 and 2", ["sockd", "root's rights"], async () => {
  await using realm = await startRealmFolder();
  await using dante = await startDante({ ...realm, levels: "integrity confidentiality" });
  for (const protection of LEVELS) {
    await using pending = await bind({
      proxy: { hostname: "localhost", port: dante.port },
      credentials: realm.tickets,
      protection,
      expected: { hostname: "127.0.0.1", port: 0 },
    });
    const accepted = pending.accept();
    const target = await Deno.connect(pending.bound);
    const connection = await accepted;
    assert.deepEqual(connection.target, { hostname: "127.0.0.1", port: (target.localAddr as Deno.NetAddr).port });
    await target.write(new TextEncoder().encode("from the target"));
    await target.closeWrite();
    assert.equal(await new Response(connection.readable).text(), "from the target");
    connection.close();
    target.close();
  }
});

peerTest(
  "Dante client: BIND works at the server at levels 1 and 2",
  ["libdsocks.so", "sockd", "listen_once"],
  async () => {
    await using realm = await startRealmFolder();
    for (const level of LEVELS) {
      const port = freePort();
      const lines: Promise<void>[] = [];
      await using server = serve({
        port: 0,
        keytab: realm.keytab,
        commands: ["bind"],
        rules: ["allow localhost,command=bind"],
        onEvent: (event) => {
          if (event.type === "listening") lines.push(exchangeLine(event.bound));
        },
      });
      const env = await socksifyEnv({ ...realm, proxyPort: server.addr.port, level });
      const got = await run(peer("listen_once"), [String(port)], { env });
      assert.equal(got.stdout, "from the target\n", got.stderr);
      await Promise.all(lines);
      assert.equal(lines.length, 1);
    }
  },
);

/** Connects to a listener as a target does, and exchanges a line. Dante's client loses bytes that arrive with the reply. */
async function exchangeLine(listener: Endpoint): Promise<void> {
  using target = await Deno.connect(listener);
  const heard = new Uint8Array(100);
  const count = await target.read(heard);
  await target.write(new TextEncoder().encode("from the target\n"));
  assert.equal(new TextDecoder().decode(heard.subarray(0, count ?? 0)), "from the client\n");
}
