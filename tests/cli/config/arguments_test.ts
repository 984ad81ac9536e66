/** Arguments: nothing that was given is passed over, and what is wrong with them is said before anything happens. */
import assert from "node:assert/strict";
import { command as connectCommand } from "../../../cli/commands/connect.ts";
import { command } from "../../../cli/commands/serve.ts";
import { bridge, systemTickets } from "../../../mod.ts";
import { exitCodeFor, readArguments } from "../../../cli/command/command.ts";
import { serveOptions } from "../../../cli/config/serve_options.ts";
import type { ServerConfig } from "../../../cli/config/settings.ts";
import type { UpstreamConfig } from "../../../cli/config/setting_objects.ts";
import type { CliIo } from "../../../cli/terminal/io.ts";
import { proxyOptions } from "../../../cli/command/options.ts";
import { dropPermissions } from "../../../cli/server/permissions.ts";
import { FileCredentialCache, writeKeytab } from "../../../kerberos/credentials/shell/stores.ts";
import { parsePrincipal } from "../../../kerberos/principal.ts";
import { parseKrb5Conf } from "../../../kerberos/config/parse.ts";
import { SocksConnectionError, SocksProxyError, SocksReplyError, SocksTlsError } from "../../../socks/errors.ts";
import { listenTcp } from "../../../socks/shell/tcp.ts";
import { listenUnix } from "../../../socks/shell/unix.ts";
import { type CliResult, gssocks } from "../../support/run_cli.ts";
import { commandsIn } from "../../support/cli_process.ts";
import { type RealmFolder, startRealmFolder } from "../../support/realm_folder.ts";

/** A realm whose files the environment of a process of its own names: that of this one belongs to all tests. */
async function inRealm(
  body: (
    realm: RealmFolder,
    command: (args: readonly string[]) => Promise<CliResult>,
    commands: (all: readonly (readonly string[])[]) => Promise<CliResult[]>,
  ) => Promise<void>,
): Promise<void> {
  await using realm = await startRealmFolder();
  const env = { KRB5_CONFIG: realm.krb5Conf, KRB5CCNAME: realm.ccache, KRB5_KTNAME: realm.keytab };
  const commands = (all: readonly (readonly string[])[]) => commandsIn(all, { permissions: ["-A"], env });
  await body(realm, async (args) => (await commands([args]))[0]!, commands);
}

