/** Rules about the account of a directory: by stored name, SID and group, and about clients whose account is not known. */
import assert from "node:assert/strict";
import type { GssAccount } from "../../../gss/account.ts";
import type { Identity } from "../../../socks/identity.ts";
import { parseRule, parseRuleText } from "../../../socks/rules/parse_rule.ts";
import { RuleSet } from "../../../socks/rules/rule_set.ts";
import { ruleFromFields } from "../../../socks/rules/rule_fields.ts";
import { userKey } from "../../../socks/rules/users.ts";

const DOMAIN = "S-1-5-21-1-2-3";
const OTHER = "S-1-5-21-9-9-9";

const ACCOUNT: GssAccount = {
  name: "ADuser",
  domain: "ADTEST",
  realm: "AD.TEST",
  dnsDomain: "ad.test",
  upn: "First.Last@corp.example",
  sid: `${DOMAIN}-1105`,
  primaryGroup: `${DOMAIN}-513`,
  groups: [`${DOMAIN}-513`, `${DOMAIN}-1200`, `${OTHER}-1300`, "S-1-18-1"],
};

/** A client with a ticket for a name as the user spelled it. */
function ticket(spelled: string, account?: Partial<GssAccount>, realm = "AD.TEST"): Identity {
  const attributes = { realm, enctype: "aes256-cts-hmac-sha1-96" };
  const name = `${spelled}@${realm}`;
  return { method: "gssapi", name, attributes, ...(account && { account: { ...ACCOUNT, ...account } }) };
}

const KNOWN = ticket("aduser", {});
const UNKNOWN: readonly Identity[] = [
  ticket("aduser"),
  { method: "password", name: "aduser", attributes: {} },
  { method: "none", name: "", attributes: {} },
];

/** Whether a rule matches a client: an allow rule alone, or a deny rule before one that allows all. */
function matches(text: string, identity: Identity): boolean {
  const rules = text.startsWith("deny") ? [parseRuleText(text), parseRuleText("allow *")] : [parseRuleText(text)];
  const query = { hostname: "www.example.com", port: 443, command: "connect", identity, protection: "none" } as const;
  const { allowed } = new RuleSet(rules).judgeName(query);
  return text.startsWith("deny") ? !allowed : allowed;
}

/** Conditions, and whether they match the known account in rules that allow and that deny; `undefined`: not taken. */
const CONDITIONS: readonly (readonly [condition: string, allow: boolean | undefined, deny: boolean])[] = [
  ["account=aduser@ad.test", true, true],
  ["account=ADUSER@AD.TEST", true, true],
  ["account=adus*@ad.test", true, true],
  ["account=*@ad.test", true, true],
  ["account=bob@ad.test", false, false],
  ["account=aduser@other.test", false, false],
  ["account=aduser@ADTEST", false, true],
  ["account=áduser@ad.test", false, true],
  ["account=first.last@corp.example", false, true],
  ["account=aduser", undefined, true],
  ["account=ADTEST\\aduser", undefined, true],
  ["account=OTHER\\aduser", undefined, false],
  [`sid=${DOMAIN}-1105`, true, true],
  [`sid=s-1-5-21-01-2-3-1105`, true, true],
  [`sid=${DOMAIN}-1200`, true, true],
  [`sid=${DOMAIN}-110`, false, false],
  [`group=${DOMAIN}-1200`, true, true],
  [`group=${OTHER}-1300`, true, true],
  [`group=${DOMAIN}-1105`, false, false],
  ["group=Domain Users@ad.test", true, true],
  ["group=DOMAIN_USERS@AD.TEST", true, true],
  ["group=Domain Users@other.test", false, false],
  ["group=Domain Users", undefined, true],
  ["group=Domain Admins@ad.test", false, false],
  ["group=Authentication Authority Asserted Identity", true, true],
  ["group=Service Asserted Identity", false, false],
  ["account=aduser@ad.test,group=Domain Admins@ad.test", false, false],
  ["account=aduser@ad.test,group=Domain Users@ad.test", true, true],
  ["account=bob@ad.test,account=aduser@ad.test", true, true],
  ["account=aduser@ad.test,realm=OTHER.TEST", false, false],
];

