/** DOMAIN-X500-COMPRESS, which KDC and acceptor read alike (RFC 4120 section 3.3.3.2). */
import assert from "node:assert/strict";
import { utf8 } from "../../../base/bytes.ts";
import { decodeTransited } from "../../../kerberos/messages/transited.ts";

const read = (text: string) => decodeTransited(utf8(text));

Deno.test("decodeTransited(): lists realms and null subfields", () => {
  assert.deepEqual(read(""), []);
  assert.deepEqual(read(",EDU, /COM,"), [undefined, "EDU", "/COM", undefined]);
  assert.deepEqual(read("EDU,MIT.,/X, CS.,B\\."), ["EDU", "MIT.EDU", "MIT.EDU/X", "CS.", "B."]);
  assert.deepEqual(read("/COM,,/HP"), ["/COM", undefined, "/COM/HP"]);
  assert.deepEqual(read("A.,B"), ["A.", "B"]);
});

Deno.test("decodeTransited(): distinguishes names to the byte, and refuses what it cannot read", () => {
  assert.deepEqual(read("\ufeffEDU,EDU"), ["\ufeffEDU", "EDU"]);
  for (const text of ["A\\", ", ", "A, ,B"]) assert.throws(() => read(text), RangeError, text);
  assert.throws(() => decodeTransited(new Uint8Array([0x41, 0xff])), RangeError);
});

Deno.test("decodeTransited(): lists 64 realms at most", () => {
  const realms = Array.from({ length: 64 }, () => "/A");
  assert.equal(read(realms.join()).length, 64);
  assert.throws(() => read([...realms, "/A"].join()), RangeError);
});
