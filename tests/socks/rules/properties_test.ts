/** The rule engine against a naive model of it: every condition, every order, and what text says as what values say. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Identity, MethodName } from "../../../socks/identity.ts";
import { PROTECTION_LEVELS } from "../../../socks/protection.ts";
import { ClientRuleSet, parseClientRule } from "../../../socks/rules/client_rules.ts";
import { parseRule } from "../../../socks/rules/parse_rule.ts";
import { type RuleFields, ruleFromFields } from "../../../socks/rules/rule_fields.ts";
import { RuleSet } from "../../../socks/rules/rule_set.ts";
import type { CommandName, RuleQuery } from "../../../socks/rules/rule.ts";

const NOW = 1_700_000_000_000;
const HOSTS = ["a.example.com", "b.example.com", "example.com", "www.example.org", "10.1.2.3", "8.8.8.8"];
const ADDRESSES = ["8.8.8.8", "8.8.4.4", "10.1.2.3", "10.2.0.1", "127.0.0.1", "2606:4700::1111", "fd00::1"];
const DESTINATIONS = [
  "*",
  "8.8.8.8",
  "8.8.0.0/16",
  "10.0.0.0/8",
  "fd00::/8",
  ".example.com",
  "example.com",
  "localhost",
];
const PORTS = ["80", "443", "1-1023", "8000-8999"];
const SOURCES = ["192.0.2.0/24", "192.0.2.7", "198.51.100.1", "2001:db8::/32"];
const USERS = ["alice@A.TEST", "*@A.TEST", "bob*", "*", "carol"];
const REALMS = ["A.TEST", "*.TEST", "B*"];
const ENCTYPES = ["aes128-cts-hmac-sha1-96", "aes256-cts-hmac-sha384-192"];
const METHODS: MethodName[] = ["none", "password", "gssapi"];
const COMMANDS: CommandName[] = ["connect", "bind", "udp", "resolve"];

/** Mostly nothing, since a rule with every condition fits hardly anybody. */
const rarely = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ arbitrary: fc.constant(undefined), weight: 3 }, { arbitrary, weight: 1 });
const some = (from: readonly string[]) =>
  rarely(fc.uniqueArray(fc.constantFrom(...from), { minLength: 1, maxLength: 3 }));

const fields: fc.Arbitrary<RuleFields> = fc.record({
  action: fc.constantFrom("allow" as const, "deny" as const),
  destinations: fc.uniqueArray(fc.constantFrom(...DESTINATIONS), { minLength: 1, maxLength: 3 }),
  ports: some(PORTS),
  commands: some(COMMANDS),
  sources: some(SOURCES),
  methods: some(METHODS),
  users: some(USERS),
  realms: some(REALMS),
  enctypes: some(ENCTYPES),
  protections: some(PROTECTION_LEVELS),
  maxTicketAge: rarely(fc.constantFrom("90s", "30m", "8h", "1d")),
});

const identity: fc.Arbitrary<Identity> = fc.oneof(
  fc.constant<Identity>({ method: "none", name: "", attributes: {} }),
  fc.constantFrom("carol", "bobby").map((name): Identity => ({ method: "password", name, attributes: {} })),
  fc.record({
    name: fc.constantFrom("alice@A.TEST", "bob@A.TEST", "alice@B.TEST"),
    enctype: fc.constantFrom(...ENCTYPES),
    age: fc.constantFrom(1_000, 600_000, 7_200_000, 80_000_000),
  }).map(({ name, enctype, age }): Identity => ({
    method: "gssapi",
    name,
    attributes: { realm: name.split("@")[1]!, enctype, authtime: NOW - age },
  })),
);

const query: fc.Arbitrary<RuleQuery> = fc.record({
  hostname: fc.constantFrom(...HOSTS),
  port: fc.constantFrom(80, 443, 1024, 8443),
  command: fc.constantFrom(...COMMANDS),
  identity,
  protection: fc.constantFrom(...PROTECTION_LEVELS),
  source: fc.constantFrom("192.0.2.7", "192.0.2.8", "198.51.100.1", "2001:db8::5", undefined),
});

