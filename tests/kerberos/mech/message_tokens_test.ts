/** Per-message tokens that are genuine and wrong in one field of their header (RFC 4121 section 4.2). */
import assert from "node:assert/strict";
import { type Bytes, concat, EMPTY, utf8 } from "../../../base/bytes.ts";
import { GssError } from "../../../gss/status.ts";
import { KeyUsage } from "../../../kerberos/registry/key_usages.ts";
import { KerberosKey } from "../../../kerberos/crypto/key.ts";
import { KerberosContext } from "../../../kerberos/mech/context.ts";
import { ALL_FLAGS } from "../../support/flags.ts";
import { micToken, type TokenShape, type WrapShape, wrapToken } from "../../support/forge_tokens.ts";

const NAME = { type: "mechanism-name", text: "x@Y" } as const;

/** The receiving end of a context whose keys the forge has; the acceptor's unless said otherwise. */
function receiver(key: KerberosKey, { initiator = false, acceptorSubkey = true } = {}): KerberosContext {
  return new KerberosContext({
    initiator,
    peer: NAME,
    self: NAME,
    flags: ALL_FLAGS,
    channelBound: false,
    expiresAt: 0,
    attributes: {},
    key: new KerberosKey(key.enctype, key.exportBytes()),
    acceptorSubkey,
    sendSequence: 1,
    receiveSequence: 1000,
  });
}

const refused = (error: unknown) =>
  error instanceof GssError && (error.major === "BAD_SIG" || error.major === "DEFECTIVE_TOKEN");

function poke(at: number, value: number): (bytes: Bytes) => Bytes {
  return (bytes) => {
    const out = bytes.slice();
    out[at]! ^= value;
    return out;
  };
}

type Shape<T> = Partial<Omit<T, "key">>;
const { GssAcceptorSeal, GssAcceptorSign, GssInitiatorSeal, GssInitiatorSign } = KeyUsage;

/** What is wrong with both kinds of Wrap token. */
const WRONG_WRAP: [string, (sealed: boolean) => Shape<WrapShape>][] = [
  ["it says that the acceptor sent it", (sealed) => ({ flags: sealed ? 7 : 5 })],
  ["the acceptor sent it", () => ({ byAcceptor: true })],
  ["it says that no subkey of the acceptor protects it", (sealed) => ({ flags: sealed ? 2 : 0 })],
  ["it is protected with the acceptor's use of the key", () => ({ usage: GssAcceptorSeal })],
  ["it is protected with the use for signatures", () => ({ usage: GssInitiatorSign })],
  ["it says that it is a MIC token", () => ({ id: 0x0404 })],
  ["it says that it is of another kind", () => ({ id: 0x0505 })],
  ["its filler is not 0xff", () => ({ filler: [0] })],
  ["the other kind of protection is claimed", (sealed) => ({ flags: sealed ? 4 : 6 })],
  // The header protected is not the one in front (CVE-2024-37370).
  ["another kind inside", () => ({ rewriteInner: poke(1, 1) })],
  ["other flags inside", () => ({ rewriteInner: poke(2, 8) })],
  ["another filler inside", () => ({ rewriteInner: poke(3, 1) })],
  ["another extra count inside", () => ({ rewriteInner: poke(5, 3) })],
  ["a rotation inside", () => ({ rewriteInner: poke(7, 3), rrc: 3 })],
  ["another number inside", () => ({ rewriteInner: poke(15, 1) })],
  ["a body that is not rotated as it says", () => ({ rrc: 5, rotated: 4 })],
];

const WRONG_SEALED: [string, Shape<WrapShape>][] = [
  ["an extra count in front that cuts the message", { ec: 3, rewriteInner: poke(5, 3) }],
  ["an extra count that takes in the message and more (CVE-2024-37371)", { ec: 6 }],
  ["the greatest extra count", { ec: 65_535 }],
  ["less inside than a header (CVE-2024-37371)", { rewriteInner: () => EMPTY }],
  ["nothing inside", { data: EMPTY, rewriteInner: () => EMPTY }],
];

const WRONG_SIGNED: [string, Shape<WrapShape>][] = [
  ["no extra count", { ec: 0 }],
  ["an extra count of less than a checksum", { ec: 4 }],
  ["an extra count of more than the token", { ec: 65_535 }],
  ["an extra count that takes in the message", { ec: 17 }],
  ["a signature over the header with its extra count", { rewriteInner: poke(5, 12) }],
];

const WRONG_MIC: [string, Shape<TokenShape>][] = [
  ["it says that the acceptor sent it", { flags: 5 }],
  ["the acceptor sent it", { byAcceptor: true }],
  ["it says that no subkey of the acceptor protects it", { flags: 0 }],
  ["it is marked as sealed", { flags: 6 }],
  ["it is protected with the acceptor's use of the key", { usage: GssAcceptorSign }],
  ["it is protected with the use for sealing", { usage: GssInitiatorSeal }],
  ["it says that it is a Wrap token", { id: 0x0504 }],
  ...[0, 1, 2, 3, 4].map((at): [string, Shape<TokenShape>] => [
    `filler byte ${at} is not 0xff`,
    { filler: [255, 255, 255, 255, 255].with(at, 254) },
  ]),
];

