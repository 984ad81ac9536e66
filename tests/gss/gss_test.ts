import assert from "node:assert/strict";
import { Asn1Error } from "../../asn1/codec.ts";
import { ByteReader, ByteWriter, concat } from "../../base/bytes.ts";
import { abortable, startDeadline } from "../../base/deadline.ts";
import { decodeInitialToken, encodeInitialToken, namedMechanism } from "../../gss/initial_token.ts";
import { hostbasedService } from "../../gss/names.ts";
import { randomBytes } from "../../base/runtime.ts";
import { GssError, MAJOR_STATUS } from "../../gss/status.ts";
import { unhex, vectors } from "../support/vectors.ts";

Deno.test("decodeInitialToken() takes the tokens of other suites apart, and encodeInitialToken() puts them together", () => {
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

Deno.test("decodeInitialToken() refuses every cut, every addition and lengths that are not DER", () => {
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

Deno.test("hostbasedService() refuses names that could be taken for another principal", () => {
  assert.equal(hostbasedService("rcmd", "A.Example.").text, "rcmd@a.example");
  for (const [service, host] of [["", "h"], ["a/b", "h"], ["a", "h@R"], ["a", ""], ["a", "h\n"], ["a b", "h"]]) {
    assert.throws(() => hostbasedService(service!, host!), TypeError);
  }
});

Deno.test("MAJOR_STATUS has the values of RFC 2744 section 3.9.1", () => {
  assert.equal(MAJOR_STATUS.BAD_MECH, 1 << 16);
  assert.equal(MAJOR_STATUS.BAD_SIG, 6 << 16);
  assert.equal(MAJOR_STATUS.FAILURE, 13 << 16);
  const error = new GssError("x", { major: "BAD_SIG", code: "BAD_SIG", token: new Uint8Array(99) });
  assert.equal(error.majorStatus, 6 << 16);
  assert.doesNotMatch(Deno.inspect(error, { depth: 9, showHidden: true }), /Uint8Array\(99\)/);
});

Deno.test("ByteReader never runs past the end", () => {
  const reader = new ByteReader(unhex("0001020304"));
  assert.equal(reader.u16(), 1);
  assert.throws(() => reader.u32(), RangeError);
  assert.throws(() => reader.take(4), RangeError);
  assert.throws(() => reader.end(), RangeError);
  assert.deepEqual(reader.rest(), unhex("020304"));
  reader.end();
  assert.deepEqual(
    new ByteWriter().u8(1).u16(2).u32(3).u64(4n).bytes(unhex("ff")).finish(),
    unhex("010002000000030000000000000004ff"),
  );
});

Deno.test("randomBytes() gives more than one call of the generator may", () => {
  const many = randomBytes(70_000);
  assert.equal(many.length, 70_000);
  assert.ok(many.subarray(65_536).some((byte) => byte !== 0));
  assert.ok(randomBytes(32).some((byte) => byte !== 0));
});

Deno.test("startDeadline() aborts in time with its reason, or with the signal's, and leaves no timer", async () => {
  const reason = new Error("time is up");
  using short = startDeadline({ milliseconds: 1, reason: () => reason });
  await assert.rejects(abortable(new Promise(() => {}), short.signal), (error) => error === reason);
  const given = new AbortController();
  using long = startDeadline({ milliseconds: 60_000, signal: given.signal, reason: () => reason });
  given.abort("stop");
  assert.equal(long.signal.reason, "stop");
  using late = startDeadline({ milliseconds: 60_000, signal: given.signal, reason: () => reason });
  assert.ok(late.signal.aborted);
  late.restart();
  // Nobody would stop a timer that is started behind the end.
  const over = startDeadline({ milliseconds: 60_000, reason: () => reason });
  over[Symbol.dispose]();
  over.restart();
  over.limit(60_000, () => reason);
  assert.equal(await abortable(Promise.resolve(1), undefined), 1);
});
