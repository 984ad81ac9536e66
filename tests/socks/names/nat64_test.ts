/** IPv4 addresses behind NAT64: what rules see of them, which prefixes are found, and what is dialled. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { TargetRequest } from "../../../socks/server/targets/target.ts";
import { SocksReplyError } from "../../../socks/errors.ts";
import { Nat64Prefixes, throughNat64 } from "../../../socks/names/nat64_prefixes.ts";
import { openDirectly } from "../../../socks/server/targets/direct.ts";
import { ipv4Under, ipv6For, parseNat64Prefix, prefixesIn, translated } from "../../../socks/rules/nat64.ts";
import { parseRuleText } from "../../../socks/rules/parse_rule.ts";
import { RuleSet } from "../../../socks/rules/rule_set.ts";
import { specialKind } from "../../../socks/rules/special_ranges.ts";
import type { Dialer } from "../../../socks/stream/connection.ts";
import type { Resolver } from "../../../socks/names/resolver.ts";
import { formatIp, parseIp } from "../../../socks/wire/ip.ts";
import { pipe } from "../../support/pipe.ts";

const bytes = (text: string) => parseIp(text)!;
const prefixes = (...texts: string[]) => texts.map(parseNat64Prefix);
const rules = (nat64: readonly string[], ...texts: string[]) =>
  new RuleSet(texts.map(parseRuleText), undefined, { nat64: { prefixes: prefixes(...nat64) } });
function request(hostname: string, signal: AbortSignal = new AbortController().signal): TargetRequest {
  const identity = { method: "none", name: "", attributes: {} } as const;
  return { hostname, port: 80, identity, command: "connect", protection: "none", signal };
}
const allowed = (set: RuleSet, address: string) => set.judgeAddress(request(address), address).allowed;

/** The table of RFC 6052 section 2.4, with prefixes that somebody may have. */
const TABLE: readonly (readonly [prefix: string, address: string])[] = [
  ["2001:db8::/32", "2001:db8:c000:221::"],
  ["2001:db8:100::/40", "2001:db8:1c0:2:21::"],
  ["2001:db8:122::/48", "2001:db8:122:c000:2:2100::"],
  ["2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"],
  ["2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100:0"],
  ["2001:db8:122:344::/96", "2001:db8:122:344::c000:221"],
  ["64:ff9b::/96", "64:ff9b::c000:221"],
];

Deno.test("ipv4Places(): as in RFC 6052 section 2.4, for all lengths of a prefix", () => {
  for (const [text, address] of TABLE) {
    const prefix = parseNat64Prefix(text);
    const made = ipv6For(prefix, bytes("192.0.2.33"));
    assert.deepEqual(made, bytes(address), text);
    assert.deepEqual(ipv4Under(prefix, made), bytes("192.0.2.33"));
    assert.deepEqual(translated(made, [prefix]), { prefix, ipv4: bytes("192.0.2.33") });
  }
});

const PREFIX = fc.record({
  bits: fc.constantFrom(32, 40, 48, 56, 64, 96),
  bytes: fc.uint8Array({ minLength: 16, maxLength: 16 }),
}).map(({ bits, bytes }) => {
  const network = new Uint8Array(16);
  network.set(bytes.subarray(0, bits / 8));
  [network[0], network[1], network[2]] = [0x2a, 0x0b, bytes[2]!];
  network[8] = 0;
  return { network, bits };
});
const IPV4 = fc.uint8Array({ minLength: 4, maxLength: 4 });

