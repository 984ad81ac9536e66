/** Hosts have one form, whatever they are called. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { hostName, HostNameError, reachableEndpoint } from "../../../socks/wire/host_name.ts";
import { canonicalAddress, formatIp, isIpv4, parseIp } from "../../../socks/wire/ip.ts";
import { FORMS, spellings } from "../../support/host_spellings.ts";

Deno.test("hostName(): returns the normal form of every spelling", () => {
  for (const [form, others] of Object.entries(FORMS)) {
    for (const text of [form, ...others]) assert.equal(hostName(text), form, JSON.stringify(text));
  }
});

/** Text that is not a host, by code. */
const REFUSED: Readonly<Record<HostNameError["code"], readonly string[]>> = {
  EMPTY: [""],
  ZONE: ["fe80::1%eth0", "fe80::1%25eth0", "[fe80::1%eth0]", "::1%1"],
  TOO_LONG: [
    "a".repeat(64),
    `x.${"a".repeat(64)}.example`,
    `${"ü".repeat(60)}.example`,
    `${"a.".repeat(126)}bc`,
    "a".repeat(256),
    "a".repeat(100_000),
    "\u00ad".repeat(2_000) + "a",
  ],
  NOT_A_HOST: [
    ".",
    "..",
    ".a",
    "a..b",
    "localhost..",
    "a b",
    " a",
    "a ",
    "a\tb",
    "a\nb",
    "a\0b",
    "a\u0085b",
    "a\u00a0b",
    "a\u3000b",
    "a:b",
    "a:80",
    "a/b",
    "a／b",
    "a\\b",
    "a@b",
    "a＠b",
    "a#b",
    "a?b",
    "%31",
    "％31",
    "a%00b",
    "*.x",
    "a*b",
    "a!b",
    "a,b",
    "a'b",
    "a=b",
    "a~b",
    "[a]",
    "[",
    "[]",
    "[1.2.3.4]",
    "[[::1]]",
    "[::1].",
    "::1.",
    "1:2",
    "\u00ad",
    "\u200b",
    "\u0300a",
    "a\ud800",
    "a\ufffd",
    "\u202elocalhost",
    "a\u200db",
    "a\u200cb",
    "⒈com",
    "1א.example",
    // Bad A-labels: not Punycode, of no label, of unmapped text, of ASCII only.
    "xn--a.example",
    "xn--zzzzzzzz.example",
    "xn--.example",
    "xn--localhost-",
    "xn--abc-",
    "xn--BCHER-KVa\u0301",
    // Bad addresses.
    "foo.1",
    "foo.0x1",
    "1.2.3.4.5",
    "256.1.1.1",
    "1.2.3.256",
    "4294967296",
    "08",
    "09.1",
  ],
};

Deno.test("hostName(): refuses what is not a host", () => {
  for (const [code, texts] of Object.entries(REFUSED)) {
    for (const text of texts) {
      assert.throws(() => hostName(text), (error: unknown) => {
        assert.ok(error instanceof HostNameError && error instanceof RangeError, JSON.stringify(text));
        assert.equal(error.code, code, JSON.stringify(text));
        // No control characters for a terminal.
        assert.match(error.message, /^Cannot use host[\x20-\x7e]{1,900}$/);
        return true;
      }, JSON.stringify(text.slice(0, 80)));
    }
  }
});

/** Any characters, lone surrogates among them. */
const anyText = fc.array(fc.oneof(fc.nat(0x10ffff), fc.nat(0x7f), fc.nat(0x3ff)), { maxLength: 30 })
  .map((points) => String.fromCodePoint(...points));

Deno.test("hostName(): property: all spellings of a name have one normal form", () => {
  for (
    const [form, name] of Object.entries({ "xn--bcher-kva.example": "bücher.example", "deny.example": "deny.example" })
  ) {
    fc.assert(fc.property(spellings(name), (text) => assert.equal(hostName(text), form)), { numRuns: 300 });
  }
  fc.assert(
    fc.property(anyText, (text) => {
      let form: string;
      try {
        form = hostName(text);
      } catch (error) {
        return assert.ok(error instanceof HostNameError);
      }
      assert.match(form, /^[a-z0-9._:-]{1,253}$/);
      assert.equal(hostName(form), form);
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("hostName(): property: the short cut for IPv4 agrees with the whole algorithm", () => {
  const part = fc.oneof(
    fc.nat(300).map(String),
    fc.constantFrom("", "00", "01", "007", "0x7f", "1e1", "+1", " 1", "\u0661"),
  );
  const quad = fc.array(part, { minLength: 3, maxLength: 5 }).map((parts) => parts.join("."));
  const text = fc.oneof(
    fc.ipV4(),
    quad,
    fc.tuple(fc.ipV4(), fc.constantFrom(".", "\n", " ", "%1")).map((two) => two.join("")),
  );
  fc.assert(
    fc.property(text, (text) => {
      const parts = text.split(".");
      const is = parts.length === 4 && parts.every((part) => /^(0|[1-9]\d*)$/.test(part) && Number(part) <= 255);
      assert.equal(isIpv4(text), is, JSON.stringify(text));
      if (!is) return;
      assert.deepEqual([...parseIp(text)!], parts.map(Number));
      const ways = [
        hostName(text),
        canonicalAddress(text),
        formatIp(parseIp(text)!),
        new URL(`http://${text}/`).hostname,
      ];
      const mapped = [hostName(`[::ffff:${text}]`), canonicalAddress(`::ffff:${text}`)];
      for (const way of [...ways, ...mapped]) assert.equal(way, text);
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("reachableEndpoint(): keeps a zone, otherwise returns the normal form", () => {
  const scoped = { hostname: "fe80::1%eth0", port: 1080 };
  assert.equal(reachableEndpoint(scoped), scoped);
  assert.deepEqual(reachableEndpoint({ hostname: "[::1]", port: 1 }), { hostname: "::1", port: 1 });
  assert.throws(() => reachableEndpoint({ hostname: "a%b", port: 1 }), HostNameError);
});
