/** Each entry point runs with exactly the permissions that docs/permissions.md names. */
import assert from "node:assert/strict";
import { commandsIn } from "./support/cli_process.ts";
import { peerTest } from "./support/peers.ts";
import { type RealmFolder, startRealmFolder } from "./support/realm_folder.ts";
import { Daemon, run, type RunResult } from "./support/process.ts";
import { echoServer, origin } from "./support/servers.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const CLI = `${ROOT}cli/mod.ts`;
const BASE = ["run", "-q", "--no-prompt", "-c", `${ROOT}deno.json`];
const ENV = "--allow-env=KRB5_CONFIG,KRB5CCNAME,KRB5_KTNAME";

function script(text: string, permissions: readonly string[], mayThrow = false): Promise<RunResult> {
  const url = `data:application/typescript,${encodeURIComponent(text)}`;
  return run(Deno.execPath(), [...BASE, ...permissions, url], { mayThrow });
}

Deno.test("permissions: importing an entry point needs none", async () => {
  for (
    const entry of [
      "mod.ts",
      "gss/mod.ts",
      "kerberos/mod.ts",
      "kerberos/kdc/mod.ts",
      "socks/mod.ts",
      "proxy/shared/redis.ts",
      "proxy/shell/deno_kv.ts",
      "proxy/telemetry.ts",
      "cli/mod.ts",
    ]
  ) {
    const got = await script(`await import("file://${ROOT}${entry}"); console.log("imported");`, []);
    assert.equal(got.stdout.trim(), "imported", `${entry}: ${got.stderr}`);
  }
});

Deno.test("permissions: a client in memory needs the network to proxy and KDC only", async () => {
  await using realm = await startRealmFolder();
  await using echo = echoServer();
  const { serve } = await import("../mod.ts");
  await using server = serve({ port: 0, keytab: realm.keytab, rules: ["allow localhost"] });
  const text = `
    import { connect, systemTickets } from "file://${ROOT}mod.ts";
    import { parseKrb5Conf } from "file://${ROOT}kerberos/mod.ts";
    const config = parseKrb5Conf({ name: "memory", text: ${JSON.stringify(realm.kdc.krb5Conf)} });
    await using c = await connect({ proxy: "localhost:${server.addr.port}", hostname: "127.0.0.1", port: ${echo.port},
      credentials: systemTickets({ config, principal: "alice", password: "alicepw" }) });
    await c.write(new Uint8Array([7]));
    const b = new Uint8Array(1);
    await c.read(b);
    console.log("echoed", b[0]);`;
  const net = `--allow-net=localhost:${server.addr.port},127.0.0.1:${realm.kdc.port}`;
  const got = await script(text, [net]);
  assert.equal(got.stdout.trim(), "echoed 7", got.stderr);
  assert.notEqual((await script(text, [], true)).code, 0);
});

Deno.test("permissions: kinit, klist, kvno, kdestroy need the KDC, their files, three variables", async () => {
  await using realm = await startRealmFolder();
  const env = { KRB5_CONFIG: realm.krb5Conf, KRB5CCNAME: `FILE:${realm.directory}/own` };
  const net = `--allow-net=127.0.0.1:${realm.kdc.port}`;
  const read = `--allow-read=${realm.directory}`;
  const write = `--allow-write=${realm.directory}`;
  const command = (permissions: readonly string[], args: readonly string[], stdin?: string) =>
    run(Deno.execPath(), [...BASE, ...permissions, CLI, ...args], { env, ...(stdin === undefined ? {} : { stdin }) });
  const steps: [readonly string[], readonly string[], string | undefined, RegExp][] = [
    [[net, read, write, ENV], ["kinit", "alice"], "alicepw\n", /^$/],
    [[read, ENV], ["klist"], undefined, /alice@GSSOCKS\.TEST/],
    [[net, read, write, ENV], ["kvno", "rcmd/localhost"], undefined, /kvno = 1/],
    [[read, write, ENV], ["kdestroy"], undefined, /^$/],
  ];
  for (const [permissions, args, stdin, output] of steps) {
    const got = await command(permissions, args, stdin);
    assert.equal(got.code, 0, `${args}: ${got.stderr}`);
    assert.match(got.stdout, output);
  }
});

