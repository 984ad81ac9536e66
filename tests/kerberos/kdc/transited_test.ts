/** The transited field: RFC 4120 section 3.3.3.2, with its own examples. */
import assert from "node:assert/strict";
import { lenientText, utf8 } from "../../../base/bytes.ts";
import { isBetween, transitedRealms, withRealm } from "../../../kerberos/kdc/transited.ts";

const read = (text: string) => transitedRealms(utf8(text));

Deno.test("transitedRealms(): reads the examples of RFC 4120", () => {
  assert.deepEqual(read(""), []);
  assert.deepEqual(read("EDU,MIT.,ATHENA.,WASHINGTON.EDU,CS."), [
    "EDU",
    "MIT.EDU",
    "ATHENA.MIT.EDU",
    "WASHINGTON.EDU",
    "CS.WASHINGTON.EDU",
  ]);
  assert.deepEqual(read("/COM,/HP,/APOLLO, /COM/DEC"), ["/COM", "/COM/HP", "/COM/HP/APOLLO", "/COM/DEC"]);
});

Deno.test("transitedRealms(): reads quoted characters as text, and lists no realms that are left out", () => {
  assert.deepEqual(read("A\\,B,C\\\\D,E\\."), ["A,B", "C\\D", "E."]);
  assert.deepEqual(read("X,\\ Y"), ["X", " Y"]);
  for (const text of [",", ",EDU, /COM,", "A,,B", "A,"]) assert.equal(read(text), undefined, text);
});

Deno.test("withRealm(): adds a realm once, and quotes it so that it is read back", () => {
  const realms = ["B.TEST", "A,B", "C\\D", "E.", "F..", " G", "/COM", "/COM/X", "B.TEST", "H"];
  let contents = utf8("");
  for (const realm of realms) contents = withRealm(contents, realm);
  assert.deepEqual(transitedRealms(contents), [...new Set(realms)]);
  assert.equal(lenientText(withRealm(utf8("EDU,MIT."), "WASHINGTON.EDU")), "EDU,MIT.,WASHINGTON.EDU");
  assert.equal(lenientText(withRealm(utf8("EDU,MIT."), "MIT.EDU")), "EDU,MIT.");
  for (const odd of ["\\,X", "A, ,B.", ",.,/", "....", "\\", " /\\.", ","]) {
    assert.deepEqual(transitedRealms(withRealm(utf8(""), odd)), [odd], odd);
  }
});

Deno.test("isBetween(): accepts the path up and down the hierarchy, and nothing else", () => {
  const [from, to] = ["B.A.EXAMPLE.COM", "C.EXAMPLE.COM"];
  for (const realm of ["A.EXAMPLE.COM", "EXAMPLE.COM"]) {
    assert.ok(isBetween(realm, from, to), realm);
    assert.ok(isBetween(realm, to, from), realm);
  }
  for (const realm of ["COM", "EVIL.COM", "D.EXAMPLE.COM", "X.A.EXAMPLE.COM", "XAMPLE.COM", "", "A.EVIL.COM"]) {
    assert.ok(!isBetween(realm, from, to), realm);
  }
  assert.ok(!isBetween("TEST", "A.ONE", "B.TWO"));
  assert.ok(isBetween("TEST", "A.TEST", "B.TEST"));
  assert.ok(!isBetween("B.TEST", "A.TEST", "C.TEST"));
});
