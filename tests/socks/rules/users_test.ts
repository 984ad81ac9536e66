/** Whom rules mean: principals as components and realm, spellings of one user, and names that are nobody's in particular. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { formatNameText, type NameParts } from "../../../base/name_text.ts";
import type { Identity } from "../../../socks/identity.ts";
import { parseRule, parseRuleText } from "../../../socks/rules/parse_rule.ts";
import { ruleFromFields } from "../../../socks/rules/rule_fields.ts";
import { RuleSet } from "../../../socks/rules/rule_set.ts";
import type { Rule } from "../../../socks/rules/rule.ts";
import { userKey } from "../../../socks/rules/users.ts";

/** A client with a ticket, as the acceptor tells of him. */
function ticket(realm: string, ...components: string[]): Identity {
  return { method: "gssapi", name: formatNameText({ components, realm }), attributes: { realm } };
}
const password = (name: string): Identity => ({ method: "password", name, attributes: {} });

function judge(identity: Identity, ...rules: Rule[]): boolean {
  const query = { command: "connect", hostname: "example.com", port: 443, identity, protection: "confidentiality" };
  return new RuleSet(rules).judgeAddress(query as Parameters<RuleSet["judgeAddress"]>[0], "8.8.8.8").allowed;
}
const allows = (pattern: string, who: Identity) => judge(who, ruleFromFields({ action: "allow", users: [pattern] }));
const denies = (pattern: string, who: Identity) =>
  !judge(who, ruleFromFields({ action: "deny", users: [pattern] }), parseRule("allow", "*"));

Deno.test("parseUserPattern(): compares components and realm", () => {
  const cases: [pattern: string, fits: Identity[], not: Identity[]][] = [
    ["alice@A.TEST", [ticket("A.TEST", "alice")], [
      ticket("A.TEST", "alice", ""),
      ticket("A.TESTS", "alice"),
      ticket("A.TEST", "Alice"),
      ticket("a.test", "alice"),
    ]],
    ["*@A.TEST", [ticket("A.TEST", "alice"), ticket("A.TEST", "host", "x"), ticket("A.TEST", "eve\\")], [
      ticket("B.TEST", "bob@A.TEST"),
      ticket("B@A.TEST", "bob"),
      ticket("B.TEST\\@A.TEST", "bob"),
    ]],
    ["host/*@A.TEST", [ticket("A.TEST", "host", "x"), ticket("A.TEST", "host", "x", "y")], [
      ticket("A.TEST", "host"),
      ticket("A.TEST", "host/x"),
      ticket("B.TEST", "host", "x@A.TEST"),
      ticket("A.TEST", "hosts", "x"),
    ]],
    ["alice@*", [ticket("A.TEST", "alice"), ticket("", "alice")], [ticket("A.TEST", "alice@"), ticket("A", "alicex")]],
    ["*/admin@*.TEST", [ticket("A.TEST", "a", "admin"), ticket("B.TEST", "a", "b", "admin")], [
      ticket("A.TEST", "a/admin"),
      ticket("TEST", "a", "admin"),
    ]],
    ["eve*", [ticket("A.TEST", "eve"), ticket("B", "evelyn", "x")], [ticket("A.TEST", "steve")]],
    ["*.TEST", [ticket("A.TEST", "alice")], [ticket("A.COM", "x.TEST"), ticket("TEST", "alice")]],
    ["svc-*@A.TEST", [ticket("A.TEST", "svc-x"), ticket("A.TEST", "svc-x", "y")], [ticket("A.TEST", "s")]],
    ["\\*@A.TEST", [ticket("A.TEST", "*")], [ticket("A.TEST", "alice")]],
    ["a\\*@A.TEST", [ticket("A.TEST", "a*")], [ticket("A.TEST", "ab"), ticket("A.TEST", "a\\*")]],
    ["a\\\\*", [ticket("A.TEST", "a\\b")], [ticket("A.TEST", "a*"), ticket("A.TEST", "ab")]],
    ["a\\/b@A.TEST", [ticket("A.TEST", "a/b")], [ticket("A.TEST", "a", "b")]],
    ["a\\@A.TEST@B.TEST", [ticket("B.TEST", "a@A.TEST")], [ticket("A.TEST@B.TEST", "a")]],
    ["John Doe@A.TEST", [ticket("A.TEST", "John Doe")], [ticket("A.TEST", "JohnDoe")]],
    ["a\\nb@A.TEST", [ticket("A.TEST", "a\nb")], [ticket("A.TEST", "anb")]],
    ["a@/C=US/O=X, Inc", [ticket("/C=US/O=X, Inc", "a")], [ticket("/C=US/O=X", "a")]],
    ["*", [ticket("A.TEST", "alice"), password("bob")], [{ method: "none", name: "", attributes: {} }]],
  ];
  for (const [pattern, fits, not] of cases) {
    for (const who of fits) {
      assert.equal(allows(pattern, who), true, `allow ${pattern} ${who.name}`);
      assert.equal(denies(pattern, who), true, `deny ${pattern} ${who.name}`);
    }
    for (const who of not) assert.equal(allows(pattern, who), false, `allow ${pattern} ${who.name}`);
  }
  for (const bad of ["", "a*b@A", "a@*b*", "**", "a@b@c", "a\\", "*/*@A"]) {
    assert.throws(() => ruleFromFields({ action: "deny", users: [bad] }), TypeError, bad);
  }
});

