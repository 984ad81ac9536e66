/** What others chose, where it is shown: log lines, every command, status page, metrics. */
import assert from "node:assert/strict";
import { trace, type TracerProvider } from "@opentelemetry/api";
import fc from "fast-check";
import { errorLine, UsageError } from "../../../cli/command/command.ts";
import { ConfigError } from "../../../cli/config/config_error.ts";
import { eventPrinter, type LogFormat } from "../../../cli/log/event_log.ts";
import { adminResponse } from "../../../cli/monitor/admin.ts";
import { Monitor } from "../../../cli/monitor/monitor.ts";
import { prometheusText } from "../../../cli/monitor/prometheus.ts";
import { printableIo } from "../../../cli/terminal/printable_io.ts";
import { printable, printableLines, quoted } from "../../../base/printable.ts";
import { GssError } from "../../../gss/status.ts";
import { KerberosKey } from "../../../kerberos/crypto/key.ts";
import { KdcError } from "../../../kerberos/errors.ts";
import { principal } from "../../../kerberos/principal.ts";
import { Credential } from "../../../kerberos/credential.ts";
import { FileCredentialCache, writeKeytab } from "../../../kerberos/credentials/shell/stores.ts";
import { Keytab } from "../../../kerberos/credentials/formats/keytab.ts";
import { telemetry } from "../../../proxy/telemetry.ts";
import { SocksAuthError, SocksReplyError } from "../../../socks/errors.ts";
import type { ServerEvent } from "../../../socks/server/events.ts";
import { commandsIn } from "../../support/cli_process.ts";

/** One of each kind: C0, C1, delete, bidirectional, zero width, separators, fillers, tags, half a surrogate pair. */
const EVIL = "\x1b]0;x\x07\r\x08\x7f\x9b31m\u202e\u2066\u200b\u200e\u00ad\ufeff\u2028\u2029\u3164\ufe0f\u{e0041}\ud800";
const UNFIT =
  /(?![\n\t])\p{Cc}|[\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe0f\ufeff\u{e0041}]|\p{Cs}/u;

function fit(text: string): void {
  assert.doesNotMatch(text, UNFIT);
}

const event = (values: Record<string, unknown>) =>
  ({ session: 7, client: { hostname: "192.0.2.7", port: 4711 }, ...values }) as unknown as ServerEvent;

/** Every event, with a name, a target and an error of somebody's choice. */
function events(name: string, hostname: string, error: Error): ServerEvent[] {
  const identity = { method: "password", name, attributes: {} };
  const target = { hostname, port: 80 };
  const common = { identity, target, bound: target, command: "connect", protection: "none" };
  return [
    event({ type: "accepted" }),
    event({ type: "authenticated", ...common }),
    event({ type: "refused", error }),
    event({ type: "refused", ...common, error }),
    event({ type: "listening", ...common }),
    event({ type: "associated", ...common }),
    event({ type: "connected", ...common }),
    event({ type: "closed", ...common, sent: 1, received: 2, duration: 3 }),
    event({ type: "closed", ...common, sent: 1, received: 2, duration: 3, error }),
  ];
}

function logged(format: LogFormat, all: readonly ServerEvent[]): string[] {
  const lines: string[] = [];
  const print = eventPrinter(
    format,
    { err: (text: string) => void lines.push(text) } as Parameters<typeof eventPrinter>[1],
  );
  for (const one of all) print(one);
  return lines;
}

Deno.test("printable(): escapes what drives a terminal or is invisible, and nothing else", () => {
  fit(printable(EVIL));
  assert.equal(printable("\x1b\x9b\u202e\u{e0041}\n\t"), "\\u001b\\u009b\\u202e\\udb40\\udc41\\u000a\\u0009");
  assert.equal(printableLines("a\n\tb\r\n\x1b"), "a\n\tb\\u000d\n\\u001b");
  const kept = 'Ünï çödé, 日本語 😀 "quoted" \\ back';
  assert.equal(printable(kept), kept);
  const value = { a: EVIL.toWellFormed(), b: [`x${EVIL.toWellFormed()}\n`] };
  assert.deepEqual(JSON.parse(printable(JSON.stringify(value))), value);
});

