/**
 * A real KDC gives a service new keys, and its keytab is replaced: clients are accepted without a signal to the
 * server.
 */
import assert from "node:assert/strict";
import { systemTickets } from "../../kerberos/system.ts";
import { connect, type KeytabNews, serve } from "../../mod.ts";
import { startMitKdc } from "../support/mit_kdc.ts";
import { peerTest } from "../support/peers.ts";
import { echoServer } from "../support/servers.ts";

peerTest(
  "key rotation: new and old tickets work after cpw -randkey -keepold and ktadd",
  ["krb5kdc", "kadmin.local"],
  async () => {
    await using kdc = await startMitKdc();
    await using echo = echoServer();
    await kdc.kadmin("addprinc -randkey rcmd/localhost");
    const keytab = `${kdc.directory}/rcmd.keytab`;
    await kdc.ktadd(keytab, "rcmd/localhost");
    const news: KeytabNews[] = [];
    await using server = serve({
      port: 0,
      keytab,
      rules: ["allow localhost"],
      gssapi: { onKeytab: (one) => news.push(one) },
    });
    const tickets = () => systemTickets({ config: kdc.config, principal: "alice", password: "alicepw" });
    const login = async (credentials: ReturnType<typeof tickets>) => {
      const proxy = { hostname: "localhost", port: server.addr.port };
      await using connection = await connect({ proxy, credentials, hostname: "127.0.0.1", port: echo.port });
      await connection.write(Uint8Array.of(7));
      assert.equal(await connection.read(new Uint8Array(1)), 1);
    };
    const old = tickets();
    await login(old);
    await kdc.kadmin("cpw -randkey -keepold rcmd/localhost");
    // Before the keytab is replaced, new tickets are refused; old ones work.
    await assert.rejects(login(tickets()), { code: "GSSAPI_FAILED" });
    await login(old);
    await kdc.ktadd(keytab, "rcmd/localhost");
    const fresh = tickets();
    const began = performance.now();
    while (news.length === 0) {
      await login(fresh).catch(() => {});
      assert.ok(performance.now() - began < 10_000, "the keytab is checked once a second");
    }
    await login(fresh);
    await login(old);
    assert.deepEqual(news, [{ path: keytab, error: undefined }]);
  },
);