Deno.test("property: ipv4Under() inverts ipv6For(), and byte 8 and the suffix stay zero", () => {
  fc.assert(fc.property(PREFIX, IPV4, fc.uint8Array({ minLength: 16, maxLength: 16 }), (prefix, ipv4, noise) => {
    const made = ipv6For(prefix, ipv4);
    assert.equal(made[8], 0);
    assert.deepEqual([...ipv4Under(prefix, made)], [...ipv4]);
    assert.deepEqual([...translated(made, [prefix])!.ipv4], [...ipv4]);
    assert.equal(translated(made, []), undefined);
    // Bits that mean nothing may be anything to a translator, and are none of ours.
    const other = made.map((byte, i) => {
      const counts = i < prefix.bits / 8 ||
        ipv6For({ ...prefix, network: new Uint8Array(16) }, bytes("255.255.255.255"))[i];
      return counts ? byte : byte ^ noise[i]!;
    });
    assert.deepEqual([...ipv4Under(prefix, other)], [...ipv4]);
    const same = other.every((byte, i) => byte === made[i]);
    assert.equal(translated(other, [prefix]) !== undefined, same);
    // And the text that a prefix has reads as that prefix.
    assert.deepEqual(parseNat64Prefix(`${formatIp(prefix.network)}/${prefix.bits}`), prefix);
  }));
});

Deno.test("property: RuleSet judges a NAT64 address as its IPv4 address", () => {
  const places = ["10.0.0.0/8", "45.79.0.0/16", "*", "127.0.0.0/8", "0.0.0.0/0", "100.64.0.0/10", "8.8.8.8"];
  const rule = fc.tuple(fc.constantFrom("allow", "deny"), fc.constantFrom(...places)).map((parts) => parts.join(" "));
  const ipv4 = fc.oneof(
    IPV4,
    fc.constantFrom("10.1.2.3", "45.79.0.30", "127.0.0.1", "0.0.0.0", "169.254.169.254", "8.8.8.8").map(bytes),
  );
  let seen = 0;
  fc.assert(
    fc.property(PREFIX, ipv4, fc.array(rule, { maxLength: 4 }), (prefix, ipv4, texts) => {
      const set = new RuleSet(texts.map(parseRuleText), undefined, { nat64: { prefixes: [prefix] } });
      const inside = allowed(set, formatIp(ipv6For(prefix, ipv4)));
      assert.equal(inside, allowed(set, formatIp(ipv4)), texts.join("; "));
      if (inside) seen++;
    }),
    { numRuns: 2_000 },
  );
  assert.ok(seen > 100, `only ${seen} were allowed`);
});

Deno.test("parseNat64Prefix(): refuses what is no NAT64 prefix, with the reason", () => {
  const cases: [string, RegExp][] = [
    ["2001:db8::/33", /length is 32, 40, 48, 56, 64 or 96/],
    ["2001:db8::1/128", /length is 32/],
    ["2001:db8::1/96", /bits behind the first 96/],
    ["2001:db8::", /an IPv6 prefix is wanted/],
    ["10.0.0.0/32", /an IPv6 prefix is wanted/],
    ["Discover", /an IPv6 prefix is wanted/],
    ["2001:db8:0:0:100::/96", /no translator can have it/], // byte 8
    ["::ffff:0:0/96", /no translator can have it/],
    ["::/96", /no translator can have it/],
    ["fe80::/64", /no translator can have it/],
    ["ff00::/32", /no translator can have it/],
  ];
  for (const [text, message] of cases) {
    assert.throws(() => parseNat64Prefix(text), { name: "TypeError", message }, text);
  }
  for (const text of ["fd00:64::/96", "64:ff9b:1::/48", "64:ff9b:1:fffe::/96", "64:ff9b::/96", "2a00::/32"]) {
    parseNat64Prefix(text);
  }
});

Deno.test("RuleSet: a deny rule for IPv4 holds with a configured prefix only", () => {
  const texts = ["deny 10.0.0.0/8", "allow *"];
  assert.equal(allowed(rules([], ...texts), "2001:4860:64::a42:1"), true);
  const told = rules(["2001:4860:64::/96"], ...texts);
  assert.equal(allowed(told, "2001:4860:64::a42:1"), false);
  assert.match(told.judgeAddress(request("x"), "2001:4860:64::a42:1").reason, /deny 10\.0\.0\.0\/8/);
  assert.equal(allowed(told, "2001:4860:64::2d4f:1e"), true);
  assert.equal(allowed(told, "2001:4860:65::a42:1"), true);
  // A translator may not look at what is no part of the address.
  const long = rules(["2001:4860:64::/48"], "deny 10.0.0.0/8", "allow 2001:4860::/32", "allow *");
  for (
    const address of ["2001:4860:64:a42:0:100::", "2001:4860:64:a42:ff00:100::", "2001:4860:64:a42:0:1ff:ffff:ffff"]
  ) {
    assert.equal(allowed(long, address), false, address);
  }
});