Deno.test("log: no line is longer than a journal takes", () => {
  const name = `bob${EVIL}\nFAKE\t`;
  const error = new SocksAuthError("BAD_CREDENTIALS", `Password of ${name} refused`);
  for (const format of ["text", "json"] as const) {
    const lines = logged(format, events(name, `evil${EVIL}\n.example`, error));
    assert.equal(lines.length, 9);
    for (const line of lines) {
      assert.match(line, /^[^\n]*\n$/);
      fit(line.slice(0, -1));
    }
    if (format === "json") {
      const record = JSON.parse(lines[3]!);
      assert.equal(record.user, name);
      assert.equal(record.error, error.message);
    }
  }
  assert.deepEqual(logged("none", events(name, "x", error)), []);
});

Deno.test("log: the address in a line of text is the client's (property)", () => {
  const words = fc.array(
    fc.oneof(
      fc.constantFrom(
        "refused",
        "203.0.113.9:1",
        "[5]",
        "(unauthenticated):",
        "(unauthenticated)",
        'Password of "x" refused',
        '"',
        ":",
        "\\",
      ),
      fc.string(),
    ),
    { maxLength: 7 },
  ).map((all) => all.join(" "));
  fc.assert(
    fc.property(words, words, (name, message) => {
      const lines = logged("text", events(name, "target.example", new Error(message)));
      const first = lines.map((line) => line.split(" ")[2]);
      const words = ["connection", "authenticated", "refused", "refused", "listens", "relays", "connected", "closed"];
      assert.deepEqual(first, [...words, "closed"]);
      for (const line of lines) {
        const found = /^\S+ \[(\d+)\] (?:refused|authenticated|connection from) (\S+)/.exec(line);
        if (found !== null) assert.deepEqual([found[1], found[2]], ["7", "192.0.2.7:4711"]);
      }
      // A name is one word or in quotation marks, and what it is can be told.
      const [, who] = /^\S+ \[7\] refused \S+ ("(?:[^"]|"")*"|[^\s":]+): /.exec(lines[3]!) ?? [];
      const [, also] = /^\S+ \[7\] authenticated \S+ (.*) by password, protection none$/.exec(lines[1]!.trim()) ?? [];
      assert.ok(who !== undefined && also === who, lines[3]);
      const said = who.startsWith('"') ? who.slice(1, -1).replaceAll('""', '"') : who;
      if (name !== "") assert.equal(said, printable(name));
      assert.equal(who === "(unauthenticated)", name === "");
    }),
  );
});

Deno.test("log: no error text makes a line longer than a journal takes", () => {
  const long = "\x1b".repeat(60_000);
  const cause = new GssError("no", { major: "FAILURE", code: "FAILURE", details: { service: long } });
  const rule = `deny ${"a.example+".repeat(500)}b.example`;
  const denied = new SocksReplyError("NOT_ALLOWED", long, { rule });
  for (const error of [new SocksAuthError("GSSAPI_FAILED", long, { cause }), denied]) {
    for (const format of ["text", "json"] as const) {
      for (const line of logged(format, events(long, "x", error))) {
        assert.ok(line.length < 40_000, `${line.length} ${line.slice(0, 200)}`);
      }
    }
    const [, , , record] = logged("json", events("bob", "x", error));
    const { user, error: message, rule: told, service } = JSON.parse(record!);
    assert.deepEqual([user, message], ["bob", `${long.slice(0, 2_000)}...`]);
    assert.equal(error === denied ? told : service, error === denied ? rule : `${long.slice(0, 2_000)}...`);
    const monitor = new Monitor();
    for (const one of events(long, "x", error)) monitor.onEvent(one);
    assert.ok(JSON.stringify(monitor.snapshot()).length < 60_000);
  }
});

Deno.test("log: a user is one word, or in quotation marks", () => {
  const cases = [["", "(unauthenticated)"], ["(unauthenticated)", '"(unauthenticated)"'], ["bob", "bob"], [
    "a b",
    '"a b"',
  ], ['a" b', '"a"" b"']];
  for (const [name, shown] of cases) {
    const lines = logged("text", events(name!, "target.example", new Error("no")));
    assert.ok(lines[1]!.endsWith(`] authenticated 192.0.2.7:4711 ${shown} by password, protection none\n`), lines[1]);
    assert.ok(lines[3]!.endsWith(`] refused 192.0.2.7:4711 ${shown}: no\n`), lines[3]);
  }
});

