/** The metrics: what they say, and that Prometheus' own tool reads them. */
import assert from "node:assert/strict";
import { Monitor } from "../../../cli/monitor/monitor.ts";
import { processFigures } from "../../../cli/monitor/process_figures.ts";
import { prometheusText } from "../../../cli/monitor/prometheus.ts";
import { REFUSAL_CAUSES, refusalCause } from "../../../cli/monitor/refusal_cause.ts";
import { SESSION_BOUNDS, STEP_BOUNDS, TimeCounter } from "../../../cli/snapshot/histogram.ts";
import { mergeSnapshots, type Snapshot } from "../../../cli/snapshot/snapshot.ts";
import { mergeRules, type RuleSums } from "../../../cli/snapshot/sums.ts";
import { GssError, type GssErrorCode } from "../../../gss/status.ts";
import { SocksAuthError, SocksLimitError, SocksReplyError, SocksTimeoutError } from "../../../socks/errors.ts";
import type { ServerEvent } from "../../../socks/server/events.ts";
import type { LiveSession } from "../../../socks/server/status.ts";
import { peer, peerTest } from "../../support/peers.ts";

const ALICE = { method: "gssapi", name: "alice@A.TEST", attributes: {} };
const TARGET = { hostname: "db.test", port: 443 };
const RULE = { number: 2, text: "allow *:443" };

const event = (values: Record<string, unknown>) =>
  ({ session: 1, client: { hostname: "192.0.2.7", port: 4711 }, ...values }) as unknown as ServerEvent;

const connected = event({
  type: "connected",
  identity: ALICE,
  command: "connect",
  target: TARGET,
  rule: RULE,
  duration: 30,
});
const closed = (sent: number, received: number) =>
  event({
    type: "closed",
    identity: ALICE,
    command: "connect",
    target: TARGET,
    rule: RULE,
    sent,
    received,
    duration: 70_000,
  });
const denied = new SocksReplyError("NOT_ALLOWED", "no", { rule: "deny *:25", ruleNumber: 1 });

/** A monitor of a server with two rules that has seen a little of everything. */
function busyMonitor(): Monitor {
  const monitor = new Monitor();
  void monitor.watch(
    { liveSessions: () => [LIVE], listeners: ["0.0.0.0:1080"], rules: () => ["deny *:25", "allow *:443", "deny *:25"] },
    AbortSignal.abort(),
  );
  monitor.onEvent(event({ type: "authenticated", identity: ALICE, protection: "integrity", duration: 4 }));
  monitor.onEvent(connected);
  monitor.onEvent(closed(100, 200));
  monitor.onEvent(event({ type: "refused", identity: ALICE, command: "connect", target: TARGET, error: denied }));
  monitor.onEvent(event({ type: "refused", error: denied }));
  return monitor;
}

const LIVE = {
  session: 2,
  client: undefined,
  identity: ALICE,
  counts: { sent: 7, received: 9 },
  duration: 5,
  startedAt: 0,
  phase: "requested",
  command: "connect",
  target: TARGET,
  protection: "integrity",
  rule: RULE,
} as unknown as LiveSession;

/** Values of one metric by its labels. */
function samples(text: string, name: string): Record<string, number> {
  const found = [...text.matchAll(new RegExp(`^${name}(?:\\{(.*)\\})? (\\S+)$`, "gm"))];
  return Object.fromEntries(found.map(([, labels = "", value]) => [labels, Number(value)]));
}

Deno.test("metrics: steps are counted by how long they took, each bucket with those below it", () => {
  const counter = new TimeCounter([0.01, 1]);
  for (const milliseconds of [0, 10, 11, 1_000, 5_000]) counter.take(milliseconds);
  assert.deepEqual(counter.histogram, { counts: [2, 2, 1], sum: 6.021 });
  const text = prometheusText(busyMonitor().snapshot());
  const handshakes = samples(text, "gssocks_handshake_seconds_bucket");
  assert.deepEqual([handshakes['le="0.0025"'], handshakes['le="0.005"'], handshakes['le="+Inf"']], [0, 1, 1]);
  assert.deepEqual(samples(text, "gssocks_connect_seconds_sum"), { "": 0.03 });
  assert.deepEqual(samples(text, "gssocks_session_seconds_count"), { "": 1 });
  assert.deepEqual([samples(text, "gssocks_session_seconds_bucket")['le="300"'], SESSION_BOUNDS.at(-1)], [1, 86_400]);
});

Deno.test("metrics: what BIND waits for is not the time to reach a target", () => {
  const monitor = new Monitor();
  monitor.onEvent(event({ ...connected, command: "bind" }));
  assert.equal(monitor.snapshot().connect.sum, 0);
});

Deno.test("metrics: refusals have a cause out of a closed list, all of which are there from the start", () => {
  const gss = (code: string) =>
    new SocksAuthError("GSSAPI_FAILED", "no", {
      cause: new GssError("no", { major: "FAILURE", code: code as GssErrorCode }),
    });
  const known: readonly (readonly [string, Error])[] = [
    ["skew", gss("KRB_AP_ERR_SKEW")],
    ["expired", gss("KRB_AP_ERR_TKT_EXPIRED")],
    ["kvno", gss("KRB_AP_ERR_BADKEYVER")],
    ["service", gss("KRB_AP_ERR_NOKEY")],
    ["replay", gss("KRB_AP_ERR_REPEAT")],
    ["integrity", gss("KRB_AP_ERR_MODIFIED")],
    ["gssapi", gss("KDC_ERR_CLIENT_REVOKED")],
    ["password", new SocksAuthError("BAD_CREDENTIALS", "no")],
    ["rule", denied],
    ["limit", new SocksLimitError("USER_LIMIT", "no")],
    ["timeout", new SocksTimeoutError("CONNECT_TIMEOUT", "no")],
    ["unreachable", new SocksReplyError("HOST_UNREACHABLE", "no")],
    ["other", new TypeError("no")],
  ];
  assert.deepEqual(known.map(([, error]) => refusalCause(error)), known.map(([cause]) => cause));
  assert.deepEqual(Object.keys(new Monitor().snapshot().causes), REFUSAL_CAUSES);
  const text = prometheusText(busyMonitor().snapshot());
  const causes = samples(text, "gssocks_refusals_total");
  assert.deepEqual([causes['cause="rule"'], causes['cause="skew"'], Object.keys(causes).length], [
    2,
    0,
    REFUSAL_CAUSES.length,
  ]);
});

