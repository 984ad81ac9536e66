// deno-lint-ignore-file no-console
/**
 * Calls everything that opens something in a runtime that has nothing of Deno or Node, and prints the errors, one a line.
 *
 * @module
 */
import type * as Main from "../../mod.ts";
import type * as Kerberos from "../../kerberos/mod.ts";
import type * as Kdc from "../../kerberos/kdc/mod.ts";
import type * as Socks from "../../socks/mod.ts";

const print = console.log;
const globals = globalThis as unknown as Record<string, unknown>;
delete globals["Deno"];
delete globals["process"];
const [main, kerberos, { startTestKdc }, socks]: [typeof Main, typeof Kerberos, typeof Kdc, typeof Socks] =
  await Promise
    .all([
      import("../../mod.ts"),
      import("../../kerberos/mod.ts"),
      import("../../kerberos/kdc/mod.ts"),
      import("../../socks/mod.ts"),
    ]);

const target = { hostname: "192.0.2.1", port: 1 };
const auth = [main.noAuthentication()];
const config = kerberos.parseKrb5Conf({
  name: "test",
  text: "[libdefaults]\n default_realm = T\n[realms]\n T = {\n  kdc = 192.0.2.1\n }\n",
});
const identity = { cert: "", key: "" };
const open: Readonly<Record<string, () => unknown>> = {
  "connect()": () => main.connect({ proxy: "192.0.2.1", auth, ...target }),
  "connect() without credentials": () =>
    main.connect({ proxy: "192.0.2.1", dial: () => new Promise(() => {}), ...target }),
  "associate()": () => main.associate({ proxy: "192.0.2.1", auth }),
  "dialThrough()": () => main.dialThrough({ proxy: "192.0.2.1", auth })(target, {}),
  "serve()": () => main.serve({ port: 0, allowUnauthenticated: true }),
  "serve() with a path": () => main.serve({ listeners: [], keytab: "/etc/krb5.keytab" }),
  "bridge()": () => main.bridge({ proxy: "192.0.2.1", auth, port: 0 }),
  "systemResolver()": () => main.systemResolver("example.com", {}),
  "systemReverse()": () => socks.systemReverse("192.0.2.1", {}),
  "systemTickets()": () => main.systemTickets(),
  "systemTickets().initialTicket()": () =>
    main.systemTickets({ config, principal: "alice", password: "secret" }).initialTicket(),
  "startTestKdc()": () => startTestKdc(),
  "loadConfig()": () => kerberos.loadConfig(),
  "readKeytab()": () => kerberos.readKeytab("/etc/krb5.keytab"),
  "writeKeytab()": () => kerberos.writeKeytab("/tmp/keytab", new kerberos.Keytab([])),
  "KeytabFile": () => new kerberos.KeytabFile("/etc/krb5.keytab"),
  "FileCredentialCache.load()": () => new kerberos.FileCredentialCache("/tmp/ccache").load(),
  "openCredentialCache(DIR:)": () => kerberos.openCredentialCache("DIR:/tmp/caches").load(),
  "openCredentialCache(KCM:)": () => kerberos.openCredentialCache("KCM:").load(),
  "dialTcp()": () => socks.dialTcp(target, {}),
  "listenTcp()": () => socks.listenTcp(target),
  "dialFrom()": () => socks.dialFrom(["192.0.2.1"]),
  "dialUnix()": () => main.dialUnix("/tmp/socket"),
  "listenUnix()": () => main.listenUnix("/tmp/socket"),
  "dialTls()": () => main.dialTls(),
  "listenTls()": () => main.listenTls({ ...target, ...identity }),
  "tlsOver()": () => socks.tlsOver({ close() {} } as Socks.Connection, { hostname: "example.com" }),
  "bindUdp()": () => socks.bindUdp({ ...target, onDatagram() {} }),
};
for (const [name, call] of Object.entries(open)) {
  try {
    await call();
    print(`${name}: no error`);
  } catch (error) {
    print(`${name}: ${error instanceof Error ? error.message : error}`);
  }
}