Deno.test("log: the documented filter of fail2ban finds the client's address", async () => {
  const guide = await Deno.readTextFile(new URL("../../../docs/operating.md", import.meta.url));
  const failregex = /^failregex = (.*)$/m.exec(guide)![1]!;
  const filter = new RegExp(failregex.replace("<HOST>", "(?<host>[0-9a-f.:]+)"));
  const fake = '[1] refused 203.0.113.9:1 somebody: Password of "z" refused';
  const names = ["bob", fake, `x ${fake}`, `Z ${fake}`, `2026-01-01T00:00:00.000Z ${fake}`, `\n${fake}`];
  for (const name of [...names, "\x1b".repeat(255)]) {
    const refusal = new SocksAuthError("BAD_CREDENTIALS", `Password of ${JSON.stringify(name)} refused`);
    const lines = [
      ...logged("text", events(name, "target.example", refusal)),
      ...logged("text", events("bob", fake, new Error(name))),
    ].map((line) => line.trim());
    for (
      const log of [
        lines,
        lines.map((line) => line.replace(/^\S+Z/, "")),
        lines.map((line) => `host deno[1]: ${line}`),
      ]
    ) {
      const found = log.map((line) => filter.exec(line)?.groups?.host);
      assert.equal(found[2], "192.0.2.7", log[2]);
      assert.deepEqual(new Set(found.toSpliced(2, 1)), new Set([undefined]), log.join("\n"));
    }
  }
});

Deno.test("quoted(): returns a name as a rule has it", () => {
  assert.deepEqual(
    ["alice@A.TEST", "host/x.y@A", "pc1$@A", "a\\@b@A", "John Doe@A", 'a"b', "a,b", "a:b", ""].map(quoted),
    ["alice@A.TEST", "host/x.y@A", "pc1$@A", "a\\@b@A", '"John Doe@A"', '"a""b"', '"a,b"', '"a:b"', '""'],
  );
});

/** A cache and a keytab with names that a KDC or another program chose. */
async function evilFiles(directory: string): Promise<{ cache: string; keytab: string }> {
  const key = KerberosKey.generate(18);
  const client = principal(`R${EVIL}`.toWellFormed(), [`user${EVIL}`.toWellFormed(), "\n"]);
  const server = principal(client.realm, ["krbtgt", client.realm]);
  const times = { authtime: 0, starttime: 0, endtime: 4e12, renewTill: 0 };
  const cache = new FileCredentialCache(`FILE:${directory}/cc`);
  const credential = new Credential({ client, server, key, ...times, flags: 0, ticket: new Uint8Array(1) });
  await cache.initialize({ principal: client, credentials: [credential] });
  await writeKeytab(`${directory}/keytab`, new Keytab([{ principal: client, kvno: 1, key }]));
  return { cache: `FILE:${directory}/cc`, keytab: `${directory}/keytab` };
}