Deno.test("permissions: serve, bridge, connect need the network, their files, three variables", async () => {
  await using realm = await startRealmFolder();
  await using site = origin("the page");
  const env = { KRB5_CONFIG: realm.krb5Conf, KRB5CCNAME: realm.ccache };
  const listening = /Listening on 127\.0\.0\.1:(\d+)/;
  await using serving = new Daemon(Deno.execPath(), [
    ...BASE,
    "--allow-net",
    `--allow-read=${realm.keytab}`,
    CLI,
    ...["serve", "--listen", "127.0.0.1:0", "--keytab", realm.keytab, "--allow", `localhost:${site.addr.port}`],
  ]);
  const proxy = (await serving.waitFor(listening))[1]!;
  // Without the permission to write, new tickets stay in memory.
  const client = ["--allow-net", `--allow-read=${realm.directory}`, ENV];
  await using bridging = new Daemon(
    Deno.execPath(),
    [...BASE, ...client, CLI, "bridge", "--proxy", `localhost:${proxy}`, "--listen", "127.0.0.1:0"],
    { env },
  );
  const local = (await bridging.waitFor(listening))[1]!;
  using http = Deno.createHttpClient({ proxy: { url: `socks5h://127.0.0.1:${local}` } });
  assert.equal(await (await fetch(`http://127.0.0.1:${site.addr.port}/`, { client: http })).text(), "the page");
  const connected = await run(
    Deno.execPath(),
    [...BASE, ...client, CLI, "connect", "--proxy", `localhost:${proxy}`, "127.0.0.1", String(site.addr.port)],
    { env, stdin: "GET / HTTP/1.0\r\n\r\n" },
  );
  assert.match(connected.stdout, /the page$/, connected.stderr);
  assert.match(serving.output, /alice@GSSOCKS\.TEST by gssapi, protection confidentiality/);
  // A missing permission for krb5.conf is reported even where a keytab is given.
  assert.match(
    serving.output,
    /Note: krb5\.conf may not be read, so that \[capaths\] and permitted_enctypes count for nothing/,
  );
});

Deno.test("permissions: kdc and demo need the network, and demo --stay a folder", async () => {
  await using kdc = new Daemon(Deno.execPath(), [
    ...BASE,
    "--allow-net=127.0.0.1",
    CLI,
    "kdc",
    "--user",
    "alice",
    "--service",
    "rcmd/localhost",
  ]);
  await kdc.waitFor(/KDC of GSSOCKS\.TEST listens on 127\.0\.0\.1:\d+/);
  assert.match(kdc.output, /Password of alice: [0-9a-f]{16}/);
  const demo = await run(Deno.execPath(), [...BASE, "--allow-net", CLI, "demo"]);
  assert.equal(demo.code, 0, demo.stderr);
  assert.match(demo.stdout, /Done: every page came whole/);
});

/** A command that lacks a permission: permissions, arguments, variables, and the message. */
type Denied = [readonly string[], readonly string[], Record<string, string>, RegExp];

/** Commands that lack the permission for a variable, a file or the user's number. */
function deniedCommands(realm: RealmFolder, including: string): readonly Denied[] {
  const { directory } = realm;
  const env = { KRB5_CONFIG: realm.krb5Conf, KRB5CCNAME: realm.ccache, KRB5_KTNAME: realm.keytab };
  const files = [`--allow-read=${directory}`, `--allow-write=${directory}`, "--allow-net"];
  const only = (...names: string[]) => [...files, `--allow-env=${names.join(",")}`];
  const reading = (...paths: string[]) => [ENV, "--allow-net", `--allow-read=${paths.join(",")}`];
  const service = ["kvno", "rcmd/localhost"];
  const cases: Denied[] = [];
  for (const args of [["klist"], ["klist", "-s"], ["kdestroy"], service, ["kinit", "-R"]]) {
    cases.push([only("KRB5_CONFIG"), args, env, /KRB5CCNAME may not be read; allow it with --allow-env=KRB5CCNAME/]);
    cases.push([only("KRB5CCNAME"), args, env, /KRB5_CONFIG may not be read; allow it with --allow-env=KRB5_CONFIG/]);
  }
  for (const args of [["klist", "-k"], ["kinit", "-k", "rcmd/localhost"], ["serve", "-l", "127.0.0.1:0", "--check"]]) {
    cases.push([only("KRB5_CONFIG", "KRB5CCNAME"), args, env, /allow it with --allow-env=KRB5_KTNAME/]);
  }
  const conf = realm.krb5Conf;
  cases.push(
    [reading(`${directory}/cc`), service, env, /krb5\.conf: not permitted; allow it with --allow-read=.*krb5\.conf/],
    [reading(`${directory}/cc`), service, { KRB5CCNAME: realm.ccache }, /\/etc\/krb5\.conf: not permitted; allow/],
    [
      reading(`${directory}/cc`, including),
      service,
      { ...env, KRB5_CONFIG: including },
      /including\.conf, line 1: includedir .*more\.d: not permitted; allow it with --allow-read=.*more\.d/,
    ],
    [
      reading(`${directory}/cc`, including, `${directory}/more.d/b`),
      service,
      { ...env, KRB5_CONFIG: including },
      /including\.conf, line 1: includedir .*more\.d: not permitted/,
    ],
    [reading(conf), ["klist"], env, /cc: not permitted; allow it with --allow-read=.*\/cc/],
    // A new file beside the old one needs permission for the folder.
    [
      [...reading(conf, `${directory}/cc`), `--allow-write=${directory}`],
      ["kinit", "alice"],
      env,
      new RegExp(`cc: not permitted; allow it with --allow-read=${directory}\\n`),
    ],
    [reading(directory), ["kinit", "alice"], env, new RegExp(`allow it with --allow-write=${directory}\\n`)],
    [reading(directory), ["kdestroy"], env, /cc: not permitted; allow it with --allow-write=/],
    [reading(directory, "/tmp"), ["klist"], { KRB5_CONFIG: conf }, /set KRB5CCNAME, or allow --allow-sys=uid/],
    [files.concat(ENV), ["kdestroy"], { KRB5_CONFIG: conf }, /set KRB5CCNAME, or allow --allow-sys=uid/],
    [files.concat(ENV), ["klist"], { ...env, KRB5CCNAME: "" }, /KRB5CCNAME is set and empty/],
    [files.concat(ENV), service, { ...env, KRB5_CONFIG: "" }, /KRB5_CONFIG is set and empty/],
    [
      files.concat(ENV),
      service,
      { ...env, KRB5_CONFIG: `${directory}/none` },
      /KRB5_CONFIG is ".*none", and no such file/,
    ],
  );
  return cases;
}