/** The rule as it reads, or `undefined` for one that can fit nobody and must be refused. */
function read(rule: RuleFields): ReturnType<typeof ruleFromFields> | undefined {
  const { methods } = rule;
  const senseless = (methods !== undefined && !methods.includes("gssapi") &&
    (rule.realms ?? rule.enctypes ?? rule.maxTicketAge) !== undefined) ||
    (rule.users !== undefined && methods?.join() === "none");
  if (senseless) {
    assert.throws(() => ruleFromFields(rule), TypeError);
    return undefined;
  }
  return ruleFromFields(rule);
}

const star = (pattern: string, name: string) =>
  new RegExp(`^${pattern.split("*").map((part) => part.replace(/[.@]/g, "\\$&")).join(".*")}$`).test(name) &&
  name !== "";

/** Blocks written out by hand. */
function inBlock(block: string, address: string): boolean {
  const starts: Record<string, string> = {
    "8.8.0.0/16": "8.8.",
    "10.0.0.0/8": "10.",
    "fd00::/8": "fd",
    "192.0.2.0/24": "192.0.2.",
    "2001:db8::/32": "2001:db8:",
    "localhost": "127.",
  };
  return starts[block] === undefined ? block === address : address.startsWith(starts[block]);
}

function naive(rules: readonly RuleFields[], ask: RuleQuery, address: string): boolean {
  const special = !["8.8.8.8", "8.8.4.4", "2606:4700::1111"].includes(address);
  for (const rule of rules) {
    const { attributes } = ask.identity;
    const seconds: Record<string, number> = { "90s": 90, "30m": 1800, "8h": 28_800, "1d": 86_400 };
    const ranges: Record<string, [number, number]> = {
      "80": [80, 80],
      "443": [443, 443],
      "1-1023": [1, 1023],
      "8000-8999": [8000, 8999],
    };
    const fits = [
      rule.ports?.some((text) => ask.port >= ranges[text]![0] && ask.port <= ranges[text]![1]),
      rule.commands?.includes(ask.command),
      rule.sources?.some((block) => ask.source === undefined ? rule.action === "deny" : inBlock(block, ask.source)),
      rule.methods?.includes(ask.identity.method),
      rule.users?.some((pattern) => star(pattern, ask.identity.name)),
      rule.realms?.some((pattern) => star(pattern, String(attributes.realm ?? ""))),
      rule.enctypes?.includes(String(attributes.enctype)),
      rule.protections?.includes(ask.protection),
      rule.maxTicketAge === undefined
        ? undefined
        : attributes.authtime !== undefined && NOW - Number(attributes.authtime) <= seconds[rule.maxTicketAge]! * 1000,
    ].every((condition) => condition ?? true);
    if (!fits) continue;
    const place = rule.destinations!.some((destination) => {
      const byAddress = !["*", ".example.com", "example.com"].includes(destination);
      if (byAddress) return inBlock(destination, address);
      if (rule.action === "allow" && special) return false;
      return destination === "*" ||
        (destination.startsWith(".") ? ask.hostname.endsWith(destination) : ask.hostname === destination);
    });
    if (place) return rule.action === "allow";
  }
  return false;
}

Deno.test("property: RuleSet decides as the naive model does", () => {
  let allowed = 0;
  fc.assert(
    fc.property(
      fc.array(fields, { maxLength: 5 }),
      query,
      fc.constantFrom(...ADDRESSES),
      (written, ask, address) => {
        const usable = written.flatMap((rule) => read(rule) === undefined ? [] : [rule]);
        const verdict = new RuleSet(usable.map((rule) => ruleFromFields(rule)), () => NOW).judgeAddress(ask, address);
        assert.equal(verdict.allowed, naive(usable, ask, address), verdict.reason);
        if (verdict.allowed) allowed++;
      },
    ),
    { numRuns: 5_000 },
  );
  assert.ok(allowed > 100, `only ${allowed} were allowed`);
});

Deno.test("property: RuleSet denies a name before the look-up only if every address is denied", () => {
  let refused = 0;
  fc.assert(
    fc.property(fc.array(fields, { maxLength: 5 }), query, (written, ask) => {
      const rules = new RuleSet(written.flatMap((rule) => read(rule) ?? []), () => NOW);
      if (rules.judgeName(ask).allowed) return;
      refused++;
      for (const address of ADDRESSES) assert.equal(rules.judgeAddress(ask, address).allowed, false);
    }),
    { numRuns: 3_000 },
  );
  assert.ok(refused > 100, `only ${refused} were refused`);
});

