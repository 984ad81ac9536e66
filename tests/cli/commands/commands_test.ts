/** The command line: each command in this process, with its files in a folder. */
import assert from "node:assert/strict";
import { fixedPasswords, serve } from "../../../mod.ts";
import { helpFor } from "../../../cli/command/command.ts";
import { eventRecord } from "../../../cli/log/event_log.ts";
import { SocksAuthError } from "../../../socks/errors.ts";
import { Environment } from "../../support/environment.ts";
import { gssocks } from "../../support/run_cli.ts";
import { type RealmFolder, startRealmFolder } from "../../support/realm_folder.ts";
import { echoServer, origin } from "../../support/servers.ts";

/** Steps on one realm folder, each with what those before have left in it. */
const STEPS: readonly (readonly [string, (realm: RealmFolder) => Promise<void>])[] = [
  ["klist without tickets exits with 3", async () => {
    assert.equal((await gssocks(["klist"])).code, 3);
    assert.equal((await gssocks(["klist", "-s"])).code, 3);
  }],
  ["kinit by password, with flags and lifetimes", async () => {
    const wrong = await gssocks(["kinit", "alice"], { password: "not-it" });
    assert.equal(wrong.code, 3);
    assert.match(wrong.err, /KDC_ERR_PREAUTH_FAILED.*wrong password or key/);
    assert.doesNotMatch(wrong.err, /not-it/);
    const got = await gssocks(["kinit", "-f", "-l", "1h", "-r", "2d", "alice"], { password: "alicepw" });
    assert.deepEqual([got.code, got.out, got.err], [0, "", ""]);
    assert.equal((await gssocks(["klist", "-s"])).code, 0);
    const { tickets, principal } = JSON.parse((await gssocks(["klist", "--json"])).out);
    assert.equal(principal, "alice@GSSOCKS.TEST");
    assert.ok(tickets[0].flags.includes("Forwardable") && tickets[0].flags.includes("Renewable"));
    // The end is reckoned by the client and the start by the KDC, whose second may be the next one.
    const lasts = Date.parse(tickets[0].ends) - Date.parse(tickets[0].starts);
    assert.ok(lasts > 3_590_000 && lasts <= 3_600_000, `${lasts}`);
    assert.equal((await gssocks(["kinit", "-R"])).code, 0);
    assert.match((await gssocks(["klist"])).out, /krbtgt\/GSSOCKS\.TEST@GSSOCKS\.TEST\n\trenew until \d\d\//);
  }],
  ["kvno gets tickets and checks a keytab", async (realm) => {
    const got = await gssocks(["kvno", "rcmd/localhost", "--keytab", realm.keytab]);
    assert.match(got.out, /rcmd\/localhost@GSSOCKS\.TEST: kvno = 1 \(aes256-cts-hmac-sha1-96\), keytab opens it/);
    assert.deepEqual(JSON.parse((await gssocks(["kvno", "--json", "rcmd/localhost"])).out)[0].kvno, 1);
    const unknown = await gssocks(["kvno", "none/localhost"]);
    assert.equal(unknown.code, 3);
    assert.match(unknown.err, /KDC_ERR_S_PRINCIPAL_UNKNOWN/);
    await realm.kdc.realm.addPrincipal("other/localhost");
    assert.equal((await gssocks(["kvno", "other/localhost", "-k", realm.keytab])).code, 1);
  }],
  ["klist shows a keytab", async (realm) => {
    assert.match((await gssocks(["klist", "-k"])).out, / 1 rcmd\/localhost@GSSOCKS\.TEST\n/);
    assert.equal(JSON.parse((await gssocks(["klist", "-kt", realm.keytab, "--json"])).out).entries.length, 4);
  }],
  ["connect carries standard input and output", async (realm) => {
    await using site = origin("the page");
    await using server = serve({ port: 0, keytab: realm.keytab, rules: ["allow localhost"] });
    const stdin = new Blob(["GET / HTTP/1.0\r\n\r\n"]).stream();
    const got = await gssocks(["connect", "-p", `localhost:${server.addr.port}`, "127.0.0.1", String(site.addr.port)], {
      stdin,
    });
    assert.equal(got.code, 0, got.err);
    assert.match(got.stdout, /the page$/);
    const denied = await gssocks(["connect", "-p", `localhost:${server.addr.port}`, "10.0.0.1", "80"]);
    assert.deepEqual([denied.code, /NOT_ALLOWED/.test(denied.err)], [5, true]);
    const weak = await gssocks([
      "connect",
      "-p",
      `localhost:${server.addr.port}`,
      "--service",
      "none",
      "127.0.0.1",
      "80",
    ]);
    assert.equal(weak.code, 3);
  }],
  ["serve and bridge run until they are told to stop, and log what happens", async () => {
    await using site = origin("the page");
    const stop = new AbortController();
    const ports = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
    const onErr = (i: number) => (text: string) => {
      const port = /Listening on 127\.0\.0\.1:(\d+)/.exec(text)?.[1];
      if (port !== undefined) ports[i]!.resolve(port);
    };
    const serving = gssocks(["serve", "-l", "127.0.0.1:0", "--allow", "localhost", "--json", "--service", "rcmd"], {
      signal: stop.signal,
      onErr: onErr(0),
    });
    const proxy = await ports[0]!.promise;
    const bridging = gssocks(["bridge", "-p", `localhost:${proxy}`, "-l", "127.0.0.1:0"], {
      signal: stop.signal,
      onErr: onErr(1),
    });
    {
      using client = Deno.createHttpClient({ proxy: { url: `socks5h://127.0.0.1:${await ports[1]!.promise}` } });
      assert.equal(await (await fetch(`http://127.0.0.1:${site.addr.port}/`, { client })).text(), "the page");
    }
    stop.abort();
    const [served, bridged] = await Promise.all([serving, bridging]);
    assert.deepEqual([served.code, bridged.code], [0, 0]);
    const lines = served.err.trim().split("\n").slice(1).map((line) => JSON.parse(line));
    assert.deepEqual(lines.slice(0, 3).map(({ event }) => event), ["accepted", "authenticated", "connected"]);
    assert.equal(lines[1].user, "alice@GSSOCKS.TEST");
    assert.match(bridged.err, /connected 127\.0\.0\.1:\d+ to 127\.0\.0\.1:/);
  }],
  ["kinit with a keytab, and kdestroy", async () => {
    assert.equal((await gssocks(["kinit", "-k", "rcmd/localhost"])).code, 0);
    assert.match((await gssocks(["klist"])).out, /principal: rcmd\/localhost@GSSOCKS\.TEST/);
    const nobody = await gssocks(["kinit", "-k", "bob"]);
    assert.equal(nobody.code, 3);
    assert.equal((await gssocks(["kdestroy"])).code, 0);
    assert.equal((await gssocks(["klist"])).code, 3);
  }],
  ["a KDC that is gone is reported with exit code 4", async (realm) => {
    await realm.kdc[Symbol.asyncDispose]();
    const gone = await gssocks(["kinit", "alice"], { password: "x" });
    assert.equal(gone.code, 4);
    assert.match(gone.err, /Cannot reach a KDC of GSSOCKS\.TEST/);
  }],
];

/** The steps go on from each other. */
Deno.test("commands: kinit, klist, kvno, kdestroy, connect, serve and bridge on one realm", async (t) => {
  await using realm = await startRealmFolder();
  const env = { KRB5_CONFIG: realm.krb5Conf, KRB5CCNAME: `FILE:${realm.directory}/cli`, KRB5_KTNAME: realm.keytab };
  using _environment = new Environment(env);
  for (const [name, step] of STEPS) await t.step(name, () => step(realm));
});

Deno.test("serve: takes passwords and refuses wrong ones", async () => {
  const directory = await Deno.makeTempDir();
  try {
    assert.equal((await gssocks(["passwd", `${directory}/users`, "bob"], { password: "s3cret" })).code, 0);
    await using echo = echoServer();
    const stop = new AbortController();
    const port = Promise.withResolvers<number>();
    const serving = gssocks(
      [
        "serve",
        "-l",
        "127.0.0.1:0",
        "--method",
        "password",
        "--password-file",
        `${directory}/users`,
        "--allow",
        "localhost",
      ],
      { signal: stop.signal, onErr: (text) => port.resolve(Number(/Listening on .*:(\d+)/.exec(text)?.[1])) },
    );
    const { connect, passwordClient } = await import("../../../mod.ts");
    const options = {
      proxy: { hostname: "127.0.0.1", port: await port.promise },
      hostname: "127.0.0.1",
      port: echo.port,
    };
    (await connect({ ...options, auth: [passwordClient({ username: "bob", password: "s3cret" })] })).close();
    await assert.rejects(connect({ ...options, auth: [passwordClient({ username: "bob", password: "x" })] }));
    stop.abort();
    assert.doesNotMatch((await serving).err, /s3cret/);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("commands: refuse wrong arguments with exit code 2", async () => {
  const wrong: string[][] = [
    ["serve", "--listen", "nonsense:x"],
    ["serve", "--method", "magic"],
    ["serve", "--method", "password"],
    ["serve", "--protection", "total"],
    ["serve", "--allow", "10.0.0.1/8"],
    ["serve", "--idle-timeout", "soon"],
    ["serve", "--unknown"],
    ["bridge", "--proxy", "p", "--listen", "0.0.0.0:0"],
    ["bridge"],
    ["connect", "--proxy", "p", "host"],
    ["connect", "host", "80"],
    ["connect", "--proxy", "p", "host", "70000"],
    ["kvno"],
    ["kinit", "a", "b"],
    ["nosuch"],
    [],
  ];
  for (const args of wrong) {
    const got = await gssocks(args);
    assert.equal(got.code, 2, `${args.join(" ")}: ${got.err}`);
    assert.notEqual(got.err, "");
    assert.equal(got.out, "");
  }
  const missing = await gssocks(["serve", "--keytab", "/nowhere/none"]);
  assert.deepEqual([missing.code, /Cannot read keytab/.test(missing.err)], [1, true]);
});

Deno.test("help: every command has one, and needs nothing for it", async () => {
  const overview = await gssocks(["--help"]);
  assert.equal(overview.code, 0);
  const commands = [...overview.out.matchAll(/^ {2}(\w+) {2,}\S/gm)].map(([, name]) => name!);
  assert.deepEqual(commands, [
    "serve",
    "bridge",
    "connect",
    "kinit",
    "klist",
    "kdestroy",
    "kswitch",
    "kvno",
    "krb5conf",
    "passwd",
    "kdc",
    "conform",
    "completions",
    "man",
    "demo",
  ]);
  for (const name of commands) {
    const help = await gssocks([name, "--help"]);
    assert.equal(help.code, 0);
    assert.match(help.out, new RegExp(`^gssocks ${name}: .*\\n\\nUsage: gssocks ${name} `));
    for (const line of help.out.split("\n")) assert.ok(line.length <= 125, line);
  }
  assert.match((await gssocks(["--version"])).out, /^gssocks \d+\.\d+\.\d+\n$/);
  assert.match(helpFor("x", { summary: "s", usage: "u", options: {}, run: () => Promise.resolve(0) }), /--help/);
});

Deno.test("kdc: runs until it is stopped, and writes its files", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const stop = new AbortController();
    const up = Promise.withResolvers<void>();
    const files = ["--keytab", `${directory}/kt`, "--krb5-conf", `${directory}/krb5.conf`];
    const running = gssocks(["kdc", "-r", "CLI.TEST", "--user-from-stdin", "alice", "-s", "rcmd/localhost", ...files], {
      password: "pw",
      signal: stop.signal,
      onErr: (text) => text.includes("listens on") ? up.resolve() : undefined,
    });
    await up.promise;
    Deno.statSync(`${directory}/kt`);
    assert.match(Deno.readTextFileSync(`${directory}/krb5.conf`), /default_realm = CLI\.TEST/);
    stop.abort();
    const { code, err } = await running;
    assert.equal(code, 0);
    assert.doesNotMatch(err, /pw\b/);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("version: is that of the package", async () => {
  const { version } = JSON.parse(await Deno.readTextFile(new URL("../../../deno.json", import.meta.url)));
  assert.equal((await gssocks(["--version"])).out, `gssocks ${version}\n`);
});

Deno.test("eventRecord(): holds facts and no secrets", () => {
  const error = new SocksAuthError("BAD_CREDENTIALS", 'Password of "bob" refused');
  const record = eventRecord({ type: "refused", error, session: 7, client: { hostname: "192.0.2.1", port: 5 } });
  assert.deepEqual({ ...record, time: 0 }, {
    time: 0,
    event: "refused",
    session: 7,
    client: "192.0.2.1:5",
    error: error.message,
    code: "BAD_CREDENTIALS",
  });
  assert.equal(typeof fixedPasswords, "function");
});