Deno.test("permissions: a missing one is named, and no other file or identity is used", async () => {
  await using realm = await startRealmFolder();
  const { directory } = realm;
  await Deno.mkdir(`${directory}/more.d`);
  await Deno.writeTextFile(`${directory}/more.d/a.conf`, "[libdefaults]\n ticket_lifetime = 1h\n");
  const including = `${directory}/including.conf`;
  await Deno.writeTextFile(including, `includedir ${directory}/more.d\n${await Deno.readTextFile(realm.krb5Conf)}`);
  const before = await Deno.readFile(`${directory}/cc`);
  const places = Map.groupBy(
    deniedCommands(realm, including),
    ([permissions, _args, variables]) => JSON.stringify([permissions, variables]),
  );
  for (const [place, here] of places) {
    const [permissions, variables] = JSON.parse(place);
    const results = await commandsIn(here.map(([, args]) => args), { permissions, env: variables });
    for (const [i, [, args, , message]] of here.entries()) {
      const { code, out, err } = results[i]!;
      assert.ok(code === 1 || code === 3, `${place} ${args.join(" ")}: ${code} ${err}`);
      assert.equal(out, "", place);
      assert.match(err, message, `${place} ${args.join(" ")}`);
    }
  }
  assert.deepEqual(await Deno.readFile(`${directory}/cc`), before);
});

Deno.test("permissions: one that is not needed is not required", async () => {
  await using realm = await startRealmFolder();
  const { directory } = realm;
  const named = await run(Deno.execPath(), [...BASE, `--allow-read=${directory}`, CLI, "klist", "-c", realm.ccache]);
  assert.match(named.stdout, /alice@GSSOCKS\.TEST/, named.stderr);
  const missing = await script(
    `import { systemTickets } from "file://${ROOT}mod.ts";
     const tried = (options) => { try { return systemTickets(options).cache.name; } catch (e) { return e.code + " " + e.message; } };
     console.log(tried({})); console.log(tried({ principal: "alice@R", password: "x" }));`,
    ["--allow-read", "--allow-sys=uid"],
  );
  assert.match(missing.stdout, /^(BAD_CONFIG .*--allow-env=KRB5_CONFIG\n){2}$/, missing.stderr);
});

