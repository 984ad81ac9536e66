/** Expanded keys that are kept, and confounders. */
import assert from "node:assert/strict";
import type { Bytes } from "../../../../base/bytes.ts";
import { randomBytes, type Runtime, systemRuntime } from "../../../../base/runtime.ts";
import { takeConfounder } from "../../../../kerberos/crypto/core/confounders.ts";
import { Place } from "../../../../kerberos/crypto/core/kept.ts";
import { CONTEXT_LENGTH, Use } from "../../../../kerberos/crypto/core/layout.ts";
import { KerberosKey } from "../../../../kerberos/crypto/key.ts";

Deno.test("Place: keeps a copy, and wipes it when it goes, of itself or for a later one", () => {
  const expanded = randomBytes(CONTEXT_LENGTH);
  const first = new Place();
  first.keep(expanded);
  const kept = first.bytes!;
  assert.deepEqual(kept, expanded);
  first.forget();
  assert.ok(kept.every((byte) => byte === 0) && first.bytes === undefined);

  const second = new Place();
  second.keep(expanded);
  const memory = second.bytes!;
  const later = Array.from({ length: 256 }, () => new Place());
  for (const place of later) place.keep(new Uint8Array(CONTEXT_LENGTH).fill(7));
  assert.equal(second.bytes, undefined, "only the last ones are kept");
  assert.ok(memory.every((byte) => byte === 7), "its memory is another's");
  assert.ok(later.every(({ bytes }) => bytes!.every((byte) => byte === 7)));
});

Deno.test("KerberosKey: an expanded key is kept from the second use on, until the key is disposed", async () => {
  const key = KerberosKey.generate(18);
  const usage = key.usage(24);
  const sealed = await usage.seal([randomBytes(5)]);
  assert.equal(usage.places[Use.Seal]?.bytes, undefined, "most keys are used once");
  await usage.seal([randomBytes(5)]);
  const kept = usage.places[Use.Seal]!.bytes!;
  assert.ok(kept.some((byte) => byte !== 0));
  assert.equal(usage.places[Use.Open], undefined);
  assert.equal(usage.places[Use.Sign], undefined, "the key for checksums is derived when it is wanted");
  assert.equal((await key.decrypt(24, sealed)).length, 5);
  key[Symbol.dispose]();
  assert.ok(kept.every((byte) => byte === 0));
});

Deno.test("KerberosKey: 600 keys by turns, more than are kept, seal and open", async () => {
  const keys = Array.from({ length: 600 }, (_, i) => KerberosKey.generate(17 + i % 4));
  for (let turn = 0; turn < 3; turn++) {
    for (const key of keys) {
      const message = randomBytes(20);
      assert.deepEqual(await key.decrypt(7, await key.encrypt(7, message)), message);
    }
  }
});

Deno.test("takeConfounder(): gives each once, and asks another runtime than the system's each time", () => {
  const seen = new Set<string>();
  const memory = new Uint8Array(32);
  for (let i = 0; i < 1000; i++) {
    takeConfounder(memory, 8, systemRuntime);
    seen.add(memory.subarray(8, 24).toHex());
  }
  assert.equal(seen.size, 1000);
  assert.ok(memory.subarray(0, 8).every((byte) => byte === 0) && memory.subarray(24).every((byte) => byte === 0));
  const asked: number[] = [];
  const runtime: Runtime = { now: () => 0, fillRandom: (target: Bytes) => void asked.push(target.fill(9).length) };
  for (let i = 0; i < 3; i++) takeConfounder(memory, 0, runtime);
  assert.deepEqual(asked, [16, 16, 16]);
  assert.ok(memory.subarray(0, 16).every((byte) => byte === 9));
});
