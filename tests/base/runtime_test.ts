import assert from "node:assert/strict";
import { randomBytes } from "../../base/runtime.ts";

Deno.test("randomBytes(): returns more bytes than one call of the generator", () => {
  const many = randomBytes(70_000);
  assert.equal(many.length, 70_000);
  assert.ok(many.subarray(65_536).some((byte) => byte !== 0));
  assert.ok(randomBytes(32).some((byte) => byte !== 0));
});
