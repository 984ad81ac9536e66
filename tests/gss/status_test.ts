import assert from "node:assert/strict";
import { GssError, MAJOR_STATUS } from "../../gss/status.ts";

Deno.test("MAJOR_STATUS: has the values of RFC 2744 section 3.9.1", () => {
  assert.equal(MAJOR_STATUS.BAD_MECH, 1 << 16);
  assert.equal(MAJOR_STATUS.BAD_SIG, 6 << 16);
  assert.equal(MAJOR_STATUS.FAILURE, 13 << 16);
  const error = new GssError("x", { major: "BAD_SIG", code: "BAD_SIG", token: new Uint8Array(99) });
  assert.equal(error.majorStatus, 6 << 16);
  assert.doesNotMatch(Deno.inspect(error, { depth: 9, showHidden: true }), /Uint8Array\(99\)/);
});