Deno.test("RuleSet: special addresses of a prefix are denied as in IPv4", () => {
  for (
    const [prefix, loopback, metadata, open] of [
      ["2001:4860:64::/96", "2001:4860:64::7f00:1", "2001:4860:64::a9fe:a9fe", "2001:4860:64::808:808"],
      ["fd00:64::/96", "fd00:64::7f00:1", "fd00:64::a9fe:a9fe", "fd00:64::808:808"],
      ["2001:db8:64::/96", "2001:db8:64::7f00:1", "2001:db8:64::a9fe:a9fe", "2001:db8:64::808:808"],
      ["64:ff9b:1::/96", "64:ff9b:1::7f00:1", "64:ff9b:1::a9fe:a9fe", "64:ff9b:1::808:808"],
      ["2a0b:0:0:1::/64", "2a0b::1:7f:0:100:0", "2a0b::1:a9:fea9:fe00:0", "2a0b::1:8:808:800:0"],
    ] as const
  ) {
    assert.equal(specialKind(bytes(loopback), prefixes(prefix)), "loopback", prefix);
    assert.equal(specialKind(bytes(metadata), prefixes(prefix)), "metadata service", prefix);
    assert.equal(specialKind(bytes(open), prefixes(prefix)), undefined, prefix);
    for (
      const texts of [["allow *"], [`allow ${prefix}`], [`allow ${prefix}`, "allow *"], [
        "allow ::/0",
        "allow 0.0.0.0/0",
      ]]
    ) {
      const set = rules([prefix], ...texts);
      assert.equal(allowed(set, loopback), false, `${texts}`);
      assert.equal(allowed(set, metadata), false, `${texts}`);
      assert.equal(allowed(set, open), true, `${prefix} ${texts}`);
    }
    // Which names it, by its IPv4 address or as it is written.
    assert.equal(allowed(rules([prefix], "allow 127.0.0.1"), loopback), true);
    assert.equal(allowed(rules([prefix], `allow ${loopback}`), loopback), true);
    assert.equal(allowed(rules([prefix], "allow 169.254.0.0/16"), metadata), true);
  }
  // What stands behind the IPv4 address is no way around it, since translators need not look there.
  for (
    const [prefix, wider, address] of [
      ["2a0b:0:0:1::/64", "2a0b:0:0:1::/64", "2a0b::1:7f:0:100:1"],
      ["2a0b:0:0:1::/64", "2a0b::/32", "2a0b::1:a9:fea9:fe00:1"],
      ["2a0b:0:0:1::/64", "2a0b:0:0:1::/64", "2a0b::1:ff0a:0:100:0"],
      ["2a0b::/32", "2a0b::/32", "2a0b:0:a00:1::1"],
    ] as const
  ) {
    assert.equal(allowed(rules([prefix], `allow ${wider}`, "allow *"), address), false, address);
    assert.equal(allowed(rules([prefix], `allow ${address}`), address), true, address);
  }
  // What is told is not guessed at: without that, this could be 0.0.0.0 behind a prefix of 48 bits.
  const deny = ["deny 0.0.0.0/8", "allow *"];
  assert.equal(allowed(rules(["64:ff9b:1::/96"], ...deny), "64:ff9b:1::808:808"), true);
  assert.equal(allowed(rules([], ...deny), "64:ff9b:1::808:808"), false);
  // Nobody connects to no address.
  assert.equal(allowed(rules(["2a0b::/96"], "allow 2a0b::/96", "allow 0.0.0.0", "allow *"), "2a0b::"), false);
});

