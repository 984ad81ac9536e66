/** The service name of a proxy apart from its address: connect(), bridge() and upstreams of serve(). */
import assert from "node:assert/strict";
import { bridge, connect, noAuthentication, serve, SocksAuthError } from "../../mod.ts";
import { serviceAt } from "../../gss/names.ts";
import { gssocks } from "../support/run_cli.ts";
import { startRealmFolder } from "../support/realm_folder.ts";
import { echoServer } from "../support/servers.ts";

const LOCALHOST = "127.0.0.1";

Deno.test("serviceAt(): reads NAME, NAME@HOST and NAME/HOST, and nothing else", () => {
  for (
    const [text, name] of [
      ["rcmd", "rcmd@proxy"],
      ["socks@Proxy.Corp.", "socks@proxy.corp"],
      ["rcmd/proxy.corp", "rcmd@proxy.corp"],
    ] as const
  ) assert.deepEqual({ ...serviceAt(text, "proxy") }, { type: "hostbased-service", text: name });
  for (
    const text of ["", "@", "rcmd@", "@host", "rcmd/host@REALM", "a@b@c", "a/b/c", "rcmd @host", "rcmd@ho st", 7, {}]
  ) {
    assert.throws(() => serviceAt(text as string, "proxy"), TypeError, String(text));
  }
});

Deno.test("service: reaches a proxy whose address is not in its keytab", async () => {
  await using realm = await startRealmFolder();
  await using echo = echoServer();
  await using server = serve({ port: 0, keytab: realm.keytab, rules: ["allow localhost"] });
  const through = { proxy: `${LOCALHOST}:${server.addr.port}`, credentials: realm.tickets };
  const target = { hostname: LOCALHOST, port: echo.port };
  for (const service of ["rcmd@localhost", "rcmd/localhost"]) {
    await using connection = await connect({ ...through, ...target, service });
    assert.equal(connection.protection, "confidentiality");
    await using local = bridge({ ...through, service, port: 0 });
    const proxy = { hostname: LOCALHOST, port: local.addr.port };
    (await connect({ proxy, auth: [noAuthentication()], ...target })).close();
  }
  await using front = serve({
    port: 0,
    allowUnauthenticated: true,
    rules: ["allow *,upstream=inner", "allow localhost,upstream=inner"],
    upstreams: { inner: { ...through, service: "rcmd@localhost" } },
  });
  const proxy = { hostname: LOCALHOST, port: front.addr.port };
  (await connect({ proxy, auth: [noAuthentication()], ...target })).close();
});

Deno.test("service: the error for an unknown one says what was asked for and what to give", async () => {
  await using realm = await startRealmFolder();
  await using server = serve({ port: 0, keytab: realm.keytab, rules: ["allow localhost"] });
  const through = { proxy: `${LOCALHOST}:${server.addr.port}`, credentials: realm.tickets };
  await assert.rejects(connect({ ...through, hostname: "localhost", port: 1 }), (error: SocksAuthError) => {
    assert.equal((error.cause as { code?: string }).code, "KDC_ERR_S_PRINCIPAL_UNKNOWN");
    assert.match(
      error.message,
      /name in its keytab; asked for rcmd@127\.0\.0\.1: give that name as the proxy's address, .*--service/,
    );
    return error instanceof SocksAuthError;
  });
  for (const service of ["rcmd@", "rcmd/localhost@REALM"]) {
    assert.throws(() => bridge({ ...through, service, port: 0 }), TypeError);
    for (const command of [["connect", "h", "1"], ["bridge", "-l", "127.0.0.1:0"]]) {
      const result = await gssocks([...command, "--proxy", "p", "--service", service]);
      assert.equal(result.code, 2, result.err);
      assert.match(result.err, /Cannot use service "rcmd.*NAME@HOST/);
    }
  }
});