Deno.test("parseUserPattern(): the end of a name cannot pass for a realm", () => {
  for (const name of ["eve", "eve\\", "eve\\\\", "eve@", "eve\\@", "eve\n", "*", ""]) {
    assert.equal(denies("*@PARTNER.COM", ticket("PARTNER.COM", name)), true, name);
    assert.equal(denies("eve*@PARTNER.COM", ticket("PARTNER.COM", `eve${name}`)), true, name);
  }
});

/** Anything that a KDC may name somebody. */
const part = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.array(fc.constantFrom(..."\\/@*,=\"' \n\t\0aA"), { maxLength: 6 }).map((all) => all.join("")),
);
const name: fc.Arbitrary<NameParts> = fc.record({
  realm: fc.oneof(fc.constantFrom("A.TEST", "B.TEST"), part),
  components: fc.array(part, { minLength: 1, maxLength: 3 }),
});
/** A name as a rule has it, in quotation marks. */
const written = (one: NameParts) => formatNameText(one).replaceAll("*", "\\*");
const inQuotes = (text: string) => `"${text.replaceAll('"', '""')}"`;

Deno.test("property: a rule can name any principal, as text and as an object, and allows no other", () => {
  fc.assert(
    fc.property(name, name, (one, other) => {
      fc.pre(!/^WELLKNOWN/i.test(one.components[0]! + one.realm));
      const who = ticket(one.realm!, ...one.components);
      const text = parseRuleText(`allow *,user=${inQuotes(written(one))},port=443`);
      const fields = ruleFromFields({ action: "allow", users: [written(one)], ports: ["443"] });
      assert.deepEqual(text.users, fields.users);
      const stranger = ticket(other.realm!, ...other.components);
      for (const rule of [text, fields]) {
        assert.equal(judge(who, rule), true);
        if (stranger.name !== who.name) assert.equal(judge(stranger, rule), false);
      }
      assert.equal(judge(who, { ...text, action: "deny" }, parseRule("allow", "*")), false);
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("parseRule(): keeps blanks in values, and reads quotation marks", () => {
  const users = (text: string) => parseRuleText(text).users;
  assert.deepEqual(users("deny *,user=John Doe@A.TEST"), ["John Doe@A.TEST"]);
  assert.deepEqual(users("deny *,user=John Doe@A.TEST,user=bob"), ["John Doe@A.TEST", "bob"]);
  assert.deepEqual(users('deny *:443,user="Doe, John@A.TEST",port=80'), ["Doe, John@A.TEST"]);
  assert.deepEqual(users('deny *,user="a ""b"", c=d"'), ['a "b", c=d']);
  assert.deepEqual(users("deny *,user=a=b@A"), ["a=b@A"]);
  assert.deepEqual(users('deny *,user="eve@A ",port=25'), ["eve@A "]);
  for (const blank of ["user=eve@A ,port=25", "user= eve@A,port=25", "port=25,user=eve@A\u00a0,port=1", "realm= A"]) {
    assert.throws(() => parseRule("deny", `*,${blank}`), /blank at an end stands in quotation marks/, blank);
  }
  assert.deepEqual(users('deny *,user=O\'Neil "x"@A'), ['O\'Neil "x"@A']);
  assert.deepEqual(parseRuleText('allow *,realm="/C=US/O=X, Inc"').realms, ["/C=US/O=X, Inc"]);
  for (
    const bad of ['*,user="a', '*,user="a"b', '*,user=""', '*,user="a",', "*,", "*,user", '*,"user"=a', '*,user="a"b"']
  ) {
    assert.throws(() => parseRule("deny", bad), TypeError, bad);
  }
});

Deno.test("RuleSet: denies every spelling of a user, and allows the exact one only", () => {
  const spelled = [
    ticket("A.TEST", "aduser"),
    ticket("A.TEST", "ADUSER"),
    ticket("A.TEST", "AdUsEr"),
    ticket("a.test", "aduser"),
    ticket("A.TEST", "aduser@a.test"),
    ticket("A.TEST", "ADUSER@A.TEST"),
    ticket("A.TEST", "aduser@a"),
    ticket("A.TEST", "aduser@other.example"),
    ticket("A.TEST", "àduser"),
    ticket("A.TEST", "a\u0300duser"),
    ticket("A.TEST", "ａｄｕｓｅｒ"),
    ticket("A.TEST", "ad\u00aduser"),
    ticket("A.TEST", "ad\u200buser\ufeff"),
    ticket("A.TEST", "aduſer"),
    ticket("A.TEST", "ađuser"),
    ticket("A.TEST", "aduser＠a.test"),
    ticket("A.TEST", "A\\aduser"),
    ticket("A.TEST", "a.test＼ADUSER"),
    ticket("A.TEST", "A\\aduser@a.test"),
  ];
  for (const who of spelled) {
    assert.equal(denies("aduser@A.TEST", who), true, who.name);
    assert.equal(denies("aduser@*", who), true, who.name);
    assert.equal(denies("*@A.TEST", who), true, who.name);
    assert.equal(denies("aduser", who), true, who.name);
    assert.equal(denies("aduser\\@a.test@A.TEST", who), true, who.name);
    assert.equal(allows("aduser@A.TEST", who), who === spelled[0], who.name);
    assert.equal(denies("aduser2@A.TEST", who), false, who.name);
    assert.equal(denies("aduser@B.TEST", who), false, who.name);
  }
  assert.equal(denies("straße@A.TEST", ticket("A.TEST", "STRASSE")), true);
  assert.equal(denies("ΟΔΟΣ*@A.TEST", ticket("A.TEST", "οδοσx")), true);
  assert.equal(denies("かな@A.TEST", ticket("A.TEST", "カナ")), true);
  // Samba bug 14847, and what Unicode takes for letters of their own.
  assert.equal(denies("bjorn@A.TEST", ticket("A.TEST", "b\u0328\u0301j\u1ab2\u01eb\u0308\u24c7n\u0301")), true);
  assert.equal(denies("cifs/example.com@A.TEST", ticket("A.TEST", "cīfs", "ëxamplē.cøm")), true);
  assert.equal(denies("Łódź Æðelþryð@A.TEST", ticket("A.TEST", "LODZ aedelthryd")), true);
  assert.equal(denies("(ツ)@A.TEST", ticket("A.TEST", "(\u32e1)")), true);
  // A domain controller may compare names as text, whose components are where the slashes are.
  for (
    const who of [
      ticket("A.TEST", "HOST/pc1.a.test"),
      ticket("A.TEST", "host\uff0fpc1.a.test"),
      ticket("A.TEST", "host/pc1.a.test@A.TEST"),
      ticket("A.TEST", "host", "pc1.a.test@a.test"),
      ticket("A.TEST", "A\\host", "pc1.a.test"),
    ]
  ) {
    for (const pattern of ["host/pc1.a.test@A.TEST", "host/*@A.TEST", "host\\/pc1.a.test@A.TEST", "host/*"]) {
      assert.equal(denies(pattern, who), true, `${pattern} ${who.name}`);
    }
    for (const pattern of ["host/*@A.TEST", "host/*"]) {
      assert.equal(allows(pattern, who), who.name.startsWith("host/pc1"), `${pattern} ${who.name}`);
    }
    assert.equal(denies("host/pc2.a.test@A.TEST", who), false, who.name);
  }
  assert.equal(userKey(ticket("A.TEST", "host/pc1")), userKey(ticket("A.TEST", "HOST", "pc1")));
  // A domain controller finds a machine without its dollar.
  assert.equal(denies("pc1$@A.TEST", ticket("A.TEST", "PC1")), true);
  assert.equal(allows("pc1$@A.TEST", ticket("A.TEST", "pc1")), false);
  // An enterprise name with a domain of its own is another user's.
  assert.equal(denies("bob\\@x.example@A.TEST", ticket("A.TEST", "bob@y.example")), false);
  assert.equal(denies("bob\\@x.example@A.TEST", ticket("A.TEST", "bob")), false);
  assert.equal(denies("bob@X.EXAMPLE", ticket("A.TEST", "bob@x.example")), true);
  // Directories behind a check of passwords know a user in these ways too.
  for (const spelling of ["bob", "BOB", "CORP\\bob", "bob@corp.example"]) {
    assert.equal(denies("bob", password(spelling)), true, spelling);
    assert.equal(allows("bob", password(spelling)), spelling === "bob", spelling);
  }
  assert.equal(allows("CORP\\bob", password("CORP\\bob")), true);
  assert.equal(denies("CORP\\*", password("corp\\bob")), true);
  assert.equal(denies("bob@corp.example", password("Bob@Corp.example")), true);
});

Deno.test("RuleSet: denies a realm in any case, and allows the exact one only", () => {
  const realm = (action: "allow" | "deny", pattern: string, who: Identity) =>
    judge(who, ruleFromFields({ action, realms: [pattern] }), ...(action === "deny" ? [parseRule("allow", "*")] : []));
  for (const [pattern, given] of [["A.TEST", "a.test"], ["*.TEST", "b.test"], ["A*", "a.test"]] as const) {
    assert.equal(realm("deny", pattern, ticket(given, "alice")), false);
    assert.equal(realm("allow", pattern, ticket(given, "alice")), false);
    assert.equal(realm("allow", pattern, ticket(given.toUpperCase(), "alice")), true);
  }
  // The realm of the name counts where the mechanism tells no other, and a password has none.
  assert.equal(realm("deny", "A.TEST", { method: "gssapi", name: "alice@A.TEST", attributes: {} }), false);
  assert.equal(realm("allow", "A.TEST", password("alice@A.TEST")), false);
  assert.equal(realm("allow", "A.TEST", { ...password("alice"), attributes: { realm: "A.TEST" } }), false);
  assert.equal(realm("allow", "A\\*", ticket("A*", "alice")), true);
  assert.equal(realm("allow", "A\\*", ticket("AB", "alice")), false);
});

Deno.test("RuleSet: allows well-known names by name only (RFC 6111, RFC 8062)", () => {
  const anonymous = [
    ticket("A.TEST", "WELLKNOWN", "ANONYMOUS"),
    ticket("WELLKNOWN:ANONYMOUS", "WELLKNOWN", "ANONYMOUS"),
  ];
  const others = [
    ticket("A.TEST", "WELLKNOWN", "OTHER"),
    ticket("A.TEST", "WELLKNOWN"),
    ticket("WELLKNOWN:X", "alice"),
  ];
  for (const who of [...anonymous, ...others, ticket("A.TEST", "wellknown", "anonymous")]) {
    for (
      const everybody of [
        "*",
        "*@A.TEST",
        "*@WELLKNOWN:ANONYMOUS",
        "*@*",
        "W*",
        "WELLKNOWN*",
        "*ANONYMOUS@A.TEST",
        "*/ANONYMOUS@A.TEST",
        "alice@*",
      ]
    ) {
      assert.equal(allows(everybody, who), false, `${everybody} ${who.name}`);
    }
    assert.equal(judge(who, parseRule("allow", "*")), false, who.name);
    assert.equal(judge(who, parseRule("allow", "*,method=gssapi")), false, who.name);
    assert.equal(judge(who, parseRule("allow", `*,realm=${who.attributes.realm}`)), false, who.name);
    assert.equal(denies("*", who), true, who.name);
  }
  for (const who of anonymous) {
    assert.equal(allows("WELLKNOWN/ANONYMOUS@*", who), true, who.name);
    assert.equal(allows("WELLKNOWN/*", who), true, who.name);
    assert.equal(denies("WELLKNOWN/ANONYMOUS@*", who), true, who.name);
  }
  assert.equal(allows("WELLKNOWN/ANONYMOUS@A.TEST", anonymous[0]!), true);
  assert.equal(allows("WELLKNOWN/ANONYMOUS@A.TEST", anonymous[1]!), false);
  assert.equal(allows("WELLKNOWN/ANONYMOUS@*", others[0]!), false);
  assert.equal(allows("*@WELLKNOWN:X", others[2]!), true);
  assert.equal(allows("alice@WELLKNOWN:X", others[2]!), true);
  // One that fits and one that names another are not one that names this one.
  const users = ["*@A.TEST", "WELLKNOWN/OTHER@A.TEST"];
  assert.equal(judge(anonymous[0]!, ruleFromFields({ action: "allow", users })), false);
  // Both conditions at once.
  const both = parseRule("allow", "*,user=WELLKNOWN/ANONYMOUS@A.TEST,realm=B.TEST");
  assert.equal(judge(anonymous[0]!, both), false);
  assert.equal(allows("*@A.TEST", ticket("A.TEST", "WELLKNOWNS", "ANONYMOUS")), true);
});

Deno.test("userKey(): is one for all spellings", () => {
  const same = [
    ticket("A.TEST", "aduser"),
    ticket("A.TEST", "ADUSER"),
    ticket("A.TEST", "aduser@a.test"),
    ticket("A.TEST", "aduser@a"),
    ticket("a.test", "AD\u200buser"),
  ];
  assert.equal(new Set(same.map(userKey)).size, 1);
  const different = [
    ...same.slice(0, 1),
    ticket("B.TEST", "aduser"),
    ticket("A.TEST", "aduser", ""),
    ticket("A.TEST", "bob@x.example"),
    ticket("A.TEST", "bob@y.example"),
    ticket("A.TEST", "bob"),
    password("aduser"),
    password("a/b@c"),
    ticket("c", "a", "b@c"),
  ];
  assert.equal(new Set(different.map(userKey)).size, different.length);
  assert.equal(userKey({ method: "none", name: "", attributes: {} }), "");
  assert.notEqual(userKey(password("\u200b")), "");
});

Deno.test("RuleSet: takes a name of another mechanism's syntax whole", () => {
  const odd: Identity = { method: "gssapi", name: "a@b@c\\", attributes: {} };
  assert.equal(allows("a*", odd), true);
  assert.equal(allows("a@*", odd), false);
  assert.equal(denies("*", odd), true);
});