Deno.test("commands: escape names from caches, keytabs and KDCs", async () => {
  const directory = await Deno.makeTempDir({ prefix: "gssocks-evil-" });
  try {
    const { cache, keytab } = await evilFiles(directory);
    const krb5Conf = `${directory}/krb5.conf`;
    await Deno.writeTextFile(krb5Conf, "[libdefaults]\n dns_lookup_kdc = false\n");
    // In a process of their own: its environment is nobody else's.
    const outputs = await commandsIn([
      ["klist", "-c", cache],
      ["klist", "-c", cache, "--json"],
      ["klist", "-kte", keytab],
      ["klist", "-kt", keytab, "--json"],
      ["kinit", "-c", cache],
      ["kinit", "-c", cache, "-R"],
      ["kvno", "-c", cache, `a${EVIL}/b`],
      [`no${EVIL}`],
      ["kinit", `--x${EVIL}`],
      ["serve", "--allow", `*,user=${EVIL}`, "-k", keytab, "--check", `--allow=a${EVIL}`],
    ], { permissions: ["-A"], env: { KRB5_CONFIG: krb5Conf } });
    for (const { out, err } of outputs) {
      assert.notEqual(out + err, "");
      fit(out + err);
    }
    assert.match(outputs[0]!.out, /^Default principal: user\\u001b\]0;x/m);
    assert.equal(JSON.parse(outputs[1]!.out).tickets.length, 1);
    assert.match(outputs[0]!.out, /\/\\n@/);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("errorLine(): is one line, except for a configuration", () => {
  assert.equal(errorLine(new Error(`no\nFAKE${EVIL}`)), `no\\u000aFAKE${printable(EVIL)}`);
  assert.equal(errorLine("a\nb"), "a\\u000ab");
  assert.equal(errorLine(new ConfigError("one\ntwo")), "one\ntwo");
  assert.equal(errorLine(new UsageError("one\ntwo")), "one\ntwo");
});

Deno.test("printableIo(): escapes prompts, and leaves standard output as it is", async () => {
  const prompts: string[] = [];
  const stdout = new WritableStream<Uint8Array>();
  const io = printableIo({
    out: () => {},
    err: () => {},
    stdin: new ReadableStream(),
    stdout,
    readPassword: (prompt) => (prompts.push(prompt), Promise.resolve("")),
    signal: new AbortController().signal,
  });
  await io.readPassword(`Password for a${EVIL}\n: `);
  fit(prompts[0]!);
  assert.doesNotMatch(prompts[0]!, /\n/);
  assert.equal(io.stdout, stdout);
});

Deno.test("KdcError: escapes the text of the KDC", () => {
  const error = new KdcError({ errorCode: 60, text: `${EVIL}\n${"x".repeat(5_000)}`, clockOffset: 0 });
  fit(error.message);
  assert.doesNotMatch(error.message, /\n/);
  assert.ok(error.message.length < 2_000);
});

Deno.test("status: the page gets only printable text, and labels of metrics break no line", async () => {
  const monitor = new Monitor();
  const name = `bob${EVIL}\n`;
  const error = new SocksAuthError("BAD_CREDENTIALS", `Password of ${name} refused`);
  for (const one of events(name, `evil${EVIL}`, error)) monitor.onEvent(one);
  const abort = new AbortController();
  const watching = monitor.watch({
    liveSessions: () =>
      [{
        session: 1,
        client: { hostname: `x${EVIL}`, port: 1 },
        startedAt: 0,
        counts: { sent: 0, received: 0 },
        identity: { method: "gssapi", name, attributes: {} },
        target: { hostname: `evil${EVIL}`, port: 2 },
      }] as unknown as ReturnType<Parameters<Monitor["watch"]>[0]["liveSessions"]>,
  }, abort.signal);
  const response = await adminResponse(
    new Request("http://127.0.0.1/status.json"),
    () => Promise.resolve(monitor.snapshot()),
  );
  const text = await response.text();
  const { sessions, denials } = JSON.parse(text);
  abort.abort();
  await watching;
  for (const shown of [text, ...Object.values(sessions[0]), ...Object.values(denials[0])]) fit(String(shown));
  assert.match(sessions[0].user, /^bob\\u001b/);
  assert.match(denials[0].user, /\\u000a$/);
  const metrics = prometheusText({ ...monitor.snapshot(), refused: { [`A"\\\n${EVIL}`]: 1 } });
  fit(metrics);
  assert.match(metrics, /^gssocks_refused_total\{code="A\\"\\\\\\n[^\n]*"\} 1$/m);
});

Deno.test("spans: get only what may be shown", () => {
  const told: unknown[] = [];
  const span = {
    isRecording: () => true,
    setAttributes: (attributes: unknown) => void told.push(attributes),
    setAttribute: (...attribute: unknown[]) => void told.push(attribute),
    setStatus: (status: unknown) => void told.push(status),
    addEvent: () => {},
    end: () => {},
  };
  const tracer = { startSpan: (_name: string, options: unknown) => (told.push(options), span) };
  trace.setGlobalTracerProvider({ getTracer: () => tracer } as unknown as TracerProvider);
  try {
    const tell = telemetry();
    const name = `bob${EVIL}\n`;
    const error = new SocksAuthError("BAD_CREDENTIALS", `Password of ${name} refused`);
    for (const one of events(name, `evil${EVIL}`, error)) {
      tell(event({ type: "accepted" }));
      tell(one);
    }
  } finally {
    trace.disable();
  }
  const values = told.flatMap((one) => Object.values(one as object)).flatMap((value) =>
    typeof value === "object" ? Object.values(value) : [value]
  ).map(String);
  for (const value of values) fit(value);
  for (const text of ["bob\\u001b", "evil\\u001b", "Password of bob\\u001b", "192.0.2.7"]) {
    assert.ok(values.some((value) => value.startsWith(text)), text);
  }
});