for (const enctype of [17, 18, 19, 20]) {
  Deno.test(`KerberosContext: refuses genuine tokens with a wrong header (enctype ${enctype})`, async () => {
    const key = KerberosKey.generate(enctype);
    const wraps: [string, Shape<WrapShape>][] = [true, false].flatMap((sealed) =>
      WRONG_WRAP.map(([what, shape]): [string, Shape<WrapShape>] => [what, { sealed, ...shape(sealed) }])
    );
    wraps.push(
      ...WRONG_SEALED,
      ...WRONG_SIGNED.map(([what, shape]): [string, Shape<WrapShape>] => [what, { sealed: false, ...shape }]),
      // What is left of the message is counted from its other end then.
      ["an extra count of token and checksum", { sealed: false, ec: 5 + 2 * key.checksumLength }],
    );
    using context = receiver(key);
    for (const [what, shape] of wraps) {
      const got = await context.unwrap(await wrapToken({ key, ...shape })).catch((error) => error);
      assert.ok(refused(got), `${what}, ${shape.sealed === false ? "signed" : "sealed"}: ${Deno.inspect(got)}`);
    }
    for (const [what, shape] of WRONG_MIC) {
      const got = await context.verifyMic(utf8("hello"), await micToken({ key, ...shape })).catch((error) => error);
      assert.ok(refused(got), `${what}: ${got}`);
    }
    // None of them counted.
    assert.equal((await context.unwrap(await wrapToken({ key }))).status, "complete");
  });

  Deno.test(`KerberosContext: takes genuine tokens of every permitted form (enctype ${enctype})`, async () => {
    const key = KerberosKey.generate(enctype);
    const good: [string, Shape<WrapShape>][] = [
      ["as it comes", {}],
      ["filler bytes", { padding: new Uint8Array(13) }],
      ["filler bytes and a rotation", { padding: new Uint8Array(3), rrc: 28 }],
      ["a rotation by more than its length", { rrc: 65_535 }],
      ["no message", { data: EMPTY }],
      // Section 4.2.2: "The receiver MUST ignore unknown flags."
      ["flags that are not known", { flags: 0xfe }],
      ["signed", { sealed: false }],
      ["signed, with a rotation", { sealed: false, rrc: 12 }],
      ["signed, no message", { sealed: false, data: EMPTY }],
      ["signed, with flags that are not known", { sealed: false, flags: 0xfc }],
      ["signed, with one flag that is not known", { sealed: false, flags: 0x0c, rrc: 7 }],
    ];
    for (const [what, shape] of good) {
      using context = receiver(key);
      const opened = await context.unwrap(await wrapToken({ key, ...shape }));
      assert.deepEqual(opened, {
        data: shape.data ?? utf8("hello"),
        confidential: shape.sealed !== false,
        status: "complete",
      }, what);
    }
    for (const flags of [4, 0x0c, 0xfc]) {
      using context = receiver(key);
      assert.equal(await context.verifyMic(utf8("hello"), await micToken({ key, flags })), "complete");
    }
    // The initiator's side, and no subkey of the acceptor's.
    using initiator = receiver(key, { initiator: true, acceptorSubkey: false });
    assert.equal((await initiator.unwrap(await wrapToken({ key, byAcceptor: true, flags: 3 }))).status, "complete");
    await assert.rejects(initiator.unwrap(await wrapToken({ key, byAcceptor: true, sequence: 1001 })), refused);
    await assert.rejects(initiator.unwrap(await wrapToken({ key, flags: 2, sequence: 1001 })), refused);
  });
}

Deno.test("KerberosContext: refuses a genuine token with added or missing bytes", async () => {
  const key = KerberosKey.generate(18);
  const [sealed, signed, mic] = [
    await wrapToken({ key }),
    await wrapToken({ key, sealed: false }),
    await micToken({ key }),
  ];
  using context = receiver(key);
  for (const token of [sealed, signed]) {
    await assert.rejects(context.unwrap(concat(token, Uint8Array.of(0))), refused);
    for (let i = 0; i < token.length; i++) await assert.rejects(context.unwrap(token.subarray(0, i)), refused);
  }
  await assert.rejects(context.verifyMic(utf8("hello"), concat(mic, Uint8Array.of(0))), refused);
  for (let i = 0; i < mic.length; i++) {
    await assert.rejects(context.verifyMic(utf8("hello"), mic.subarray(0, i)), refused);
  }
});

Deno.test("KerberosContext: counts to 64 bits and wraps around (RFC 4121 section 4.2.1)", async () => {
  const key = KerberosKey.generate(18);
  using context = receiver(key);
  const status = async (sequence: number | bigint) => (await context.unwrap(await wrapToken({ key, sequence }))).status;
  assert.equal(await status(1000), "complete");
  assert.equal(await status(1000), "duplicate");
  assert.equal(await status(1001), "complete");
  assert.equal(await status(999), "gap", "the last one that there is");
  // After the last number there is none that could not be a replay.
  for (const number of [1000, 1001, 1002, 2n ** 64n - 1n]) assert.equal(await status(number), "unsequenced");
});
