/** Security identifiers as text (MS-DTYP section 2.4.2.1). */
import assert from "node:assert/strict";
import { formatSid, parseSid } from "../../base/sid.ts";

Deno.test("SID: every spelling of one has one text", () => {
  const same: readonly (readonly [string, string])[] = [
    ["S-1-5-21-1-2-3-1105", "S-1-5-21-1-2-3-1105"],
    ["s-1-05-0021-1-2-3-1105", "S-1-5-21-1-2-3-1105"],
    ["S-1-4294967295-0", "S-1-4294967295-0"],
    ["S-1-0x0000fFFFffff-7", "S-1-4294967295-7"],
    ["S-1-0xabcdef012345-7", "S-1-0xABCDEF012345-7"],
    [`S-1-5${"-1".repeat(15)}`, `S-1-5${"-1".repeat(15)}`],
  ];
  for (const [text, normal] of same) assert.equal(formatSid(parseSid(text)!), normal);
});

Deno.test("SID: other texts are none", () => {
  const wrong = [
    "",
    "S-1-5",
    "S-2-5-1",
    "S-1-5-",
    "S-1-5-x",
    "S-1-5-4294967296",
    "S-1-4294967296-1",
    "S-1-0x12345-1",
    "S-1-5-1 ",
    " S-1-5-1",
    "S-1-5-12345678901",
    `S-1-5${"-1".repeat(16)}`,
  ];
  for (const text of wrong) assert.equal(parseSid(text), undefined, text);
});