Deno.test("RuleSet: an allow rule for IPv4 holds for 64:ff9b::/96 and configured prefixes only (RFC 8215)", () => {
  const set = rules(["2001:4860:64::/96"], "allow 45.79.0.0/24");
  for (
    const [address, yes] of [
      ["64:ff9b::2d4f:1e", true],
      ["2001:4860:64::2d4f:1e", true],
      ["2001:4860:65::2d4f:1e", false],
      ["64:ff9b:1::2d4f:1e", false],
      ["2002:2d4f:1e::1", false],
      ["2001:4860::5efe:2d4f:1e", false],
      ["64:ff9b::a42:1", false],
    ] as const
  ) {
    assert.equal(allowed(set, address), yes, address);
  }
  // Where two are nested, the longer one is routed: the address is what that makes of it.
  const nested = rules(["2a0b::/32", "2a0b::/96"], "deny 10.0.0.0/8", "allow 45.79.0.0/24");
  assert.equal(allowed(nested, "2a0b::2d4f:1e"), true);
  assert.equal(allowed(nested, "2a0b:0:2d4f:1e::"), true);
  assert.equal(allowed(rules(["2a0b::/32", "2a0b::/96"], "allow 0.0.0.0/8", "deny *"), "2a0b::2d4f:1e"), false);
});

Deno.test("prefixesIn(): finds prefixes in the addresses of ipv4only.arpa (RFC 7050 section 3)", () => {
  const text = (answer: string[]) => prefixesIn(answer).map(({ network, bits }) => `${formatIp(network)}/${bits}`);
  assert.deepEqual(text([]), []);
  assert.deepEqual(text(["192.0.0.170", "192.0.0.171"]), []);
  assert.deepEqual(text(["192.0.0.170", "64:ff9b::c000:aa", "64:ff9b::c000:ab"]), ["64:ff9b::/96"]);
  assert.deepEqual(text(["2001:db8:64::192.0.0.170"]), ["2001:db8:64::/96"]);
  for (const [prefix] of TABLE) {
    const made = ["192.0.0.170", "192.0.0.171"].map((a) => formatIp(ipv6For(parseNat64Prefix(prefix), bytes(a))));
    assert.deepEqual(text(made), [prefix]);
  }
  assert.deepEqual(text(["2a0b::c000:aa", "2a0c::c000:ab", "2a0b::c000:ab"]), ["2a0b::/96", "2a0c::/96"]);
  // What anybody may answer: other addresses, what no translator has, and a prefix that ends with the well-known address.
  assert.deepEqual(text(["2a0b::1", "::ffff:192.0.0.170", "::192.0.0.170", "fe80::c000:aa", "not an address"]), []);
  const twice = "2a0b:c000:aa::c000:aa";
  assert.deepEqual(text([twice]), ["2a0b:c000:aa::/96"]);
});

/** A look-up that somebody answers later. */
function asked() {
  const questions: {
    name: string;
    answer: PromiseWithResolvers<readonly string[]>;
    signal: AbortSignal | undefined;
  }[] = [];
  const resolve: Resolver = (name, { signal }) => {
    const answer = Promise.withResolvers<readonly string[]>();
    questions.push({ name, answer, signal });
    return answer.promise;
  };
  return { questions, resolve };
}
const turns = async () => {
  for (let i = 0; i < 30; i++) await Promise.resolve();
};