peerTest(
  "permissions: the owner of a link is known without --allow-sys=uid",
  ["root's rights"],
  async () => {
    const directory = await Deno.makeTempDir();
    try {
      await Deno.chmod(directory, 0o1777);
      await Deno.mkdir(`${directory}/private`);
      const text = `
      import { FileCredentialCache, parsePrincipal } from "file://${ROOT}kerberos/mod.ts";
      for (const name of ["ours", "theirs"]) {
        const cache = new FileCredentialCache("${directory}/" + name);
        const data = { principal: parsePrincipal("alice@R"), credentials: [] };
        console.log(name, await cache.initialize(data).then(() => "written", (error) => error.message));
      }`;
      for (const name of ["ours", "theirs"]) await Deno.symlink(`private/${name}`, `${directory}/${name}`);
      await Deno.chown(directory, 65_533, 65_533);
      await new Deno.Command("chown", { args: ["-h", "65534", `${directory}/theirs`] }).output();
      const got = await script(text, [`--allow-read=${directory}`, `--allow-write=${directory}`]);
      assert.match(got.stdout, /^ours written\ntheirs Cannot write .*is a symbolic link of user 65534 in/, got.stderr);
      assert.deepEqual([...Deno.readDirSync(`${directory}/private`)].map(({ name }) => name), ["ours"]);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
);

Deno.test("permissions: KRB5_TRACE needs the variable and its file, and nothing fails without them", async () => {
  await using realm = await startRealmFolder();
  const { directory } = realm;
  const trace = `${directory}/trace`;
  const env = { KRB5_CONFIG: realm.krb5Conf, KRB5CCNAME: realm.ccache, KRB5_TRACE: trace };
  const kvno = (permissions: readonly string[]) =>
    run(Deno.execPath(), [
      ...BASE,
      "--allow-net",
      `--allow-read=${directory}`,
      ...permissions,
      CLI,
      "kvno",
      "rcmd/localhost",
    ], {
      env,
    });
  const isThere = () => Deno.stat(trace).then(() => true, () => false);
  for (
    const [permissions, note] of [[[ENV], /^$/], [
      [`${ENV},KRB5_TRACE`],
      /^gssocks: cannot write the trace .*trace: /,
    ]] as const
  ) {
    const got = await kvno(permissions);
    assert.deepEqual([got.code, got.stdout.includes("kvno = 1"), await isThere()], [0, true, false], got.stderr);
    assert.match(got.stderr, note);
  }
  assert.equal((await kvno([`${ENV},KRB5_TRACE`, `--allow-write=${trace}`])).stderr, "");
  assert.match(await Deno.readTextFile(trace), /Ticket for rcmd\/localhost@GSSOCKS\.TEST issued/);
  assert.equal((await Deno.stat(trace)).mode! & 0o777, 0o600);
});

Deno.test("permissions: passwd needs its file and FILE.new, and keeps the rest of the file", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const file = `${directory}/users`;
    const files = `${file},${file}.new`;
    for (const user of ["bob", "carol"]) {
      const args = [`--allow-read=${files}`, `--allow-write=${files}`, CLI, "passwd", file, user];
      const got = await run(Deno.execPath(), [...BASE, ...args], { stdin: "s3cret\n" });
      assert.equal(got.code, 0, got.stderr);
    }
    assert.match(await Deno.readTextFile(file), /^bob:\$scrypt.*\ncarol:\$scrypt.*\n$/);
    assert.deepEqual([...Deno.readDirSync(directory)].map(({ name }) => name), ["users"]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("permissions: a KCM cache names the flags of its socket, and no other cache is used", async () => {
  await using realm = await startRealmFolder();
  const socket = `${realm.directory}/kcm.socket`;
  const krb5Conf = `${realm.directory}/kcm.conf`;
  await Deno.writeTextFile(krb5Conf, `${realm.kdc.krb5Conf}\n[libdefaults]\n kcm_socket = ${socket}\n`);
  const flags = [`--allow-read=${socket}`, `--allow-write=${socket}`, `--allow-net=unix:${socket}`];
  const listed = async (given: readonly string[], config = `--allow-read=${krb5Conf}`) => {
    const env = { KRB5_CONFIG: krb5Conf, KRB5CCNAME: "KCM:" };
    const { code, stdout, stderr } = await run(Deno.execPath(), [...BASE, ENV, config, ...given, CLI, "klist"], {
      env,
    });
    assert.deepEqual([code, stdout], [1, ""]);
    return stderr;
  };
  for (const given of [[], [flags[0]!], flags.slice(0, 2), [flags[2]!]]) {
    const wanted = `KCM: at ${socket}: not permitted; allow it with ${flags.join(" ")}`;
    assert.ok((await listed(given)).includes(wanted), given.join());
  }
  assert.match(await listed(flags), /kcm\.socket: No such file or directory; start it .*kinit/);
  assert.match(await listed([], "--allow-read=/nowhere"), /not permitted; allow it with --allow-read=.*kcm\.conf/);
});

Deno.test("permissions: %{username} in the cache's name needs the user's number, group and name", async () => {
  const text = `
    import { DEFAULT_CONFIG, defaultCcacheName } from "file://${ROOT}kerberos/mod.ts";
    console.log(defaultCcacheName({ ...DEFAULT_CONFIG, defaultCcacheName: "DIR:/c/%{username}" }));`;
  const env = "--allow-env=KRB5CCNAME";
  const name = (await run("id", ["-un"])).stdout.trim();
  assert.equal((await script(text, [env, "--allow-sys=uid,gid,userInfo"])).stdout.trim(), `DIR:/c/${name}`);
  const missing = await script(text, [env, "--allow-sys=uid"], true);
  assert.match(missing.stderr, /the name of the user may not be read; allow it with --allow-sys=uid,gid,userInfo/);
});
