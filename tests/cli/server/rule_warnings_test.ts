/** Warnings about rules that can never fit. */
import assert from "node:assert/strict";
import { ruleWarnings } from "../../../cli/server/rule_warnings.ts";
import type { ServeOptions } from "../../../mod.ts";
import { parseRuleText } from "../../../socks/rules/parse_rule.ts";

function warned(rules: readonly string[], options: ServeOptions = { keytab: "k" }): string {
  return ruleWarnings({ ...options, rules: rules.map(parseRuleText) }).join("\n");
}

Deno.test("rule warnings: a rule behind one that fits all that it fits", () => {
  const behind: readonly (readonly string[])[] = [
    ["allow *", "deny .evil.test"],
    ["deny 10.0.0.0/8", "allow 10.1.0.0/16:443"],
    ["allow .a.test", "allow x.a.test,user=bob@R"],
    ["deny *:1-100", "allow *:http"],
    ["allow 192.0.2.1", "allow 192.0.2.1"],
    ["deny *,user=bob@R", "allow 10.0.0.0/8,user=bob@R"],
  ];
  for (const rules of behind) {
    assert.match(warned(rules), /^Warning: rule 2 ".*" never fits: rule 1 ".*" stands/, String(rules));
  }
  const apart: readonly (readonly string[])[] = [
    ["allow *", "allow 10.0.0.0/8"],
    ["allow *:443", "allow *"],
    ["allow 10.1.0.0/16", "deny 10.0.0.0/8"],
    ["deny *,user=bob@R", "allow *"],
    ["allow *,user=bob@R", "deny *,user=bob@R"],
    ["allow x.a.test", "allow .a.test"],
    ["deny *:25", "allow *"],
  ];
  for (const rules of apart) assert.equal(warned(rules), "", String(rules));
});

Deno.test("rule warnings: conditions that no client of the server meets", () => {
  const none: ServeOptions = { allowUnauthenticated: true };
  const cases: readonly [string, ServeOptions, RegExp][] = [
    ["allow *,method=none", { keytab: "k" }, /never fits: the methods accepted are gssapi$/],
    ["allow *,command=udp", { keytab: "k" }, /never fits: the commands accepted are connect$/],
    ["allow *,realm=R", none, /never fits: it asks for a Kerberos ticket/],
    ["deny *,user=bob", none, /never fits: it has a user, and nobody says who he is$/],
    [
      "allow *,protection=none",
      { keytab: "k", protection: ["integrity"] },
      /the levels of protection granted are integrity$/,
    ],
    [
      "allow *,user=bob",
      { keytab: "k" },
      /allowed user "bob" has no realm, and fits no Kerberos user; write bob@REALM/,
    ],
  ];
  for (const [rule, options, text] of cases) assert.match(warned([rule], options), text, rule);
  assert.equal(warned(["allow *,user=bob"], { keytab: "k", passwords: () => Promise.resolve(true) }), "");
});
