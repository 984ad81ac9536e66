/** --verbose on connect, bridge and serve: each step once, and no secret. */
import assert from "node:assert/strict";
import { sayTo } from "../../../cli/log/verbose.ts";
import type { CliIo } from "../../../cli/terminal/io.ts";
import { Daemon, run } from "../../support/process.ts";
import { startRealmFolder } from "../../support/realm_folder.ts";
import { origin } from "../../support/servers.ts";
import { gssocks } from "../../support/run_cli.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;
const PROGRAM = ["run", "-q", "-A", "--no-check", "-c", `${ROOT}deno.json`, `${ROOT}cli/mod.ts`];
const LISTENS = /Listening on 127\.0\.0\.1:(\d+)/;
const TICKET =
  /^\* Ticket of alice@GSSOCKS\.TEST for rcmd\/localhost@GSSOCKS\.TEST \(cache FILE:.*cc\): session key aes256-\S+, good until \S+Z$/;

/** Checks that lines match patterns, in their order. */
function assertLines(text: string, patterns: readonly RegExp[]): void {
  const lines = text.split("\n").filter((line) => line.startsWith("* "));
  assert.equal(lines.length, patterns.length, text);
  for (const [i, pattern] of patterns.entries()) assert.match(lines[i]!, pattern);
}

Deno.test("--verbose: connect and bridge say each step, and serve what it knows of its clients", async () => {
  await using realm = await startRealmFolder();
  await using site = origin("the page");
  const env = { KRB5_CONFIG: realm.krb5Conf, KRB5CCNAME: realm.ccache };
  const target = `127.0.0.1:${site.addr.port}`;
  const serving = ["serve", "-v", "-l", "127.0.0.1:0", "--keytab", realm.keytab, "--allow", "localhost"];
  await using server = new Daemon(Deno.execPath(), [...PROGRAM, ...serving], { env });
  const proxy = `localhost:${(await server.waitFor(LISTENS))[1]}`;
  const steps = [
    new RegExp(`^\\* Connecting to proxy ${proxy}$`),
    /^\* Connected to 127\.0\.0\.1:\d+$/,
    /^\* Proxy chose method gssapi, asking for protection integrity$/,
    TICKET,
    /^\* Authenticated to rcmd\/localhost@GSSOCKS\.TEST, enctype aes256-\S+; protection granted: integrity$/,
  ];
  const using = ["-v", "--protection", "integrity", "--proxy", proxy];
  const args = [...PROGRAM, "connect", ...using, "127.0.0.1", String(site.addr.port)];
  const got = await run(Deno.execPath(), args, { env, stdin: "GET / HTTP/1.0\r\n\r\n" });
  assert.match(got.stdout, /the page$/, got.stderr);
  assertLines(got.stderr, [...steps, new RegExp(`^\\* Proxy has connected to ${target}, from 127\\.0\\.0\\.1:\\d+$`)]);
  await using bridge = new Daemon(Deno.execPath(), [...PROGRAM, "bridge", ...using, "-l", "127.0.0.1:0"], { env });
  const local = (await bridge.waitFor(LISTENS))[1];
  using client = Deno.createHttpClient({ proxy: { url: `socks5h://127.0.0.1:${local}` } });
  assert.equal(await (await fetch(`http://${target}/`, { client })).text(), "the page");
  await bridge.waitFor(/ connected \S+ to /);
  assertLines(bridge.output, steps);
  await server.waitFor(/\* \[2\] request connect /);
  for (const session of [1, 2]) {
    const facts =
      `^\\* \\[${session}\\] method gssapi, protection granted: integrity; enctype aes256-[^,]+, realm GSSOCKS\\.TEST`;
    assert.match(server.output, new RegExp(facts, "m"));
    assert.match(server.output, new RegExp(`^\\* \\[${session}\\] request connect ${target}: success, bound to `, "m"));
  }
});

Deno.test("--verbose: says what fails, and goes with no log of another form", async () => {
  await using realm = await startRealmFolder();
  const env = { KRB5_CONFIG: realm.krb5Conf, KRB5CCNAME: `FILE:${realm.directory}/none` };
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const answering = (async () => {
    using client = await listener.accept();
    await client.read(new Uint8Array(3));
    await client.write(Uint8Array.of(5, 1));
    await client.read(new Uint8Array(1));
  })();
  const proxy = `localhost:${listener.addr.port}`;
  const got = await run(Deno.execPath(), [...PROGRAM, "connect", "-v", "-p", proxy, "host", "80"], { env });
  await answering;
  assert.equal(got.code, 3, got.stderr);
  assert.match(got.stderr, /^\* No ticket for rcmd\/localhost\S* \(cache FILE:.*none\): .*kinit/m);
  for (const command of ["bridge", "serve"]) {
    for (const other of ["--json", "--quiet"]) {
      const wrong = await gssocks([command, "-v", other, ...command === "bridge" ? ["-p", "localhost"] : []]);
      assert.deepEqual([wrong.code, /--verbose and \S+ do not go together/.test(wrong.err)], [2, true], wrong.err);
    }
  }
});

Deno.test("--verbose: a line cannot drive a terminal, and has an end", () => {
  let shown = "";
  const say = sayTo({ err: (text: string) => void (shown += text) } as CliIo);
  say("\x1b[2J\nsecond");
  say("x".repeat(1e6));
  assert.match(shown, /^\* \\u001b\[2J\\u000asecond\n\* x{2000}\.\.\.\n$/);
});