Deno.test("property: parseRule() and ruleFromFields() make equal rules", () => {
  const names: Record<string, string> = {
    ports: "port",
    commands: "command",
    sources: "from",
    methods: "method",
    users: "user",
    realms: "realm",
    enctypes: "enctype",
    protections: "protection",
  };
  fc.assert(fc.property(fields, fc.constantFrom(...DESTINATIONS), ({ destinations: _, ...rule }, destination) => {
    const one = { ...rule, destinations: [destination] };
    const values = read(one);
    const conditions = Object.entries(names).flatMap(([field, name]) =>
      ((rule as Record<string, unknown>)[field] as string[] | undefined ?? []).map((value) => `${name}=${value}`)
    );
    if (rule.maxTicketAge !== undefined) conditions.push(`ticket-age=${rule.maxTicketAge}`);
    const text = [destination, ...conditions].join(",");
    if (values === undefined) assert.throws(() => parseRule(rule.action, text), TypeError);
    else assert.deepEqual({ ...parseRule(rule.action, text), text: "" }, { ...values, text: "" });
  }));
});

Deno.test("parseRule(): refuses conditions that exclude each other, with the reason", () => {
  const cases: [string, RegExp][] = [
    ["*,method=password,realm=A", /realm needs a Kerberos ticket/],
    ["*,method=none,user=a", /clients of method none have no user/],
    ["*,method=password,ticket-age=8h", /ticket age/],
    ["*,ticket-age=8", /is no time/],
    ["*,command=ping", /"ping" is no command/],
    ["*,from=somewhere", /"somewhere" is no source/],
    ["*,protection=strong", /"strong" is no protection/],
    ["*,upstream=a,upstream=b", /upstream stands twice/],
  ];
  for (const [text, message] of cases) assert.throws(() => parseRule("allow", text), { message }, text);
  assert.throws(() => parseRule("deny", "*,upstream=a"), /cannot have an upstream/);
});

Deno.test("RuleSet: an unknown source is denied by every source rule, and allowed by none", () => {
  const judge = (action: "allow" | "deny") =>
    new RuleSet([
      parseRule(action, "*,from=192.0.2.0/24"),
      parseRule("allow", "*,from=0.0.0.0/0"),
      parseRule("allow", "*"),
    ])
      .judgeAddress({
        hostname: "8.8.8.8",
        port: 443,
        command: "connect",
        identity: { method: "none", name: "", attributes: {} },
        protection: "none",
        source: undefined,
      }, "8.8.8.8");
  assert.equal(judge("deny").allowed, false);
  assert.match(judge("allow").reason, /"allow \*"$/);
});

Deno.test("ClientRuleSet: judges a client by its address only", () => {
  const rules = new ClientRuleSet([
    parseClientRule("deny", "192.0.2.66"),
    parseClientRule("allow", "192.0.2.0/24,2001:db8::/32"),
  ]);
  const allowed = (address: string | undefined) => rules.judge(address).allowed;
  assert.deepEqual(
    ["192.0.2.66", "192.0.2.7", "::ffff:192.0.2.7", "::ffff:192.0.2.66", "2001:db8::1", "198.51.100.1", undefined].map(
      allowed,
    ),
    [false, true, true, false, true, false, false],
  );
  // An IPv4 address in disguise is denied, and lets nobody in.
  assert.equal(allowed("64:ff9b::c000:207"), false);
  const open = new ClientRuleSet([
    parseClientRule("deny", "192.0.2.66,::ffff:192.0.2.67"),
    parseClientRule("allow", "*"),
  ]);
  for (const denied of ["192.0.2.66", "64:ff9b::c000:242", "::ffff:192.0.2.66", "2002:c000:242::1", "192.0.2.67"]) {
    assert.equal(open.judge(denied).allowed, false, denied);
  }
  assert.equal(open.judge("64:ff9b::c000:207").allowed, true);
  assert.equal(new ClientRuleSet([parseClientRule("allow", "*")]).judge(undefined).allowed, true);
  assert.throws(() => parseClientRule("allow", "user=alice"), /can have addresses and blocks only/);
  assert.throws(() => parseClientRule("allow", "192.0.2.1/24"), TypeError);
});