Deno.test("account rules: match the stored name, the SIDs and the groups", () => {
  for (const [condition, allow, deny] of CONDITIONS) {
    assert.equal(matches(`deny *,${condition}`, KNOWN), deny, `deny ${condition}`);
    if (allow === undefined) assert.throws(() => parseRule("allow", `*,${condition}`), TypeError, condition);
    else assert.equal(matches(`allow *,${condition}`, KNOWN), allow, `allow ${condition}`);
  }
});

Deno.test("account rules: no rule that allows matches a client whose account is not known", () => {
  for (const condition of ["account=*@ad.test", `sid=${DOMAIN}-1105`, "group=Domain Users@ad.test"]) {
    for (const identity of UNKNOWN) assert.ok(!matches(`allow *,${condition}`, identity), condition);
  }
});

Deno.test("account rules: every rule that denies matches a client whose account is not known", () => {
  for (const condition of ["account=bob@ad.test", `sid=${DOMAIN}-1`, `group=${OTHER}-1`]) {
    for (const identity of UNKNOWN) assert.ok(matches(`deny *,${condition}`, identity), condition);
    // Its other conditions limit it.
    assert.ok(!matches(`deny *,${condition},realm=B.TEST`, UNKNOWN[0]!), condition);
    assert.ok(!matches(`deny *,${condition},method=gssapi`, UNKNOWN[1]!), condition);
  }
});

Deno.test("account rules: a trusted domain's short name and groups do not allow what this domain's do", () => {
  const foreign = ticket("aduser", {
    realm: "B.TEST",
    dnsDomain: "ad.test",
    sid: `${OTHER}-1105`,
    groups: [`${OTHER}-513`],
  }, "B.TEST");
  assert.ok(!matches("allow *,account=aduser@ad.test", foreign), "its KDC names the domain, the realm is proven");
  assert.ok(!matches("allow *,group=Domain Users@ad.test", foreign));
  assert.ok(matches("allow *,group=Domain Users@b.test", foreign));
  assert.ok(matches("deny *,account=ADTEST\\aduser", foreign), "a deny rule matches what it claims");
  // The root domain's group, in the ticket of an account of another domain.
  const administrator = ticket("root", { realm: "CHILD.AD.TEST", dnsDomain: undefined, groups: [`${OTHER}-519`] });
  assert.ok(matches("deny *,group=Enterprise Admins@ad.test", administrator));
  assert.ok(!matches("allow *,group=Enterprise Admins@ad.test", administrator));
  assert.ok(
    !matches("deny *,group=Domain Users@ad.test", ticket("x", { realm: "B.TEST", domain: "B", dnsDomain: undefined })),
  );
  assert.ok(!matches("deny *,group=Domain Users", ticket("x", { groups: [`${DOMAIN}-1513`, "S-1-5-32-513"] })));
});

Deno.test("account rules: a deny of a user holds for every name of the account", () => {
  const spellings = ["x", "First.Last\\@corp.example", "ADUSER"].map((spelled) => ticket(spelled, {}));
  for (
    const user of [
      "aduser@AD.TEST",
      "ADUSER",
      "aduser\\@ad.test@AD.TEST",
      "first.last\\@corp.example@AD.TEST",
      "first.last@corp.example",
    ]
  ) {
    for (const identity of spellings) assert.ok(matches(`deny *,user=${user}`, identity), `${user}: ${identity.name}`);
    assert.ok(!matches(`deny *,user=${user}`, ticket("x", { name: "bob", upn: undefined })), user);
  }
  // A user of a realm that the domain trusts, whom the domain has as an account.
  assert.ok(matches("deny *,user=aduser@AD.TEST", ticket("x", { realm: "MIT.TEST" }, "MIT.TEST")));
  assert.ok(!matches("allow *,user=aduser@AD.TEST", ticket("x", {})), "a rule that allows keeps to the ticket's name");
});