Deno.test("Nat64Prefixes: look prefixes up at the start and later; a silent resolver removes none", async () => {
  const { questions, resolve } = asked();
  const told: (readonly string[])[] = [];
  let time = 0;
  using nat64 = new Nat64Prefixes({
    known: ["2a0b::/96", "discover"],
    resolve,
    now: () => time,
    timeout: 20,
    onFound(found): void {
      told.push(found);
      throw new Error("whoever watches ends nothing");
    },
  });
  assert.equal(nat64.prefixes.length, 1);
  assert.equal(questions.length, 0, "nothing is asked before it is started");
  nat64.start();
  assert.equal(questions[0]!.name, "ipv4only.arpa");
  const { pending } = nat64;
  assert.ok(pending !== undefined);
  questions[0]!.answer.resolve(["2a0c::c000:aa"]);
  await pending;
  assert.equal(nat64.pending, undefined);
  assert.deepEqual(nat64.prefixes.map(({ network }) => formatIp(network)), ["2a0b::", "2a0c::"]);
  assert.deepEqual(told, [["2a0c::/96"]]);
  time = 599_999;
  assert.equal(nat64.prefixes.length, 2);
  assert.equal(questions.length, 1);
  time = 600_000;
  for (let i = 0; i < 5; i++) assert.equal(nat64.prefixes.length, 2);
  assert.equal(questions.length, 2, "one asks for all");
  // It says nothing: given up, tried again after a minute, and nothing changes.
  await new Promise<void>((done) => questions[1]!.signal!.addEventListener("abort", () => done()));
  await turns();
  time += 59_999;
  assert.equal(nat64.prefixes.length, 2);
  assert.equal(questions.length, 2);
  time += 1;
  assert.equal(nat64.prefixes.length, 2);
  assert.equal(questions.length, 3);
  questions[2]!.answer.resolve(["2a0c::c000:aa"]);
  await turns();
  assert.equal(told.length, 1, "the same is told once");
  // An answer without any is one.
  time += 600_000;
  void nat64.prefixes;
  questions[3]!.answer.resolve(["192.0.0.170"]);
  await turns();
  assert.deepEqual(told, [["2a0c::/96"], []]);
  assert.equal(nat64.prefixes.length, 1);
});

Deno.test("Nat64Prefixes: look nothing up without `discover`, nor after the end", async () => {
  const { questions, resolve } = asked();
  const quiet = new Nat64Prefixes({ known: ["2a0b::/96"], resolve, found: prefixes("2a0c::/96") });
  quiet.start();
  assert.deepEqual([questions.length, quiet.prefixes.length, quiet.pending], [0, 1, undefined]);
  let told = 0;
  const ended = new Nat64Prefixes({ known: ["discover"], resolve, onFound: () => told++ });
  ended.start();
  const { pending } = ended;
  ended[Symbol.dispose]();
  await pending;
  assert.equal(questions[0]!.signal!.aborted, true);
  questions[0]!.answer.resolve(["2a0c::c000:aa"]);
  await turns();
  assert.deepEqual([ended.prefixes.length, told], [0, 0]);
  ended.start();
  assert.equal(questions.length, 1);
  assert.throws(() => new Nat64Prefixes({ known: ["2a0b::/95"], resolve }), TypeError);
});

Deno.test("Nat64Prefixes: requests for an IPv6 address wait a little for the first look-up", async () => {
  const { questions, resolve } = asked();
  using nat64 = new Nat64Prefixes({ known: ["discover"], resolve, patience: 30 });
  nat64.start();
  const set = new RuleSet([parseRuleText("deny 10.0.0.0/8"), parseRuleText("allow *")], undefined, { nat64 });
  const dialled: string[] = [];
  const [near] = pipe();
  const dial: Dialer = ({ hostname }) => {
    dialled.push(hostname);
    return Promise.resolve(near);
  };
  const open = openDirectly({ rules: set, resolve, dial });
  await open(request("45.79.0.30"));
  assert.deepEqual(dialled, ["45.79.0.30"], "IPv4 waits for nothing");
  const inside = open(request("2a0c::a42:1"));
  inside.catch(() => {});
  await turns();
  assert.equal(dialled.length, 1);
  questions[0]!.answer.resolve(["2a0c::c000:aa"]);
  await assert.rejects(inside, { code: "NOT_ALLOWED", rule: "deny 10.0.0.0/8" });
  // A resolver that says nothing is waited for until its patience is over.
  const silent = asked();
  using other = new Nat64Prefixes({ known: ["discover"], resolve: silent.resolve, patience: 30, timeout: 1e6 });
  other.start();
  const later = openDirectly({
    rules: new RuleSet([parseRuleText("allow *")], undefined, { nat64: other }),
    resolve,
    dial,
  });
  await later(request("2a0c::a42:1"));
  assert.equal(dialled.at(-1), "2a0c::a42:1");
  const stop = new AbortController();
  stop.abort(new Error("gone"));
  await assert.rejects(later(request("2a0c::1", stop.signal)), { message: "gone" });
});