Deno.test("status: users and rules have sums, with what is under way", () => {
  const { users, rules, listeners, sessions } = busyMonitor().snapshot();
  assert.deepEqual(users, [{ user: "alice@A.TEST", requests: 1, refused: 1, sent: 107, received: 209 }]);
  assert.deepEqual(rules, [
    // The refusal of a client without a name was by a rule of another list.
    { number: 1, rule: "deny *:25", requests: 0, refused: 1, sent: 0, received: 0 },
    { number: 2, rule: "allow *:443", requests: 1, refused: 0, sent: 107, received: 209 },
    { number: 3, rule: "deny *:25", requests: 0, refused: 0, sent: 0, received: 0 },
  ]);
  assert.deepEqual([listeners, sessions[0]!.rule], [["0.0.0.0:1080"], "2 allow *:443"]);
});

Deno.test("status: BIND, UDP and look-ups are one request each", () => {
  const monitor = new Monitor();
  const one = (type: string, command: string) =>
    monitor.onEvent(event({ type, command, identity: ALICE, sent: 0, received: 0, duration: 1 }));
  one("listening", "bind");
  one("connected", "bind");
  one("closed", "bind");
  one("associated", "udp");
  one("closed", "udp");
  one("closed", "resolve");
  assert.equal(monitor.snapshot().users[0]!.requests, 3);
});

Deno.test("status: no more users are kept than are shown, and the one heard of last stays", () => {
  const monitor = new Monitor();
  const hear = (name: string) => monitor.onEvent(event({ ...connected, identity: { ...ALICE, name } }));
  const users = () => new Map(monitor.snapshot().users.map(({ user, requests }) => [user, requests]));
  for (let i = 0; i < 500; i++) hear(`user${i}`);
  // Nobody has to make room for a user who is known.
  for (let i = 0; i < 9; i++) hear("user0");
  assert.deepEqual([users().size, users().get("user0"), users().get("user1")], [500, 10, 1]);
  hear("late");
  assert.deepEqual([users().size, users().get("user0"), users().get("user1")], [500, 10, undefined]);
});

Deno.test("status: the snapshots of workers are added up", () => {
  const one = busyMonitor().snapshot();
  const both = mergeSnapshots([one, one]);
  assert.deepEqual(both.users, [{ user: "alice@A.TEST", requests: 2, refused: 2, sent: 214, received: 418 }]);
  assert.deepEqual(both.rules[1], {
    number: 2,
    rule: "allow *:443",
    requests: 2,
    refused: 0,
    sent: 214,
    received: 418,
  });
  const { requests, refused } = both.rules[0]!;
  assert.deepEqual([requests, refused, both.rules[2]], [0, 2, one.rules[2]]);
  assert.deepEqual([both.handshake.sum, both.connect.counts.at(-1), both.causes["rule"]], [0.008, 0, 4]);
  assert.equal(both.connect.counts.reduce((a, b) => a + b), 2);
  assert.equal(both.session.counts.length, SESSION_BOUNDS.length + 1);
  assert.equal(both.handshake.counts.length, STEP_BOUNDS.length + 1);
});

Deno.test("status: to add up long lists of rules takes a few looks at each rule", () => {
  let looks = 0;
  const list = (): RuleSums[] =>
    Array.from({ length: 200 }, (_, i) => ({
      ...{ number: i + 1, requests: 1, refused: 0, sent: 0, received: 0 },
      get rule() {
        looks++;
        return `deny host${i}.example`;
      },
    }));
  const merged = mergeRules([list(), list(), list(), list()]);
  assert.deepEqual([merged.length, merged[199]!.requests], [200, 4]);
  assert.ok(looks < 10 * 4 * 200, `${looks} looks`);
});

Deno.test("metrics: the process and the program have the figures that every program has", () => {
  const { cpuSeconds, residentBytes } = processFigures();
  assert.ok(cpuSeconds > 0 && cpuSeconds < 10_000 && residentBytes > 1_000_000);
  const text = prometheusText(new Monitor().snapshot(), { cpuSeconds: 1.5, residentBytes: 7 });
  assert.match(text, /^process_cpu_seconds_total 1\.5$/m);
  assert.match(text, new RegExp(`^gssocks_build_info\\{version="\\d[^"]*",deno="${Deno.version.deno}"\\} 1$`, "m"));
});

peerTest("metrics: promtool finds nothing wrong with them", ["promtool"], async () => {
  const evil: Snapshot = {
    ...busyMonitor().snapshot(),
    refused: { 'a"b\\c\n': 1 },
    shared: { up: true, onLoss: "refuse" },
  };
  const checking = new Deno.Command(peer("promtool"), {
    args: ["check", "metrics"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = checking.stdin.getWriter();
  await writer.write(new TextEncoder().encode(prometheusText(evil, processFigures())));
  await writer.close();
  const { code, stdout, stderr } = await checking.output();
  const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert.deepEqual([code, said], [0, ""]);
});
