/** Names of principals as text: one to one, and as MIT's programs write them. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { formatNameText, parseNameText } from "../../base/name_text.ts";
import { vectors } from "../support/vectors.ts";
import {
  formatPrincipal,
  parseEnterprisePrincipal,
  parsePrincipal,
  principal,
  samePrincipal,
  toGssName,
} from "../../kerberos/principal.ts";

/** Anything at all: control characters, separators, backslashes, halves of surrogate pairs, nothing. */
const part = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.array(fc.constantFrom(..."\\/@*nt0b \t\n\b\0\r\x1b\x7f\x9b\ud800\udc40é, =\"'"), { maxLength: 8 }).map((all) =>
    all.join("")
  ),
);
const anybody = fc.tuple(part, fc.array(part, { minLength: 1, maxLength: 4 })).map(([realm, components]) =>
  principal(realm, components)
);

Deno.test("parsePrincipal(): reads what formatPrincipal() writes (property)", () => {
  fc.assert(
    fc.property(anybody, (name) => {
      const again = parsePrincipal(formatPrincipal(name), { defaultRealm: "OTHER" });
      assert.deepEqual([again.components, again.realm], [name.components, name.realm]);
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("parsePrincipal(): reads a needless backslash as nothing (property)", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "@", "/", ".", "\u00e4"), maxLength: 12 });
  fc.assert(
    fc.property(text, (plain) => {
      const read = (of: string) => {
        try {
          return parseNameText(of);
        } catch (error) {
          return (error as Error).name;
        }
      };
      const quoted = read(`\\z${plain}`);
      const expected = typeof quoted === "string"
        ? quoted
        : { ...quoted, components: [quoted.components[0]!.slice(1), ...quoted.components.slice(1)] };
      assert.deepEqual(read(plain), expected);
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("formatPrincipal(): gives two names one text only if they are the same (property)", () => {
  fc.assert(
    fc.property(anybody, anybody, (a, b) => {
      assert.equal(formatPrincipal(a) === formatPrincipal(b), samePrincipal(a, b));
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("samePrincipal(): compares realm and components by case, and no name type", () => {
  const alice = principal("A.TEST", ["alice"]);
  assert.ok(samePrincipal(alice, principal("A.TEST", ["alice"], 10)));
  for (
    const [realm, ...components] of [["A.TEST", "Alice"], ["a.test", "alice"], ["A.TEST", "alice", ""], ["", "alice"]]
  ) {
    assert.ok(!samePrincipal(alice, principal(realm!, components)), `${components}@${realm}`);
  }
});

Deno.test("formatPrincipal(): writes the backslashes of RFC 1964 section 2.1.1, and no others", () => {
  const cases: [string[], string][] = [
    [["John Doe"], "John Doe@A.TEST"],
    [["j.doe@a.test"], "j.doe\\@a.test@A.TEST"],
    [["a/b", "c"], "a\\/b/c@A.TEST"],
    [["eve\\"], "eve\\\\@A.TEST"],
    [["a\tb\nc\bd\0e"], "a\\tb\\nc\\bd\\0e@A.TEST"],
    // These have no letter; MIT writes them as they are.
    [["a\rb\x1bc\x7fd\x9be"], "a\rb\x1bc\x7fd\x9be@A.TEST"],
    [["", ""], "/@A.TEST"],
    [["*"], "*@A.TEST"],
  ];
  for (const [components, text] of cases) {
    assert.equal(formatPrincipal(principal("A.TEST", components)), text);
    assert.equal(toGssName(principal("A.TEST", components)).text, text);
    assert.deepEqual(parsePrincipal(text).components, components);
  }
  assert.deepEqual(parsePrincipal("John\\ Doe@A.TEST").components, ["John Doe"]);
});

Deno.test("parseNameText(): distinguishes no realm from an empty one", () => {
  assert.deepEqual(parseNameText("alice"), { components: ["alice"], realm: undefined });
  assert.deepEqual(parseNameText("alice@"), { components: ["alice"], realm: "" });
  assert.equal(formatNameText({ components: ["alice"], realm: undefined }), "alice");
  assert.equal(formatNameText({ components: ["alice"], realm: "" }), "alice@");
  assert.equal(parsePrincipal("alice@", { defaultRealm: "A.TEST" }).realm, "");
  for (const text of ["a@b@c", "a\\", "a@b\\"]) assert.throws(() => parseNameText(text), TypeError, text);
});

Deno.test("parsePrincipal(), formatPrincipal(): agree with Heimdal's samples", () => {
  type Case = { input: string; default_realm: string; components: string[]; realm: string; unparsed: string };
  for (const v of vectors<Case>("principal_names")) {
    const name = parsePrincipal(v.input, { defaultRealm: v.default_realm });
    assert.deepEqual([[...name.components], name.realm], [v.components, v.realm], v.input);
    // Heimdal puts a backslash in front of a blank, MIT does not; both forms are read.
    assert.equal(formatPrincipal(name), v.unparsed.replace("\\ ", " "));
  }
  assert.throws(() => parsePrincipal("a@b@c"), TypeError);
  assert.throws(() => parsePrincipal("a\\"), TypeError);
});

Deno.test("parseEnterprisePrincipal(): reads one component, and the realm behind the second @", () => {
  const read = (text: string) => parseEnterprisePrincipal(text, { defaultRealm: "D.TEST" });
  for (
    const [text, name, realm] of [
      ["user@ad.test", "user@ad.test", "D.TEST"],
      ["user@ad.test@AD.TEST", "user@ad.test", "AD.TEST"],
      ["user\\@ad.test@AD.TEST", "user@ad.test", "AD.TEST"],
      ["user", "user", "D.TEST"],
      ["a/b@ad.test", "a/b@ad.test", "D.TEST"],
      ["a\\\\b@c@R\\@S", "a\\b@c", "R@S"],
    ] as const
  ) {
    const { components, realm: found, nameType } = read(text);
    assert.deepEqual([components, found, nameType], [[name], realm, 10], text);
  }
  assert.equal(parseEnterprisePrincipal("user@ad.test").realm, "");
  assert.throws(() => read("a@b@C@D"), { name: "TypeError", message: /has two realms/ });
  assert.throws(() => read("a@b\\"), TypeError);
});