/** A machine without IPv4, on which the dialled addresses are noted. */
function ipv6Only(good: (hostname: string) => boolean = () => true, code = "NETWORK_UNREACHABLE" as const) {
  const dialled: string[] = [];
  const [near] = pipe();
  const dial: Dialer = ({ hostname }) => {
    dialled.push(hostname);
    return hostname.includes(":") && good(hostname)
      ? Promise.resolve(near)
      : Promise.reject(new SocksReplyError(code, `Cannot connect to ${hostname}`));
  };
  return { dial, dialled };
}

Deno.test("openDirectly(): reaches an IPv4 address without a route under a prefix, and judges the IPv4 address", async () => {
  const resolve: Resolver = () => Promise.resolve(["45.79.0.31"]);
  const { dial, dialled } = ipv6Only((hostname) => hostname.startsWith("2a0c"));
  const set = rules(["2a0b::/96", "2a0c:0:0:1::/64"], "deny ::/0", "deny 10.0.0.0/8", "allow 45.79.0.0/24");
  const open = openDirectly({ rules: set, resolve, dial });
  const { address } = await open(request("45.79.0.30"));
  assert.deepEqual(dialled, ["45.79.0.30", "2a0b::2d4f:1e", "2a0c::1:2d:4f00:1e00:0"]);
  assert.deepEqual(address, { hostname: "2a0c::1:2d:4f00:1e00:0", port: 80 });
  dialled.length = 0;
  assert.equal((await open(request("host.example"))).address?.hostname, "2a0c::1:2d:4f00:1f00:0");
  dialled.length = 0;
  await assert.rejects(open(request("10.0.0.1")), { code: "NOT_ALLOWED" });
  await assert.rejects(open(request("2a0b::2d4f:1e")), { code: "NOT_ALLOWED" });
  assert.deepEqual(dialled, []);
});

Deno.test("openDirectly(): tries no prefix for an IPv4 address that refuses or is special", async () => {
  const resolve: Resolver = () => Promise.reject(new Error("no names here"));
  const refusing: string[] = [];
  const dial: Dialer = ({ hostname }) => {
    refusing.push(hostname);
    return Promise.reject(new SocksReplyError("CONNECTION_REFUSED", "refused"));
  };
  await assert.rejects(
    openDirectly({ rules: rules(["2a0b::/96"], "allow *"), resolve, dial })(request("45.79.0.30")),
    { code: "CONNECTION_REFUSED" },
  );
  assert.deepEqual(refusing, ["45.79.0.30"]);
  const none = ipv6Only();
  await assert.rejects(openDirectly({ rules: rules([], "allow *"), resolve, dial: none.dial })(request("45.79.0.30")), {
    code: "NETWORK_UNREACHABLE",
    message: "Cannot connect to 45.79.0.30",
  });
  await assert.rejects(
    openDirectly({ rules: rules(["2a0b::/96"], "allow *"), resolve, dial: ipv6Only(() => false).dial })(
      request("2a0d::1"),
    ),
    { message: "Cannot connect to 2a0d::1" },
  );
  assert.deepEqual(throughNat64("10.0.0.1", prefixes("64:ff9b::/96", "2a0b::/96")), ["2a0b::a00:1"]);
  assert.deepEqual(throughNat64("8.8.8.8", prefixes("64:ff9b::/96")), ["64:ff9b::808:808"]);
  assert.deepEqual(throughNat64("2a0d::1", prefixes("2a0b::/96")), []);
});
