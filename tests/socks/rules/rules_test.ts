/** Who may go where. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Identity } from "../../../socks/identity.ts";
import { parseRule } from "../../../socks/rules/parse_rule.ts";
import { RuleSet } from "../../../socks/rules/rule_set.ts";
import { allowsBroadBlock } from "../../../socks/rules/destination.ts";
import type { RuleAction, RuleQuery } from "../../../socks/rules/rule.ts";
import { inCidr, parseCidr } from "../../../socks/wire/cidr.ts";
import { specialKind } from "../../../socks/rules/special_ranges.ts";
import { canonicalAddress, formatIp, parseIp } from "../../../socks/wire/ip.ts";

const ALICE: Identity = { method: "gssapi", name: "alice@EXAMPLE.COM", attributes: {} };
const rules = (...texts: string[]) =>
  new RuleSet(texts.map((text) => parseRule(text.split(" ")[0] as RuleAction, text.split(" ")[1]!)));
const query = (hostname: string, port = 443, identity = ALICE): RuleQuery => ({
  hostname,
  port,
  identity,
  command: "connect",
  protection: "confidentiality",
  source: "192.0.2.7",
});

Deno.test("specialKind(): knows every range that is not public, also embedded", () => {
  const cases: Record<string, string[]> = {
    "loopback": [
      "127.0.0.1",
      "127.255.255.255",
      "::1",
      "::ffff:127.0.0.1",
      "::127.0.0.1",
      "::ffff:0:127.0.0.1",
      "64:ff9b::7f00:1",
      "2002:7f00:1::",
      "2606:4700::5efe:127.0.0.1",
      "2606:4700::200:5efe:127.0.0.1",
    ],
    "private": [
      "10.0.0.1",
      "172.16.0.1",
      "172.31.255.255",
      "192.168.1.1",
      "fc00::1",
      "fdff::1",
      "::ffff:10.0.0.1",
      "64:ff9b::a00:1",
      "2002:c0a8:1::1",
    ],
    "link-local": ["169.254.1.1", "fe80::1", "febf::1", "::ffff:a9fe:101"],
    "metadata service": [
      "169.254.169.254",
      "::ffff:169.254.169.254",
      "64:ff9b::a9fe:a9fe",
      "fd00:ec2::254",
      "100.100.100.200",
      "168.63.129.16",
    ],
    "shared (CGNAT)": ["100.64.0.1", "100.127.255.255"],
    "unspecified": ["0.0.0.0", "0.1.2.3", "::"],
    "multicast or broadcast": ["224.0.0.1", "239.255.255.255", "255.255.255.255", "ff02::1"],
    "documentation": ["192.0.2.1", "2001:db8::1"],
    "reserved": ["198.18.0.1", "240.0.0.1", "4000::1", "64:ff9b:1::1", "100::1", "4000::5efe:8.8.8.8"],
  };
  for (const [kind, addresses] of Object.entries(cases)) {
    for (const address of addresses) assert.equal(specialKind(parseIp(address)!), kind, address);
  }
  // Teredo: server 192.0.2.45, client 10.0.0.1 with its bits turned over.
  assert.notEqual(specialKind(parseIp("2001:0:4136:e378:8000:63bf:f5ff:fffe")!), undefined);
  for (
    const address of [
      "8.8.8.8",
      "1.1.1.1",
      "172.32.0.1",
      "100.128.0.1",
      "2606:4700::1111",
      "64:ff9b::808:808",
      "::ffff:8.8.8.8",
      "2606:4700::5efe:8.8.8.8",
      "2606:4700::100:5efe:10.0.0.1",
    ]
  ) {
    assert.equal(specialKind(parseIp(address)!), undefined, address);
  }
});

Deno.test("RuleSet: denies everything without rules", () => {
  assert.equal(rules().judgeName(query("example.com")).allowed, false);
  assert.equal(rules().judgeAddress(query("example.com"), "93.184.216.34").allowed, false);
});

Deno.test("RuleSet: `allow *` allows public addresses only", () => {
  const none = rules("allow *");
  assert.ok(none.judgeName(query("example.com")).allowed);
  assert.ok(none.judgeAddress(query("example.com"), "93.184.216.34").allowed);
  for (
    const address of [
      "127.0.0.1",
      "10.0.0.1",
      "169.254.169.254",
      "::1",
      "fe80::1",
      "100.64.0.1",
      "0.0.0.0",
      "::ffff:7f00:1",
    ]
  ) {
    const verdict = none.judgeAddress(query("innocent.example"), address);
    assert.equal(verdict.allowed, false, address);
    assert.match(verdict.reason, /which no rule allows/);
  }
  assert.equal(none.judgeAddress(query("x"), "not an address").allowed, false);
});

Deno.test("RuleSet: obeys the first rule that matches", () => {
  const some = rules("deny 10.1.0.0/16", "allow 10.0.0.0/8:443", "deny 93.184.216.34", "allow *");
  assert.equal(some.judgeAddress(query("x"), "10.1.2.3").allowed, false);
  assert.equal(some.judgeAddress(query("x"), "10.2.2.3").allowed, true);
  assert.equal(some.judgeAddress(query("x", 80), "10.2.2.3").allowed, false);
  assert.equal(some.judgeAddress(query("x"), "93.184.216.34").allowed, false);
  assert.equal(some.judgeAddress(query("x"), "93.184.216.35").allowed, true);
  assert.equal(some.judgeAddress(query("x"), "::ffff:10.1.2.3").allowed, false);
  assert.equal(some.judgeAddress(query("x"), "::ffff:10.2.2.3").allowed, true);
  // A disguise that leads elsewhere is not opened by a rule for the address inside, but it is closed by one.
  assert.equal(some.judgeAddress(query("x"), "2002:a02:203::1").allowed, false);
  assert.equal(some.judgeAddress(query("x"), "64:ff9b::5db8:d822").allowed, false);
});

Deno.test("RuleSet: denies an IPv4 address in every IPv6 form, and allows it in none (RFC 5214, RFC 6052)", () => {
  const named = ["allow 2606:4700::/32", "allow fe80::/10", "allow 64:ff9b:1::/48"];
  const some = rules("deny 10.1.0.0/16", ...named);
  const forms = [
    "2606:4700::5efe:10.1.2.3",
    "2606:4700::200:5efe:10.1.2.3",
    "fe80::5efe:10.1.2.3",
    "64:ff9b:1::10.1.2.3",
    "64:ff9b:1:a01:2:300::", // Prefixes of 48, 56 and 64 bits.
    "64:ff9b:1:10a:1:203::",
    "64:ff9b:1:1:a:102:300::",
  ];
  for (const address of forms) {
    assert.equal(some.judgeAddress(query("x"), address).allowed, false, address);
    assert.equal(rules("allow 10.1.0.0/16").judgeAddress(query("x"), address).allowed, false, address);
    assert.equal(rules(...named).judgeAddress(query("x"), address).allowed, true, address);
  }
  for (const address of ["2606:4700::5efe:10.2.2.3", "64:ff9b:1::10.2.2.3", "2606:4700::5eff:10.1.2.3"]) {
    assert.equal(some.judgeAddress(query("x"), address).allowed, true, address);
  }
});

Deno.test("RuleSet: denies a command at once if no host and port could be allowed", () => {
  const bind = { ...query(""), command: "bind" } as const;
  const cases: [boolean, ...string[]][] = [
    [false],
    [false, "allow *,command=connect"],
    [false, "allow *,user=bob@EXAMPLE.COM"],
    [false, "deny *,command=bind", "allow *"],
    [false, "deny 10.0.0.0/8", "deny *", "allow *"],
    [true, "allow *"],
    [true, "allow 10.0.0.1:20,command=bind", "deny *"],
    [true, "allow host.example,port=20"],
    [true, "deny *:22", "allow 10.0.0.1"],
    [true, "deny 10.0.0.0/8", "allow *"],
    [true, "deny *,user=bob@EXAMPLE.COM", "allow *"],
    [true, "deny *,from=10.0.0.0/8", "allow *"],
  ];
  for (const [allowed, ...texts] of cases) {
    assert.equal(rules(...texts).judgeCommand(bind).allowed, allowed, texts.join("; "));
  }
  assert.match(rules("deny *,command=bind").judgeCommand(bind).reason, /^rule "deny \*,command=bind"$/);
});

Deno.test("RuleSet: denies both IPv4 addresses of a Teredo address, and allows by neither (RFC 4380)", () => {
  const some = rules("deny 8.8.8.8", "allow 2001::/32");
  // Server, flags and port, client with its bits turned over.
  const teredo = (server: string, client: string) => `2001:0:${server}:8000:63bf:${client}`;
  const [public8, other] = ["808:808", "909:909"];
  assert.equal(some.judgeAddress(query("x"), teredo(other, "f6f6:f6f6")).allowed, true);
  assert.equal(some.judgeAddress(query("x"), teredo(public8, "f6f6:f6f6")).allowed, false);
  assert.equal(some.judgeAddress(query("x"), teredo(other, "f7f7:f7f7")).allowed, false);
  assert.equal(rules("allow 8.8.8.8").judgeAddress(query("x"), teredo(public8, "f7f7:f7f7")).allowed, false);
});

Deno.test("RuleSet: a broad block counts as * and allows no special address", () => {
  const special = [
    "127.0.0.1",
    "10.0.0.1",
    "169.254.169.254",
    "168.63.129.16",
    "100.100.100.200",
    "192.0.2.1",
    "::1",
    "fd00::1",
    "fe80::1",
  ];
  const lists = [
    ["allow 0.0.0.0/0", "allow ::/0"],
    ["allow 0.0.0.0/1", "allow 128.0.0.0/1", "allow ::/1", "allow 8000::/1"],
    // All but the private networks, as routes are told to VPNs.
    [
      "allow 64.0.0.0/2",
      "allow 168.0.0.0/6",
      "allow 160.0.0.0/5",
      "allow 100.0.0.0/7",
      "allow 128.0.0.0/2",
      "allow 8.0.0.0/7",
      "allow f800::/5",
      "allow ::/3",
      "allow 2000::/3",
    ],
  ];
  for (const list of lists) {
    const some = rules(...list);
    for (const address of special) {
      assert.equal(some.judgeAddress(query("x"), address).allowed, false, `${list} ${address}`);
    }
    for (const address of ["8.8.8.8", "2606:4700::1111"]) {
      assert.equal(some.judgeAddress(query("x"), address).allowed, true, `${list} ${address}`);
    }
    assert.equal(some.judgeName(query("host.example")).allowed, true);
  }
  // Others stay open by rules that name them, in front or behind.
  const mixed = rules("allow 0.0.0.0/0", "allow 10.0.0.0/8", "allow fc00::/7", "allow 224.0.0.0/4");
  for (const address of ["10.0.0.1", "fd00::1", "224.0.0.251", "8.8.8.8"]) {
    assert.equal(mixed.judgeAddress(query("x"), address).allowed, true, address);
  }
  for (const address of ["127.0.0.1", "192.168.0.1", "240.0.0.1"]) {
    assert.equal(mixed.judgeAddress(query("x"), address).allowed, false, address);
  }
  // What denies denies all of it, and where clients come from is nobody's destination.
  assert.equal(rules("deny 0.0.0.0/0", "allow 10.0.0.0/8").judgeAddress(query("x"), "10.0.0.1").allowed, false);
  assert.equal(rules("allow 10.0.0.0/8,from=0.0.0.0/0").judgeAddress(query("x"), "10.0.0.1").allowed, true);
  const much = (text: string) => allowsBroadBlock(parseRule(text.split(" ")[0] as RuleAction, text.split(" ")[1]!));
  assert.deepEqual(
    [
      "allow 0.0.0.0/0",
      "allow [::]/0:443",
      "allow 64.0.0.0/7",
      "allow 10.0.0.0/8",
      "allow fc00::/7",
      "allow *",
      "deny 0.0.0.0/0",
      "allow *,from=0.0.0.0/0",
    ].map(much),
    [true, true, true, false, false, false, false, false],
  );
});

Deno.test("RuleSet: never allows 0.0.0.0 and ::, in any form", () => {
  const some = rules(
    "allow 0.0.0.0",
    "allow 0.0.0.0/8",
    "allow ::",
    "allow ::/96",
    "allow ::ffff:0.0.0.0",
    "allow 64:ff9b::/96",
    "allow *",
  );
  for (const address of ["0.0.0.0", "::", "::ffff:0.0.0.0", "::ffff:0:0", "64:ff9b::", "0:0:0:0:0:0:0:0"]) {
    const verdict = some.judgeAddress(query("host.example"), address);
    assert.deepEqual([verdict.allowed, verdict.reason], [false, "unspecified address, which no rule allows"], address);
  }
  assert.equal(some.judgeAddress(query("x"), "0.1.2.3").allowed, true);
});

Deno.test("RuleSet: a rule that allows a name does not allow special addresses", () => {
  const named = rules("allow intranet.example", "allow .corp.example", "allow *");
  for (const host of ["intranet.example", "a.corp.example", "other.example"]) {
    assert.equal(named.judgeAddress(query(host), "10.0.0.1").allowed, false);
    assert.equal(named.judgeAddress(query(host), "93.184.216.34").allowed, true);
  }
  const both = rules("allow intranet.example", "allow 10.0.0.0/8");
  assert.equal(both.judgeAddress(query("intranet.example"), "10.0.0.1").allowed, true);
  assert.equal(both.judgeAddress(query("intranet.example"), "127.0.0.1").allowed, false);
});

Deno.test("RuleSet: judges a name before the look-up if no address could change the verdict", () => {
  const strict = rules("allow .example.com", "deny *");
  assert.equal(strict.judgeName(query("www.example.com")).allowed, true);
  assert.equal(strict.judgeName(query("example.org")).allowed, false);
  assert.equal(strict.judgeName(query("notexample.com")).allowed, false);
  assert.equal(strict.judgeAddress(query("WWW.Example.COM."), "93.184.216.34").allowed, true);
  assert.equal(strict.judgeAddress(query("example.org"), "93.184.216.34").allowed, false);
  const single = rules("allow example.com", "deny *");
  assert.equal(single.judgeName(query("example.com")).allowed, true);
  for (const other of ["www.example.com", "notexample.com", "example.com.org"]) {
    assert.equal(single.judgeName(query(other)).allowed, false, other);
  }
  // An address rule in front may fit once the name is looked up.
  const open = rules("allow 10.0.0.0/8", "deny *");
  assert.equal(open.judgeName(query("intranet")).allowed, true);
  assert.equal(open.judgeAddress(query("intranet"), "10.0.0.1").allowed, true);
  assert.equal(open.judgeAddress(query("intranet"), "93.184.216.34").allowed, false);
});

Deno.test("RuleSet: matches users and principals", () => {
  const users = rules(
    "allow localhost,user=alice@EXAMPLE.COM",
    "allow 10.0.0.0/8,user=*@EXAMPLE.COM",
    "deny *,user=eve*",
  );
  const bob = { ...ALICE, name: "bob@EXAMPLE.COM" };
  assert.equal(users.judgeAddress(query("localhost"), "127.0.0.1").allowed, true);
  assert.equal(users.judgeAddress(query("localhost", 1, bob), "127.0.0.1").allowed, false);
  assert.equal(users.judgeAddress(query("x", 1, bob), "10.0.0.1").allowed, true);
  assert.equal(users.judgeAddress(query("x", 1, { ...ALICE, name: "bob@EVIL.COM" }), "10.0.0.1").allowed, false);
  const disguised = { ...ALICE, name: "bob@X\\@EXAMPLE.COM" };
  assert.equal(users.judgeAddress(query("x", 1, disguised), "10.0.0.1").allowed, false);
  assert.equal(users.judgeName(query("x", 1, { ...ALICE, name: "eve@X" })).allowed, false);
  assert.equal(
    users.judgeAddress(query("x", 1, { method: "none", name: "", attributes: {} }), "127.0.0.1").allowed,
    false,
  );
});

Deno.test("parseRule(): reads addresses, names, ports and users, and refuses the rest", () => {
  for (
    const text of [
      "*",
      "10.0.0.1",
      "10.0.0.0/8:80",
      "[::1]:80-90",
      "[fd00::]/8",
      "fd00::/8",
      "::1",
      ".example.com:443",
      "host,user=a@B",
    ]
  ) {
    assert.equal(parseRule("allow", text).text, text);
  }
  assert.deepEqual(parseRule("deny", "host:80-90").ports, [[80, 90]]);
  const bad = [
    "",
    ":80",
    "10.0.0.1/8",
    "10.0.0.0/33",
    "host:99999",
    "host:90-80",
    "a b",
    "host,nobody=x",
    "host,user=",
    "host,user=a*b",
    "*.example.com",
    "host/8",
    "[fd00::]8",
    "[fd00::]8/64",
    "[10.0.0.]1",
    "[[::1]]",
  ];
  for (const text of bad) assert.throws(() => parseRule("allow", text), TypeError, text);
});

Deno.test("property: inCidr() is arithmetic on the leading bits", () => {
  fc.assert(fc.property(fc.ipV4(), fc.ipV4(), fc.nat(32), (a, b, bits) => {
    const number = (text: string) => parseIp(text)!.reduce((sum, byte) => sum * 256 + byte, 0);
    const cut = (value: number) => Math.floor(value / 2 ** (32 - bits));
    const network = formatIp(
      Uint8Array.from([24, 16, 8, 0], (shift) => Math.floor(cut(number(a)) * 2 ** (32 - bits) / 2 ** shift) % 256),
    );
    assert.equal(inCidr(parseIp(b)!, parseCidr(`${network}/${bits}`)!), cut(number(a)) === cut(number(b)));
  }));
});

Deno.test("canonicalAddress(): returns the address that would be dialled", () => {
  assert.equal(canonicalAddress("::ffff:192.0.2.1"), "192.0.2.1");
  assert.equal(canonicalAddress("2001:DB8::1"), "2001:db8::1");
  assert.equal(canonicalAddress("name"), "name");
});
