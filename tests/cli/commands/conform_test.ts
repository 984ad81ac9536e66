/** `gssocks conform`: what it takes, shows and ends with. */
import assert from "node:assert/strict";
import { serve } from "../../../mod.ts";
import { readKeytab } from "../../../kerberos/credentials/shell/stores.ts";
import { BreakableProxy } from "../../conform/breakable/proxy.ts";
import { LOGIN } from "../../conform/breakable/authentication.ts";
import type { ProxyFaults } from "../../conform/breakable/faults.ts";
import { freePort, run } from "../../support/process.ts";
import { gssocks } from "../../support/run_cli.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;

/** Runs the command against a proxy with faults that knows a user. */
async function conform(faults: ProxyFaults, ...args: readonly string[]): ReturnType<typeof gssocks> {
  const noKeys = () => {
    throw new Error("no keys");
  };
  await using proxy = new BreakableProxy(noKeys, faults);
  const times = ["--silence", "40ms", "--timeout", "2s"];
  const command = ["conform", `127.0.0.1:${proxy.addr.port}`, "--user", LOGIN.username, ...times, ...args];
  return await gssocks(command, { password: LOGIN.password });
}

Deno.test("conform: shows what is broken, and ends with 1 only if it must not be", async () => {
  const good = await conform({}, "--only", "password");
  assert.equal(good.code, 0, good.err);
  assert.match(
    good.out,
    /^proxy 127\.0\.0\.1:\d+: 10 passed, 0 failed, 0 skipped, 0 with an error: no rule [^\n]* is broken\n$/,
  );
  const bad = await conform({ oneRead: "login" }, "--only", "password");
  assert.equal(bad.code, 1);
  assert.match(
    bad.out,
    /^FAIL {2}must {4}password\.split +reads a login that comes byte by byte \(RFC 1929 section 2\)\n/,
  );
  assert.match(bad.out, /\n {14}expected: 01 00\n {14}got: {6}an end\n/);
  assert.match(bad.out, /1 of the rules that must hold is broken\n$/);
  const weak = await conform({ forget: "login" }, "--only", "password");
  assert.deepEqual([weak.code, /FAIL {2}should {2}password\.joined/.test(weak.out)], [0, true]);
});

Deno.test("conform: says all that it did with --verbose, and why it skipped", async () => {
  const { out } = await conform({}, "--only", "password.good", "--only", "token.empty", "--verbose");
  assert.match(out, /^pass {2}must {4}password\.good/);
  assert.match(out, /\nskip {2}must {4}token\.empty [^\n]*\n {14}no ticket was given\n/);
});

