import assert from "node:assert/strict";
import { Asn1Error } from "../../asn1/codec.ts";
import { concat } from "../../base/bytes.ts";
import { decodeInitialToken, encodeInitialToken, namedMechanism } from "../../gss/initial_token.ts";
import { unhex, vectors } from "../support/vectors.ts";

Deno.test("decodeInitialToken(): splits tokens of other suites, as encodeInitialToken() writes them", () => {
  let seen = 0;
  for (const v of vectors<{ name: string; token_hex: string; mech_oid?: string }>("gss_initial_tokens")) {
    const token = unhex(v.token_hex);
    if (token[0] !== 0x60) continue;
    const { mechanism, inner } = decodeInitialToken(token);
    assert.equal(mechanism, v.mech_oid, v.name);
    assert.deepEqual(encodeInitialToken(mechanism, inner), token);
    seen++;
  }
  assert.ok(seen >= 5, `${seen}`);
});

Deno.test("decodeInitialToken(): refuses cuts, additions and lengths that are not DER", () => {
  const token = encodeInitialToken("1.2.840.113554.1.2.2", new Uint8Array(200));
  for (let i = 0; i < token.length; i++) assert.throws(() => decodeInitialToken(token.subarray(0, i)), Asn1Error);
  assert.throws(() => decodeInitialToken(concat(token, Uint8Array.of(0))), Asn1Error);
  assert.throws(() => decodeInitialToken(unhex("6081050603550403")), Asn1Error);
  assert.throws(() => decodeInitialToken(unhex("608000")), Asn1Error);
  assert.throws(() => decodeInitialToken(unhex("6085010000000000")), Asn1Error);
  const long = unhex("6084000000050603550403");
  assert.throws(() => decodeInitialToken(long), Asn1Error);
  assert.equal(decodeInitialToken(long, { longLengths: true }).mechanism, "2.5.4.3");
  assert.deepEqual(namedMechanism(long, { longLengths: true }), unhex("550403"));
  for (const text of ["608006035504 03", "60", "6005", "30050603550403", "60050203550403"]) {
    assert.equal(namedMechanism(unhex(text.replace(" ", "")), { longLengths: true }), undefined, text);
  }
});
