/** Verdicts on datagrams: each is kept as long as nothing changes that it depends on, and no longer. */
import assert from "node:assert/strict";
import type { Resolver } from "../../../../socks/names/resolver.ts";
import { parseNat64Prefix } from "../../../../socks/rules/nat64.ts";
import { parseRuleText } from "../../../../socks/rules/parse_rule.ts";
import type { RuleQuery } from "../../../../socks/rules/rule.ts";
import { RuleSet, type RuleSetOptions } from "../../../../socks/rules/rule_set.ts";
import type { BindDatagrams } from "../../../../socks/stream/datagram_socket.ts";
import { scriptedEgress, ScriptedUdp } from "../../../support/scripted_udp.ts";

const [A, B] = ["45.79.0.30", "45.79.0.31"];
const DENIED = { code: "NOT_ALLOWED" };

/** Rules that count what they are asked. */
class CountedRules extends RuleSet {
  names = 0;
  addresses = 0;

  constructor(texts: readonly string[], now?: () => number, options?: RuleSetOptions) {
    super(texts.map((text) => parseRuleText(text)), now, options);
  }

  override judgeName(query: RuleQuery) {
    this.names++;
    return super.judgeName(query);
  }

  override judgeAddress(query: RuleQuery, address: string) {
    this.addresses++;
    return super.judgeAddress(query, address);
  }
}

/** Rules that can be replaced. */
function reloadable(...texts: string[]) {
  const state = { rules: new CountedRules(texts) };
  return { state, rules: () => state.rules };
}

/** A resolver whose answers change from one look-up to the next. */
function changing(...answers: string[][]): Resolver {
  return () => Promise.resolve(answers.shift()!);
}

Deno.test("JudgedTargets: asks once for a target, by address or by name", async () => {
  const { state, rules } = reloadable("allow *");
  const { send, udp } = await scriptedEgress({ rules, resolve: changing([A], [B]) });
  for (let i = 0; i < 3; i++) await send("x", A);
  assert.deepEqual([state.rules.names, state.rules.addresses], [1, 1]);
  for (let i = 0; i < 3; i++) await send("x", "name");
  await send("x", A, undefined, 54);
  assert.deepEqual([state.rules.names, state.rules.addresses, udp.sent.length], [3, 3, 7]);
});

Deno.test("JudgedTargets: new rules judge anew, in both directions", async () => {
  const { state, rules } = reloadable("allow *");
  const { send, udp, got, drops } = await scriptedEgress({ rules });
  const answer = () => udp.sockets[0]!.onDatagram(new Uint8Array(1), { hostname: A, port: 53 });
  await send("x", A);
  for (let i = 0; i < 3; i++) answer();
  assert.deepEqual([state.rules.addresses, got.length], [2, 3]);
  state.rules = new CountedRules([`deny ${A}`]);
  await assert.rejects(send("x", A), DENIED);
  for (let i = 0; i < 2; i++) answer();
  assert.deepEqual([got.length, ...drops], [3, "denied", "denied"]);
  state.rules = new CountedRules(["allow *"]);
  await send("x", A);
  answer();
  assert.deepEqual([udp.sent.length, got.length], [2, 4]);
});

Deno.test("JudgedTargets: a client that has moved is judged anew, in both directions", async () => {
  const { rules } = reloadable(`allow ${A},from=192.0.2.0/24`, "allow 45.79.0.99,from=198.51.100.0/24");
  const { send, udp, egress, drops } = await scriptedEgress({ rules });
  const answer = () => udp.sockets[0]!.onDatagram(new Uint8Array(1), { hostname: A, port: 53 });
  for (let i = 0; i < 2; i++) await send("x", A);
  answer();
  assert.equal(egress.moved!("198.51.100.1"), true);
  await assert.rejects(send("x", A), DENIED);
  answer();
  assert.deepEqual(drops, ["denied"]);
});