Deno.test("conform: --json and --tap show the same", async () => {
  const json = JSON.parse((await conform({ oneRead: "login" }, "--only", "password", "--json")).out);
  assert.deepEqual([json.verdict, json.counts.fail, json.results.length], ["failed", 1, 10]);
  const failed = json.results.find(({ outcome }: { outcome: string }) => outcome === "fail");
  assert.deepEqual([failed.id, failed.severity, failed.got], ["password.split", "must", "an end"]);
  const tap = (await conform({ oneRead: "login", forget: "login" }, "--only", "password", "--tap")).out;
  assert.match(tap, /^TAP version 14\n1\.\.10\nok 1 - password\.good: /);
  assert.match(tap, /\nnot ok 9 - password\.split: [^\n#]*\n {2}---\n {2}clause: "RFC 1929 section 2"\n/);
  const skipped = (await conform({}, "--only", "token.empty", "--tap")).out;
  assert.match(skipped, /\nok 1 - token\.empty: [^\n]* # SKIP no ticket was given\n/);
});

Deno.test("conform: a check that should hold is a TODO in TAP", async () => {
  const { out, code } = await conform({ forget: "login" }, "--only", "password", "--tap");
  assert.deepEqual([code, /\nnot ok 10 - password\.joined: [^\n]* # TODO should\n/.test(out)], [0, true]);
});

Deno.test("conform: ends with 3 when nothing could be judged", async () => {
  const nowhere = await gssocks(["conform", `127.0.0.1:${freePort()}`, "--no-ticket"]);
  assert.deepEqual([nowhere.code, /Connection refused/i.test(nowhere.err)], [3, true], nowhere.err);
  const nothing = await conform({}, "--only", "token.empty");
  assert.deepEqual([nothing.code, /not all rules could be judged/.test(nothing.out)], [3, true]);
});

Deno.test("conform: wrong arguments", async () => {
  const wrong: readonly [readonly string[], RegExp][] = [
    [[], /HOST:PORT of the proxy, or --client/],
    [["--client"], /--client needs --run COMMAND/],
    [["--client", "--run", "curl http://{target}/"], /needs \{proxy\}/],
    [["--client", "--run", "curl {proxi} {proxy}"], /\{proxi\} is not known/],
    [["--client", "--run", "curl '{proxy}"], /a quote has no end/],
    [["--client", "--run", "curl {proxy}", "localhost:1080"], /is not taken with --client/],
    [["--client", "--run", "curl {proxy}", "--user", "alice"], /--client and --user do not go together/],
    [["localhost:1080", "--run", "curl"], /--run is for --client/],
    [["localhost:1080", "--json", "--tap"], /--json and --tap do not go together/],
    [["localhost:1080", "--password-file", "x"], /--password-file needs --user/],
    [["localhost:1080", "--krb5-conf", "x"], /--krb5-conf needs --write-keytab/],
    [["localhost:1080", "--target-name", "x"], /--target-name needs --target/],
    [["localhost:1080", "--silence", "soon"], /--silence takes a time/],
    [["localhost:1080", "--silence", "0"], /--silence cannot be "0"/],
    [["localhost:1080", "--silence", "never"], /--silence cannot be "never"/],
    [["localhost:1080", "--only", "hello", "--only", "client"], /no check has a name that begins with "client"/],
    [["--client", "--run", "curl {proxy}", "--only", "hello"], /no check has a name that begins with "hello"/],
  ];
  for (const [args, message] of wrong) {
    const { code, err } = await gssocks(["conform", ...args]);
    assert.deepEqual([code, message.test(err)], [2, true], `${args.join(" ")}: ${err}`);
  }
});

Deno.test("conform: --write-keytab writes over no file", async () => {
  const path = await Deno.makeTempFile();
  try {
    const { code, err } = await gssocks(["conform", `localhost:${freePort()}`, "--write-keytab", path], {
      signal: AbortSignal.timeout(2_000),
    });
    assert.deepEqual([code, /is there already/.test(err)], [2, true], err);
    assert.equal((await Deno.stat(path)).size, 0);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("conform: --write-keytab gives the proxy a key, and waits until it answers", async () => {
  const folder = await Deno.makeTempDir();
  const port = freePort();
  const [keytab, krb5Conf] = [`${folder}/keytab`, `${folder}/krb5.conf`];
  let server: AsyncDisposable | undefined;
  try {
    const { code, out, err } = await gssocks(
      [
        "conform",
        `localhost:${port}`,
        "--write-keytab",
        keytab,
        "--krb5-conf",
        krb5Conf,
        "--only",
        "token.c",
        "--silence",
        "40ms",
      ],
      {
        onErr: (text) => {
          if (!/Start the proxy with KRB5_CONFIG=/.test(text) || server !== undefined) return;
          assert.equal(readKeytab(keytab).entries[0]!.principal.components.join("/"), "rcmd/localhost");
          assert.match(Deno.readTextFileSync(krb5Conf), /default_realm = GSSOCKS\.TEST/);
          server = serve({ port, keytab, rules: ["allow localhost"] });
        },
      },
    );
    assert.equal(code, 0, err);
    assert.match(out, /: 2 passed, 0 failed, 0 skipped/);
    assert.deepEqual([...Deno.readDirSync(folder)], [], "the files are gone with the KDC");
  } finally {
    await server?.[Symbol.asyncDispose]();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("conform: --client starts a client for each part, with a ticket of its own", async () => {
  const gssocksConnect = [
    Deno.execPath(),
    "run",
    "-A",
    "--no-check",
    `${ROOT}cli/mod.ts`,
    "connect",
    "--proxy",
    "{proxy}",
  ];
  const command = [...gssocksConnect, "{target_host}", "{target_port}"].map((word) => `"${word}"`).join(" ");
  const only = ["client.session", "refuse.level-0", "data.replayed"].flatMap((id) => ["--only", id]);
  const { code, out, err } = await gssocks(["conform", "--client", "--run", command, "--silence", "100ms", ...only]);
  assert.equal(code, 0, err);
  assert.match(out, /^client: 3 passed, 0 failed, 0 skipped/);
});

Deno.test("conform: needs the network for a proxy; to start programs and to write for a client", async () => {
  await using server = serve({ port: 0, allowUnauthenticated: true, rules: ["allow localhost"] });
  const program = (permissions: readonly string[], ...args: readonly string[]) =>
    run(Deno.execPath(), ["run", "-q", "--no-prompt", ...permissions, `${ROOT}cli/mod.ts`, "conform", ...args]);
  const proxy = await program(
    ["--allow-net"],
    ...[`localhost:${server.addr.port}`, "--no-ticket", "--only", "alive", "--only", "udp.name"],
  );
  assert.deepEqual([proxy.code, /: 1 passed, 0 failed, 1 skipped/.test(proxy.stdout)], [0, true], proxy.stderr);
  const client = await program(
    ["--allow-net", "--allow-read", "--allow-write", "--allow-env=TMPDIR", "--allow-run=/bin/true"],
    ...["--client", "--run", "/bin/true {proxy}", "--timeout", "0", "--only", "client.login"],
  );
  assert.deepEqual([client.code, /1 failed/.test(client.stdout)], [1, true], client.stderr);
});
