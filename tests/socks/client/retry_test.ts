/** A proxy that refuses a ticket for the time is asked once more, by the right clock, in the same call. */
import assert from "node:assert/strict";
import { GssError } from "../../../gss/status.ts";
import { connect, serve, systemTickets } from "../../../mod.ts";
import type { ClientAuthMethod } from "../../../socks/auth/method.ts";
import { SocksAuthError } from "../../../socks/errors.ts";
import { FileCredentialCache } from "../../../kerberos/credentials/shell/stores.ts";
import { parsePrincipal } from "../../../kerberos/principal.ts";
import { startRealmFolder } from "../../support/realm_folder.ts";
import { echoServer, TcpServer } from "../../support/servers.ts";

Deno.test("client calls: correct a cached clock offset within the call", async () => {
  await using realm = await startRealmFolder();
  await using echo = echoServer();
  const refused: string[] = [];
  await using server = serve({
    port: 0,
    keytab: realm.keytab,
    rules: ["allow localhost"],
    onEvent: (event) => event.type === "refused" && refused.push(event.error.message),
  });
  const cache = new FileCredentialCache(realm.ccache);
  const { config } = realm.kdc;
  await systemTickets({ config, cache }).serviceTicket(parsePrincipal("rcmd/localhost@GSSOCKS.TEST"));
  const data = (await cache.load())!;
  for (const kdcOffset of [3_600_000, -7_200_000]) {
    await cache.initialize({ ...data, kdcOffset });
    const through = { proxy: `localhost:${server.addr.port}`, credentials: systemTickets({ config, cache }) };
    await using connection = await connect({ ...through, hostname: "localhost", port: echo.port });
    await connection.write(new Uint8Array([7]));
    assert.equal(await connection.read(new Uint8Array(1)), 1);
    assert.equal((await cache.load())!.kdcOffset ?? 0, 0);
  }
  // The second offset contradicts the ticket's own start, so that nobody had to refuse it.
  assert.equal(refused.length, 1);
});

Deno.test("client calls: retry once, and only after a refusal that allows it", async () => {
  let connections = 0;
  await using proxy = new TcpServer(async (connection) => {
    connections++;
    await connection.read(new Uint8Array(10));
    await connection.write(new Uint8Array([5, 1]));
    while (await connection.read(new Uint8Array(10)) !== null);
  });
  const failing = (cause: unknown): ClientAuthMethod => ({
    code: 1,
    name: "gssapi",
    authenticate: () => Promise.reject(new SocksAuthError("GSSAPI_FAILED", "refused", { cause })),
  });
  const init = { major: "FAILURE", code: "KRB_AP_ERR_SKEW" } as const;
  const cases: [cause: unknown, connections: number][] = [
    [new GssError("refused", { ...init, again: true }), 2],
    [new GssError("refused", init), 1],
    [undefined, 1],
  ];
  for (const [cause, wanted] of cases) {
    connections = 0;
    const options = { proxy: `127.0.0.1:${proxy.port}`, auth: [failing(cause)], hostname: "localhost", port: 1 };
    await assert.rejects(connect(options), { code: "GSSAPI_FAILED" });
    assert.equal(connections, wanted);
  }
});