Deno.test("JudgedTargets: a name that is looked up again is judged anew", async () => {
  const { rules } = reloadable(`deny ${B}`, "allow *");
  const { send } = await scriptedEgress({ rules, maxDestinations: 2, resolve: changing([A], [A], [A], [B]) });
  await send("x", "one");
  await send("x", "two");
  // A name that is used stays known, although its verdict is kept.
  await send("x", "one");
  await send("x", "three");
  await send("x", "one");
  // The name is forgotten, its verdict is not.
  await assert.rejects(send("x", "two"), DENIED);
});

Deno.test("JudgedTargets: keeps no verdict of rules that ask for the time", async () => {
  let time = 0;
  const made = new CountedRules(["allow *,ticket-age=1h"], () => time);
  const identity = { method: "gssapi", name: "alice", attributes: { authtime: 0 } } as const;
  const { send, udp, drops } = await scriptedEgress({ rules: () => made }, [], identity);
  for (let i = 0; i < 3; i++) await send("x", A);
  assert.equal(made.names, 3);
  time = 3_600_001;
  await assert.rejects(send("x", A), DENIED);
  udp.sockets[0]!.onDatagram(new Uint8Array(1), { hostname: A, port: 53 });
  assert.deepEqual(drops, ["denied"]);
});

Deno.test("JudgedTargets: other NAT64 prefixes, or some that are looked up, judge anew", async () => {
  const nat64: { prefixes: ReturnType<typeof parseNat64Prefix>[]; pending?: Promise<void> } = { prefixes: [] };
  const made = new CountedRules(["deny 45.79.0.0/16", "allow *"], undefined, { nat64 });
  const { send } = await scriptedEgress({ rules: () => made });
  const behind = "2a01:64::2d4f:1e";
  for (let i = 0; i < 2; i++) await send("x", behind);
  assert.equal(made.names, 1);
  nat64.pending = Promise.resolve();
  for (let i = 0; i < 2; i++) await send("x", behind);
  assert.equal(made.names, 3);
  delete nat64.pending;
  nat64.prefixes = [parseNat64Prefix("2a01:64::/96")];
  await assert.rejects(send("x", behind), DENIED);
});

Deno.test("UDP egress: judges every port that answers", async () => {
  const { rules } = reloadable(`deny ${A}:99`, "allow *");
  const { send, udp, got, drops } = await scriptedEgress({ rules, answersFromAnyPort: true });
  await send("x", A);
  for (const port of [53, 99, 54]) udp.sockets[0]!.onDatagram(new Uint8Array(1), { hostname: A, port });
  assert.deepEqual([got.length, ...drops], [2, "denied"]);
  assert.match(got[1]!, /:54$/);
});

Deno.test("UDP egress: keeps the order of datagrams while sockets open and names are looked up", async () => {
  const { rules } = reloadable("allow *");
  const bound = Promise.withResolvers<void>();
  const udp = new ScriptedUdp();
  const bind: BindDatagrams = (options) => bound.promise.then(() => udp.bind(options));
  const { send } = await scriptedEgress({ rules, bind, resolve: changing([A]) });
  const sending: Promise<void>[] = [];
  // Some wait for a verdict, some for the socket, and some for nothing: one comes with every step on the way.
  for (let i = 0; i < 60; i++) {
    sending.push(send(`${i}`, A));
    if (i === 20) bound.resolve();
    await Promise.resolve();
  }
  for (let i = 60; i < 100; i++) {
    sending.push(send(`${i}`, "name"));
    if (i > 63) await Promise.resolve();
  }
  // Few wait for a look-up; the others are dropped.
  await Promise.allSettled(sending);
  const order = udp.sent.map((text) => parseInt(text));
  assert.ok(order.length > 80, `${order.length}`);
  assert.deepEqual(order, order.toSorted((a, b) => a - b));
  assert.deepEqual(order.slice(0, 64), Array.from({ length: 64 }, (_, i) => i));
});
