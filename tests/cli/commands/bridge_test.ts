/** The command bridge: where its tickets come from, and what its log tells about them. */
import assert from "node:assert/strict";
import { connect, noAuthentication, serve, systemTickets, type UpdatableServer } from "../../../mod.ts";
import { FileCredentialCache, writeKeytab } from "../../../kerberos/credentials/shell/stores.ts";
import { Daemon, run } from "../../support/process.ts";
import { type RealmFolder, startRealmFolder } from "../../support/realm_folder.ts";
import { echoServer, type TcpServer } from "../../support/servers.ts";

const LOCALHOST = "127.0.0.1";
const CLI = ["run", "-A", "--no-check", new URL("../../../cli/mod.ts", import.meta.url).pathname];

/** A realm, a proxy with Kerberos and a target. */
interface Site extends AsyncDisposable {
  readonly realm: RealmFolder;
  readonly server: UpdatableServer;
  readonly echo: TcpServer;
  /** Arguments of a bridge there. */
  readonly args: readonly string[];
  readonly env: Record<string, string>;
}

async function startSite(): Promise<Site> {
  const stack = new AsyncDisposableStack();
  const realm = stack.use(await startRealmFolder({ principals: { backup: {} } }));
  await writeKeytab(`${realm.directory}/backup.keytab`, realm.kdc.keytab("backup"));
  const server = stack.use(serve({ port: 0, keytab: realm.keytab, rules: ["allow localhost"] }));
  const echo = stack.use(echoServer());
  return {
    realm,
    server,
    echo,
    args: [...CLI, "bridge", "-p", `localhost:${server.addr.port}`, "-l", "127.0.0.1:0"],
    env: { KRB5_CONFIG: realm.krb5Conf, KRB5CCNAME: `FILE:${realm.directory}/none` },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Connects through a bridge to the target; returns whether that worked. */
async function works(local: Daemon, { echo }: Site): Promise<boolean> {
  const [, port] = await local.waitFor(/Listening on 127\.0\.0\.1:(\d+)/);
  const proxy = { hostname: LOCALHOST, port: Number(port) };
  const made = await connect({ proxy, auth: [noAuthentication()], hostname: LOCALHOST, port: echo.port }).catch(() =>
    null
  );
  made?.close();
  return made !== null;
}

Deno.test("bridge: gets tickets with a keytab or a password, and logs as whom it uses the proxy", async () => {
  await using site = await startSite();
  const { directory } = site.realm;
  await Deno.writeTextFile(`${directory}/pw`, "alicepw\nsecond line\n");
  const via = `via localhost:${site.server.addr.port}, confidentiality`;
  for (
    const [credentials, user] of [
      [["--keytab", `${directory}/backup.keytab`], "backup@GSSOCKS.TEST"],
      [["--principal", "alice", "--password-file", `${directory}/pw`], "alice@GSSOCKS.TEST"],
    ] as const
  ) {
    await using local = new Daemon(Deno.execPath(), [...site.args, ...credentials], { env: site.env });
    assert.ok(await works(local, site));
    await local.waitFor(new RegExp(`connected \\S+ to ${LOCALHOST}:${site.echo.port} as ${user} ${via}`));
    await local.waitFor(new RegExp(`ticket of ${user} until \\S+Z, a new one is requested before that`));
    assert.doesNotMatch(local.output, /alicepw|authenticated|unauthenticated/);
  }
});

Deno.test("bridge: tells in JSON as whom and how it uses the proxy", async () => {
  await using site = await startSite();
  const keytab = ["--json", "--keytab", `${site.realm.directory}/backup.keytab`, "--principal", "backup@GSSOCKS.TEST"];
  await using local = new Daemon(Deno.execPath(), [...site.args, ...keytab], { env: site.env });
  assert.ok(await works(local, site));
  const [line] = await local.waitFor(/\{.*"event":"connected".*\}/);
  assert.deepEqual(JSON.parse(line!).through, {
    proxy: `localhost:${site.server.addr.port}`,
    user: "backup@GSSOCKS.TEST",
    protection: "confidentiality",
  });
  const [ticket] = await local.waitFor(/\{.*"event":"ticket".*\}/);
  const { state, user, level } = JSON.parse(ticket!);
  assert.deepEqual([state, user, level], ["good", "backup@GSSOCKS.TEST", "info"]);
});

Deno.test("bridge: warns without a ticket, and says once that connections fail and that they work again", async () => {
  await using site = await startSite();
  await using local = new Daemon(Deno.execPath(), site.args, { env: site.env });
  await local.waitFor(
    /Warning: no ticket to use the proxy with: no credentials cache found \(FILE:\S+\/none\); run kinit first/,
  );
  for (let i = 0; i < 3; i++) assert.ok(!await works(local, site));
  const { kdc: { config } } = site.realm;
  const cache = new FileCredentialCache(site.env["KRB5CCNAME"]!);
  await systemTickets({ config, principal: "alice", password: "alicepw", cache }).initialTicket();
  assert.ok(await works(local, site));
  await local.waitFor(/the proxy can be used again; further connections refused for the same reason meanwhile: 2/);
  await local.waitFor(/connected \S+ to .* as alice@GSSOCKS\.TEST via /);
  assert.equal(local.output.match(/refused/g)?.length, 2, local.output);
});

Deno.test("bridge: starts while no KDC can be reached, and not with a wrong password", async () => {
  await using site = await startSite();
  const password = [...site.args, "--principal", "alice", "--password-file", "STDIN"];
  const wrong = await run(Deno.execPath(), password, { env: site.env, stdin: "wrong\n" });
  assert.equal(wrong.code, 3, wrong.stderr);
  assert.match(wrong.stderr, /KDC_ERR_PREAUTH_FAILED/);
  assert.doesNotMatch(wrong.stderr, /Listening/);
  const conf = `${site.realm.directory}/down.conf`;
  const realm = "[libdefaults]\ndefault_realm = GSSOCKS.TEST\n[realms]\nGSSOCKS.TEST = {\n kdc = tcp/127.0.0.1:1\n}\n";
  await Deno.writeTextFile(conf, realm);
  const keytab = ["--keytab", `${site.realm.directory}/backup.keytab`];
  await using local = new Daemon(Deno.execPath(), [...site.args, ...keytab], { env: { KRB5_CONFIG: conf } });
  await local.waitFor(/Listening on/);
  await local.waitFor(/Warning: no ticket to use the proxy with: Cannot reach a KDC of GSSOCKS\.TEST/);
});

Deno.test("bridge: refuses arguments that do not go together before it asks for a password", async () => {
  await using site = await startSite();
  for (
    const [args, problem] of [
      [["--password-file", "pw"], /--password-file needs --principal/],
      [
        ["--keytab", "k", "--password-file", "pw", "--principal", "a"],
        /--keytab and --password-file exclude each other/,
      ],
      [["--principal", "a", "--forward", "x"], /Cannot use forward "x"/],
      [["--principal", "a", "--service", "x@y@z"], /Cannot use service/],
      [["--principal", "a", "--idle-timeout", "x"], /--idle-timeout takes a time/],
    ] as const
  ) {
    const { code, stderr } = await run(Deno.execPath(), [...site.args, ...args], { env: site.env });
    assert.equal(code, 2, stderr);
    assert.match(stderr, problem);
  }
});