Deno.test("account rules: what is no account, SID or group is refused, with what to write", () => {
  const wrong: readonly (readonly [string, string, RegExp])[] = [
    ["allow", "account=aduser", /needs the DNS name of its domain in a rule that allows, as in "aduser@corp\.example"/],
    ["allow", "account=ADTEST\\aduser", /as in "aduser@corp\.example": another domain/],
    ["allow", "account=@ad.test", /"@ad\.test" is no account/],
    ["deny", "account=aduser@", /is no account/],
    ["deny", "account=", /is no account/],
    ["allow", "sid=aduser", /"aduser" is no SID; "S-1-5-21-…" is one/],
    ["allow", "sid=S-1-5-21-4294967296-1", /is no SID/],
    ["allow", "group=Proxy Users", /a ticket has groups by SID, so write the group's objectSid/],
    ["allow", "group=Domain Users", /each domain has a group "Domain Users".*as in "Domain Users@corp\.example"/],
    ["deny", "group=S-1-18-1@ad.test", /is no group/],
    ["allow", "account=a@b.test,method=password", /the account needs a Kerberos ticket/],
    ["allow", "sid=S-1-5-1,method=none", /the SID needs a Kerberos ticket/],
    ["allow", "group=S-1-5-9,method=none", /the group needs a Kerberos ticket/],
  ];
  for (const [action, condition, message] of wrong) {
    assert.throws(() => parseRule(action as "allow", `*,${condition}`), { name: "TypeError", message }, condition);
  }
  assert.throws(
    () => new RuleSet([{ action: "allow", text: "x", destinations: [{ type: "any" }], sids: ["x"] }]),
    TypeError,
  );
  assert.equal(
    ruleFromFields({ action: "allow", sids: ["S-1-18-1"], groups: ["S-1-5-9"] }).text,
    "*,sids=S-1-18-1,groups=S-1-5-9",
  );
});

Deno.test("userKey(): is the SID of an account, however its user spells himself", () => {
  const spellings = ["aduser", "ADUSER", "aduser\\@ad.test", "first.last\\@corp.example"].map((name) =>
    ticket(name, {})
  );
  assert.deepEqual([...new Set(spellings.map(userKey))], [`sid:${DOMAIN}-1105`]);
  assert.notEqual(userKey(ticket("aduser", { sid: `${OTHER}-1105` })), userKey(KNOWN));
  assert.notEqual(userKey({ ...KNOWN, account: undefined }), userKey(KNOWN), "without an account");
  const enterprise = ticket("first.last\\@ad.test");
  assert.notEqual(userKey(enterprise), userKey({ ...enterprise, method: "password" }), "of another method");
  // A password user of this name is another one.
  assert.notEqual(userKey({ method: "password", name: `sid:${DOMAIN}-1105`, attributes: {} }), userKey(KNOWN));
});

/** What may change of an account whose SID stays, or of the name in its ticket; and the name that only the second one has. */
const CHANGES: readonly (readonly [what: string, before: Identity, after: Identity, name: string])[] = [
  ["user principal name", ticket("any", { upn: "one@a.test" }), ticket("any", { upn: "two@a.test" }), "two@a.test"],
  ["stored name", ticket("any", { name: "one" }), ticket("any", { name: "two" }), "two@ad.test"],
  ["domain", ticket("any", { dnsDomain: "one.test" }), ticket("any", { dnsDomain: "two.test" }), "aduser@two.test"],
  [
    "realm",
    ticket("any", { dnsDomain: undefined, realm: "ONE.TEST" }),
    ticket("any", { dnsDomain: undefined, realm: "TWO.TEST" }),
    "aduser@two.test",
  ],
  ["spelling", ticket("one", {}), ticket("two", {}), "two@ad.test"],
];

Deno.test("rules: what is known of a user is not taken for one of whom one thing is another", () => {
  for (const [what, before, after, name] of CHANGES) {
    for (let i = 0; i < 2; i++) {
      assert.equal(matches(`deny *,user=${name}`, { ...before }), false, what);
      assert.equal(matches(`deny *,user=${name}`, { ...after }), true, what);
    }
  }
});