Deno.test("commands: refuse words that they do not take, before anything happens", async () => {
  await inRealm(async ({ directory, ccache, keytab, krb5Conf }, command, commands) => {
    const before = await Deno.readFile(`${directory}/cc`);
    const [users, none] = [`${directory}/users`, ["--method", "none"]];
    const wrong: [string[], RegExp][] = [
      [["kdestroy", `${directory}/other`, ccache], /is not taken/],
      [["kdestroy", "-c", `${directory}/other`, ccache], /there is .* beside/],
      [["kdestroy", "-A", "-p", "alice"], /--all and --principal do not go together/],
      [["kswitch"], /--ccache or --principal is needed/],
      [["kswitch", "-c", ccache, "-p", "alice"], /do not go together/],
      [["kswitch", "-c", ccache], /no switching to FILE:.*it is in no collection/],
      [["klist", "--ccahe", ccache], /Unknown option '--ccahe'; did you mean "--ccache"\?\n/],
      [["kinit", "-t", "-x", "alice"], /ambiguous: .* use '--keytab=-XYZ' or '-t-XYZ'\n/],
      [["klist", ccache, ccache], /is not taken/],
      [["klist", "--ccache", ccache, keytab], /there is .* beside/],
      [["klist", "--keytab-file", keytab, ccache], /there is .* beside/],
      [["klist", "-k", "--ccache", ccache], /--ccache and --keytab do not go together/],
      [["klist", "-k", "-c"], /--cache and --keytab do not go together/],
      [["klist", "-t"], /--timestamps is about a keytab/],
      [["klist", "-K", ccache], /--keys is about a keytab/],
      [["klist", "-i"], /--client-keytab is about a keytab/],
      [["klist", "-n"], /--numeric \(-n\) needs --addresses/],
      [["klist", "-l", "-A"], /--list and --all do not go together/],
      [["klist", "-s", "-l"], /--silent and --list do not go together/],
      [["klist", "-s", "-k"], /--silent and --keytab do not go together/],
      [["klist", "-s", "--json"], /do not go together/],
      [["klist", ""], /an empty word/],
      [["klist", "--ccache", ""], /--ccache takes CACHE, but the value is empty/],
      [["kdestroy", "-c", ccache, "-c", "/other"], /--ccache is given more than once/],
      [["kinit", "alice", "bob"], /"bob" is not taken/],
      [["kinit", "-R", "-l", "1h"], /--renew and --lifetime do not go together/],
      [["kinit", "-R", "-k"], /--renew and --use-keytab do not go together/],
      [["kinit", "-E"], /--enterprise needs a PRINCIPAL/],
      [["kinit", "-l", "bogus", "alice"], /--lifetime: .*bogus/],
      [["kinit", "-l", "1h -90m", "alice"], /--lifetime: .*negative/],
      [["kinit", "-c", ccache, "-c", `${directory}/two`, "alice"], /more than once/],
      [["kvno"], /an argument is missing; they are: .*SERVICE/],
      [["kvno", "-c", `${directory}/a`, "-c", ccache, "rcmd/localhost"], /more than once/],
      [["passwd", users], /an argument is missing/],
      [["passwd", users, "bob", "carol"], /"carol" is not taken/],
      [["serve", "--check", "--allow", "1.txt", "2.txt"], /"2\.txt" is not taken.*quote a \*/],
      [["serve", ...none, "--check", "word"], /"word" is not taken/],
      [["serve", ...none, "--check", "--method", "gssapi"], /--method is given more than once/],
      [["serve", ...none, "--check", "--json", "-q"], /--quiet and --json do not go together/],
      [["serve", ...none, "--check", "--redis-loss", "allow"], /--redis-loss needs --redis/],
      [["serve", ...none, "--check", "--redis-replicas", "1"], /--redis-replicas needs --redis/],
      [["serve", ...none, "--check", "--proxy-protocol", "*"], /proxyProtocol: .* is neither an address/],
      [["bridge", "-p", "localhost:1", "-l", "0.0.0.0:0", "word"], /is not taken/],
      [["bridge", "-p", "localhost:1", "-p", "localhost:2", "-l", "0.0.0.0:0"], /--proxy is given more than once/],
      [["bridge", "-p", "localhost:1", "-q", "--json", "-l", "0.0.0.0:0"], /do not go together/],
      [["connect", "-p", "localhost:1", "host", "80", "81"], /"81" is not taken/],
      [["connect", "-p", "localhost:1"], /an argument is missing/],
      [["connect", "-p", "localhost:1", "host"], /Cannot read "host": HOST:PORT wanted/],
      [["kdc", "-s", "a/b", "-k", "/nowhere/kt", "word"], /is not taken/],
      [["kdc", "-k", `${directory}/kt`], /--keytab needs a --service/],
      [["kdc", "-s", "a/b", "-s", "a/b", "-k", "/nowhere/kt"], /a\/b is named more than once/],
      [["demo", "word"], /is not taken/],
    ];
    const results = await commands(wrong.map(([args]) => args));
    for (const [i, [args, message]] of wrong.entries()) {
      const got = results[i]!;
      assert.deepEqual([got.code, got.out], [2, ""], `${args.join(" ")}: ${got.err}`);
      assert.match(got.err, message, args.join(" "));
      assert.match(got.err, /See gssocks \w+ --help\n$/);
    }
    assert.deepEqual(await Deno.readFile(`${directory}/cc`), before);
    const names = [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
    assert.deepEqual(names, ["cc", "keytab", krb5Conf.split("/").at(-1)]);
    // Help is given whatever else there is.
    assert.equal((await command(["kdestroy", "word", "--help"])).code, 0);
  });
});

Deno.test("klist: takes the name of a cache or keytab as MIT's does", async () => {
  await inRealm(async ({ directory, keytab, kdc }, command) => {
    const other = new FileCredentialCache(`${directory}/other`);
    await other.initialize({ principal: parsePrincipal("bob@GSSOCKS.TEST"), credentials: [] });
    assert.match((await command(["klist", `FILE:${directory}/other`])).out, /principal: bob@/);
    assert.match((await command(["klist"])).out, /principal: alice@/);
    assert.equal((await command(["klist", "-s", `${directory}/other`])).code, 3);
    const none = await command(["klist", "/nosuchcache"]);
    assert.deepEqual([none.code, none.out], [3, ""]);
    assert.match(none.err, /No credentials cache found \(filename: \/nosuchcache\); run kinit/);
    await kdc.realm.addPrincipal("other/host");
    await writeKeytab(`${directory}/kt2`, kdc.keytab("other/host"));
    for (
      const args of [["-k", `${directory}/kt2`], ["-kt", `${directory}/kt2`], ["--keytab-file", `${directory}/kt2`]]
    ) {
      assert.match((await command(["klist", ...args])).out, /kt2\n[^]*other\/host@/, args.join(" "));
    }
    assert.match((await command(["klist", "-k"])).out, new RegExp(`${keytab}\n[^]*rcmd/localhost@`));
    assert.match((await command(["klist", "-k", "/nosuchkeytab"])).err, /Cannot read keytab \/nosuchkeytab/);
  });
});

Deno.test("kdestroy: destroys the cache named, and reports links", async () => {
  await inRealm(async ({ directory }, command) => {
    const other = `${directory}/other`;
    const make = () =>
      new FileCredentialCache(other).initialize({ principal: parsePrincipal("bob@R"), credentials: [] });
    await make();
    assert.equal((await command(["kdestroy", "-c", other])).code, 0);
    assert.throws(() => Deno.statSync(other), Deno.errors.NotFound);
    Deno.statSync(`${directory}/cc`);
    const none = await command(["kdestroy", "-c", other]);
    assert.deepEqual([none.code, /No credentials cache found: there is no FILE:.*\/other/.test(none.err)], [1, true]);
    await make();
    await Deno.symlink(other, `${directory}/link`);
    const link = await command(["kdestroy", "-c", `${directory}/link`]);
    assert.deepEqual([link.code, /symbolic link; .*\/other is as it was/.test(link.err)], [0, true]);
    assert.throws(() => Deno.lstatSync(`${directory}/link`), Deno.errors.NotFound);
    assert.ok(Deno.statSync(other).size > 0);
    await Deno.writeTextFile(`${directory}/thesis`, "the only copy");
    const thesis = await command(["kdestroy", "-c", `${directory}/thesis`]);
    assert.deepEqual([thesis.code, await Deno.readTextFile(`${directory}/thesis`)], [1, "the only copy"]);
  });
});

Deno.test("kinit: renews the ticket of the principal named, and refuses an unreadable cache", async () => {
  await inRealm(async ({ directory, keytab }, command) => {
    const before = await Deno.readFile(`${directory}/cc`);
    const other = await command(["kinit", "-R", "bob"]);
    assert.equal(other.code, 3);
    assert.match(other.err, /has the tickets of alice@GSSOCKS\.TEST, not of bob/);
    assert.deepEqual(await Deno.readFile(`${directory}/cc`), before);
    assert.equal((await command(["kinit", "-r", "2d", "alice"])).code, 0);
    assert.equal((await command(["kinit", "-R", "alice"])).code, 0);
    // A keytab that is named is whoever's it is, not the cache's owner's.
    assert.equal((await command(["kinit", "-t", keytab])).code, 0);
    assert.match((await command(["klist"])).out, /principal: rcmd\/localhost@/);
    const empty = `${directory}/empty.keytab`;
    await Deno.writeFile(empty, Uint8Array.of(5, 2));
    const nobody = await command(["kinit", "-kt", empty]);
    assert.equal(nobody.code, 3);
    assert.match(nobody.err, /authenticate: keytab .*empty\.keytab has no key/);
    await Deno.writeTextFile(`${directory}/garbage`, "garbage");
    const garbage = await command(["kinit", "-c", `${directory}/garbage`]);
    assert.deepEqual([garbage.code, /Cannot read credential cache .*garbage/.test(garbage.err)], [1, true]);
  });
});

Deno.test("kdc: overwrites no foreign keytab and no foreign krb5.conf", async () => {
  await using realm = await startRealmFolder({ realm: "OTHER.TEST" });
  const { directory, keytab, krb5Conf } = realm;
  const kdc = async (...args: string[]) => await gssocks(["kdc", ...args], { signal: AbortSignal.abort() });
  const mine = [await Deno.readFile(keytab), await Deno.readFile(krb5Conf)];
  const unchanged = async () => assert.deepEqual([await Deno.readFile(keytab), await Deno.readFile(krb5Conf)], mine);
  const service = ["-s", "rcmd/localhost"];
  const keys = await kdc(...service, "-k", keytab, "--krb5-conf", `${directory}/new.conf`);
  assert.deepEqual(
    [keys.code, /has keys of rcmd\/localhost@OTHER\.TEST; remove it/.test(keys.err)],
    [1, true],
    keys.err,
  );
  const conf = await kdc(...service, "-k", `${directory}/new.keytab`, "--krb5-conf", krb5Conf);
  assert.deepEqual([conf.code, /krb5\.conf is there, and not what gssocks kdc/.test(conf.err)], [1, true], conf.err);
  await unchanged();
  for (const name of ["new.conf", "new.keytab"]) {
    assert.throws(() => Deno.statSync(`${directory}/${name}`), Deno.errors.NotFound);
  }
  // What is its own it writes anew, with another port; and into what is empty, as mktemp makes it.
  assert.equal((await kdc("-r", "OTHER.TEST", ...service, "-k", keytab, "--krb5-conf", krb5Conf)).code, 0);
  assert.notDeepEqual(await Deno.readFile(keytab), mine[0]);
  await Deno.writeFile(`${directory}/new.conf`, new Uint8Array());
  assert.equal((await kdc(...service, "--krb5-conf", `${directory}/new.conf`)).code, 0);
  assert.match(await Deno.readTextFile(`${directory}/new.conf`), /default_realm = GSSOCKS\.TEST/);
});

Deno.test("passwd: changes password files only, and deletes only users that exist", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const file = `${directory}/users`;
    const passwd = (...args: string[]) => gssocks(["passwd", ...args], { password: "s3cret" });
    assert.equal((await passwd("-D", file, "bob")).code, 1);
    assert.throws(() => Deno.statSync(file), Deno.errors.NotFound);
    assert.equal((await passwd(file, "bob")).code, 0);
    await Deno.chmod(file, 0o640);
    assert.equal((await passwd(file, "carol")).code, 0);
    assert.equal(Deno.statSync(file).mode! & 0o777, 0o640);
    const nobody = await passwd("-D", file, "dave");
    assert.deepEqual([nobody.code, /there is no user "dave"/.test(nobody.err)], [1, true]);
    assert.equal((await passwd("-D", file, "bob")).code, 0);
    assert.match(await Deno.readTextFile(file), /^carol:\$scrypt\$.*\n$/);
    // Two at one time.
    await Promise.all(["a", "b", "c", "d"].map((user) => passwd(file, user)));
    assert.equal((await Deno.readTextFile(file)).trim().split("\n").length, 5);
    await Deno.writeTextFile(`${directory}/thesis`, "the only copy\n");
    assert.equal((await passwd(`${directory}/thesis`, "bob")).code, 1);
    assert.equal(await Deno.readTextFile(`${directory}/thesis`), "the only copy\n");
    // The new file is made beside the file, and not beside a link to it, which may be on another disk.
    await Deno.mkdir(`${directory}/links/link.new`, { recursive: true });
    await Deno.symlink(file, `${directory}/links/link`);
    assert.equal((await passwd(`${directory}/links/link`, "eve")).code, 0);
    assert.ok(Deno.statSync(`${directory}/links/link.new`).isDirectory);
    await Deno.symlink(file, `${directory}/link`);
    assert.equal((await passwd(`${directory}/link`, "eve")).code, 0);
    assert.match(await Deno.readTextFile(file), /^eve:/m);
    assert.ok(Deno.lstatSync(`${directory}/link`).isSymlink);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("passwd: refuses users who could never log in", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const file = `${directory}/users`;
    let asked = 0;
    const passwd = async (password: string, ...args: string[]) => {
      const input = {
        get password() {
          asked++;
          return password;
        },
      };
      return await gssocks(["passwd", ...args], input);
    };
    for (const user of ["#bob", "b:ob", "bob\n", "\u00e9".repeat(128)]) {
      for (const args of [[file, user], ["-D", file, user]]) {
        const got = await passwd("s3cret", ...args);
        assert.deepEqual([got.code, asked], [2, 0], args.join(" "));
        assert.match(got.err, /A user's name has 1 to 255 bytes, no colon, and no # in front/);
      }
    }
    const long = await passwd("\u00e9".repeat(128), file, "bob");
    assert.deepEqual([long.code, /more than 255 bytes cannot be sent/.test(long.err)], [2, true]);
    assert.throws(() => Deno.statSync(file), Deno.errors.NotFound);
    assert.equal((await passwd("x".repeat(255), file, "\u00e9".repeat(127))).code, 0);
    const latin1 = new TextEncoder().encode(await Deno.readTextFile(file));
    latin1[0] = 0xe9;
    await Deno.writeFile(file, latin1);
    const other = await passwd("s3cret", file, "carol");
    assert.deepEqual([other.code, /users is not in UTF-8/.test(other.err)], [1, true], other.err);
    assert.deepEqual(await Deno.readFile(file), latin1);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("serve: keeps the permissions that a reload needs", async () => {
  const given = async (args: string[], config: ServerConfig) => {
    let names: readonly string[] = [];
    const revoke = (revoked: readonly Deno.PermissionName[]) => Promise.resolve(void (names = revoked));
    const io = { revoke } as unknown as CliIo;
    await dropPermissions({ args: readArguments(command, args), config, io });
    return ["read", "write", "env", "sys"].filter((name) => !names.includes(name));
  };
  const file = ["--config", "/c.json"];
  // Without a file the keytab or the file of passwords is read anew all the same.
  assert.deepEqual(await given([], {}), ["read", "env"]);
  assert.deepEqual(await given([], { methods: ["password"] }), ["read"]);
  assert.deepEqual(await given([], { methods: ["none"] }), []);
  // [capaths] is read anew beside a keytab that is named.
  assert.deepEqual(await given(file, { keytab: "/kt" }), ["read", "env"]);
  // The keytab is looked for anew, and not to be another one then.
  assert.deepEqual(await given(file, {}), ["read", "env"]);
  assert.deepEqual(await given(file, { methods: ["password"] }), ["read"]);
  assert.deepEqual(await given(file, { upstreams: { a: { proxy: "p" } } }), ["read", "write", "env", "sys"]);
});

Deno.test("bridge: listens on loopback addresses only", async () => {
  const credentials = systemTickets({ config: parseKrb5Conf(), principal: "alice@R.TEST", password: "x" });
  for (const hostname of ["0.0.0.0", "::", "192.0.2.1", "example.com", "127.0.0.1.example.com", "::ffff:192.0.2.1"]) {
    const started = () => bridge({ proxy: "localhost:1", credentials, hostname, port: 0 });
    try {
      await started().shutdown();
      assert.fail(`a bridge listens on ${hostname}`);
    } catch (error) {
      assert.ok(error instanceof TypeError, String(error));
      assert.match(error.message, /only loopback addresses/);
    }
  }
});

Deno.test("configuration: every setting of an upstream has an effect or is refused", () => {
  const proxy = "localhost:1";
  const passwordFile = new URL("../../../LICENSE", import.meta.url).pathname; // Any line will do.
  const none = { proxy, unauthenticated: true };
  const cases: [UpstreamConfig, RegExp][] = [
    [{ ...none, ccache: "/cc" }, /upstreams\.a: ccache and unauthenticated exclude each other/],
    [{ ...none, user: "u", passwordFile }, /user and unauthenticated exclude/],
    [{ ...none, protection: "confidentiality" }, /protection: only GSS-API has this, and unauthenticated is/],
    [
      { proxy, user: "u", passwordFile, minimumProtection: "integrity", spnego: true },
      /spnego, minimumPro/,
    ],
  ];
  for (const [a, message] of cases) {
    assert.throws(() => serveOptions({ methods: ["none"], upstreams: { a } }), { name: "ConfigError", message });
  }
  serveOptions({
    methods: ["none"],
    upstreams: { a: none, b: { ...none, unauthenticated: undefined, user: "u", passwordFile } },
  });
});

Deno.test("proxies: may be URLs everywhere, without a password", async () => {
  const args = (proxy: string) => readArguments(connectCommand, ["--proxy", proxy, "host", "80"]);
  const found = (proxy: string) => proxyOptions(args(proxy)).proxy;
  const upstream = (proxy: string) =>
    serveOptions({ methods: ["none"], upstreams: { a: { proxy, unauthenticated: true } } }).upstreams!["a"]!.proxy;
  for (const [text, hostname, port] of [["p", "p", 1080], ["p:9", "p", 9], ["socks5h://p:9", "p", 9]] as const) {
    assert.deepEqual([found(text), upstream(text)], [{ hostname, port }, { hostname, port }]);
  }
  assert.deepEqual(found("socks5://[::1]/"), { hostname: "::1", port: 1080 });
  for (const proxy of ["http://p:9", "socks4://p", "socks5h://u:s3cret@p", "u:s3cret@p:1", "p:99999", "p/x"]) {
    for (const [read, name] of [[found, "Error"], [upstream, "ConfigError"]] as const) {
      assert.throws(() => read(proxy), (error: Error) => {
        assert.equal(error.name, name);
        assert.ok(!error.message.includes("s3cret") && !error.message.includes("passwordClient"), error.message);
        assert.match(error.message, /proxy|HOST:PORT/);
        return true;
      });
    }
    const { code, err } = await gssocks(["bridge", "--proxy", proxy]);
    assert.deepEqual([code, err.includes("s3cret")], [2, false]);
  }
});

Deno.test("serve: names invalid places to listen, and --check does too", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const place = `127.0.0.1:${listener.addr.port}`;
  const taken = await gssocks(["bridge", "--proxy", "p", "--listen", place]);
  assert.deepEqual([taken.code, taken.err.includes(`Cannot listen on ${place}: `)], [1, true], taken.err);
  assert.throws(() => listenTcp({ hostname: "127.0.0.1", port: listener.addr.port }), Deno.errors.AddrInUse);
  assert.throws(() => listenUnix("/dev/null/x"), { message: /^Cannot listen at \/dev\/null\/x: / });
  listener.close();
  const wrong: [string[], RegExp][] = [
    [["serve", "--method", "none", "--check", "--listen", "x:99999"], /listen\[0\]: Cannot read "x:99999"/],
    [["connect", "--proxy", "p", "bad name", "80"], /Cannot use host "bad name"/],
    [["connect", "--proxy", "p", "host", "80x"], /: PORT takes a number up to 65535, not "80x"/],
    [["connect", "--proxy", "p", "--timeout", "1x", "host", "80"], /: --timeout takes a time \(.*\), not "1x"/],
  ];
  for (const [args, message] of wrong) {
    const { code, err } = await gssocks(args);
    assert.deepEqual([code, message.test(err)], [2, true], err);
  }
});

Deno.test("exit codes: tell lost connections, failed TLS and absent proxies apart", () => {
  const system = Object.assign(new Error("Connection reset by peer (os error 104)"), { code: "ECONNRESET" });
  const notAllowed = new SocksReplyError("NOT_ALLOWED", "Cannot connect to p: needs --allow-net");
  const codes: [Error, number][] = [
    [new SocksConnectionError("LOST", "lost", { cause: system }), 4],
    [new SocksConnectionError("LOST", "lost"), 4],
    [new SocksConnectionError("CLOSED", "closed"), 1],
    [new SocksTlsError("TLS_CUT", "cut"), 4],
    [new SocksTlsError("TLS_HANDSHAKE", "no", { cause: new Error("unknown issuer") }), 4],
    [new SocksProxyError("PROXY_UNREACHABLE", "no", { cause: notAllowed }), 4],
    [new SocksProxyError("PROXY_UNREACHABLE", "no"), 4],
    [notAllowed, 5],
  ];
  for (const [error, code] of codes) assert.equal(exitCodeFor(error), code, Deno.inspect(error));
});
