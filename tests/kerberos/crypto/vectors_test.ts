/** RFC 3961, 3962 and 8009 vectors, and the ones of other implementations. */
import assert from "node:assert/strict";
import { utf8 } from "../../../base/bytes.ts";
import { ctsDecrypt, ctsEncrypt, paddedLength } from "../../../kerberos/crypto/aes_cts.ts";
import { KerberosKey } from "../../../kerberos/crypto/key.ts";
import { systemPrimitives } from "../../../kerberos/crypto/primitives/system.ts";
import { nodePrimitives } from "../../../kerberos/crypto/primitives/node.ts";
import type { CbcCipher, Mac } from "../../../kerberos/crypto/primitives/seam.ts";
import { webCrypto } from "../../../kerberos/crypto/primitives/web.ts";
import { profileOf } from "../../../kerberos/crypto/enctypes.ts";
import { deriveRandom, nfold } from "../../../kerberos/crypto/simplified.ts";
import { KerberosError } from "../../../kerberos/errors.ts";
import { hex, unhex, vectors } from "../../support/vectors.ts";

/** The core, `node:crypto` without it, and WebCrypto. */
const WAYS = [systemPrimitives, nodePrimitives(webCrypto)!, webCrypto];

Deno.test("nfold(): gives the vectors of RFC 3961 A.1", () => {
  for (const v of vectors<{ input_hex: string; output_bytes: number; expected_hex: string }>("nfold")) {
    assert.equal(hex(nfold(unhex(v.input_hex), v.output_bytes)), v.expected_hex, v.id);
  }
});

Deno.test("ctsEncrypt(), ctsDecrypt(): give the vectors of RFC 3962 B", async () => {
  for (const v of vectors<{ key_hex: string; plaintext_hex: string; ciphertext_hex: string }>("aes_cts")) {
    const cipher = await webCrypto.cbc(unhex(v.key_hex));
    assert.equal(hex(await cts(cipher, unhex(v.plaintext_hex))), v.ciphertext_hex, v.id);
    assert.equal(hex(await ctsDecrypt(cipher, unhex(v.ciphertext_hex))), v.plaintext_hex, v.id);
  }
});

async function cts(cipher: CbcCipher, plain: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const padded = new Uint8Array(paddedLength(plain.length));
  padded.set(plain);
  return await ctsEncrypt(cipher, padded, new Uint8Array(plain.length));
}

/** Both ways to the same result, at lengths on both sides of where one hands over to the other. */
Deno.test("nodePrimitives(), webCrypto: agree on every primitive at every length", async () => {
  const node = nodePrimitives(webCrypto);
  assert.ok(node, "this runtime has node:crypto");
  const bytes = (length: number, seed: number) => new Uint8Array(length).map((_, i) => i * seed + (i >> 8));
  for (const keyLength of [16, 32]) {
    const theirs: CbcCipher = await webCrypto.cbc(bytes(keyLength, 3));
    const iv = bytes(16, 7);
    const ours: CbcCipher = await node.cbc(bytes(keyLength, 3));
    for (const length of [16, 32, 48, 1024, 4096, 4112, 65_536, 16, 128, 144, 32]) {
      // One byte into its buffer, so that nothing lies on a word's boundary.
      const data = bytes(length + 1, 5).subarray(1);
      const before = hex(data);
      const sealed = await theirs.encrypt(data);
      assert.equal(hex(await ours.encrypt(data)), hex(sealed));
      assert.equal(hex(data), before);
      assert.equal(hex(await ours.decrypt(sealed)), before);
      assert.equal(hex(await ours.decrypt(data, iv)), hex(await theirs.decrypt(data, iv)));
    }
    const blocks = bytes(64, 13);
    const key = bytes(keyLength, 3);
    assert.equal(hex(await node.encryptBlocks(key, blocks)), hex(await webCrypto.encryptBlocks(key, blocks)));
  }
  for (const hash of ["SHA-1", "SHA-256", "SHA-384"] as const) {
    for (const keyLength of [16, 24, 32]) {
      const ours: Mac = await node.hmac(hash, bytes(keyLength, 9));
      const theirs: Mac = await webCrypto.hmac(hash, bytes(keyLength, 9));
      for (const length of [0, 1, 63, 64, 65, 8192, 8193, 70_000]) {
        const data = bytes(length, 11);
        const wanted = hex(await theirs.sign(data));
        assert.equal(hex(await ours.sign(data)), wanted);
        assert.equal(hex(await ours.sign(data.subarray(0, length >> 1), data.subarray(length >> 1))), wanted);
      }
    }
    assert.equal(hex(await node.digest(hash, bytes(100, 1))), hex(await webCrypto.digest(hash, bytes(100, 1))));
  }
});

Deno.test("ctsDecrypt(): undoes ctsEncrypt() at every length from 16 to 100", async () => {
  for (const primitives of [webCrypto, nodePrimitives(webCrypto)!]) {
    const cipher = await primitives.cbc(unhex("000102030405060708090a0b0c0d0e0f"));
    for (let length = 16; length <= 100; length++) {
      const plain = Uint8Array.from({ length }, (_, i) => i);
      const sealed = await cts(cipher, plain);
      assert.equal(sealed.length, length);
      assert.deepEqual(await ctsDecrypt(cipher, sealed), plain);
    }
  }
});

Deno.test("ctsEncrypt(): gives up what the cipher returned once it is copied", async () => {
  let returned: Uint8Array<ArrayBuffer> | undefined;
  const cipher: CbcCipher = { encrypt: (data) => returned = data.slice(), decrypt: (data) => data };
  await ctsEncrypt(cipher, new Uint8Array(48), new Uint8Array(40));
  assert.ok(returned!.buffer.detached);
});

Deno.test("deriveRandom(), SHA-2 derivation: give the published keys", async () => {
  type Case = { enctype: number; function: string; key_hex: string; constant_hex: string; expected_hex: string };
  let seen = 0;
  for (const v of vectors<Case>("key_derivation")) {
    const key = unhex(v.key_hex);
    if (v.function === "KDF-HMAC-SHA2") {
      const hash = v.enctype === 19 ? "SHA-256" : "SHA-384";
      const length = v.expected_hex.length / 2;
      const mac = await webCrypto.hmac(hash, key);
      const message = new Uint8Array([
        0,
        0,
        0,
        1,
        ...unhex(v.constant_hex),
        0,
        0,
        0,
        (8 * length) >> 8,
        (8 * length) & 255,
      ]);
      assert.equal(hex((await mac.sign(message)).subarray(0, length)), v.expected_hex, v.id);
    } else {
      for (const primitives of [webCrypto, nodePrimitives(webCrypto)!]) {
        const constants = [utf8("another"), unhex(v.constant_hex)];
        const [, derived] = await deriveRandom(primitives, key, constants, v.expected_hex.length / 2);
        assert.equal(hex(derived!), v.expected_hex, v.id);
      }
    }
    seen++;
  }
  assert.equal(seen, 8);
});

Deno.test("fromPassword(): gives the vectors of RFC 3962 B, RFC 8009 A and MIT's kadmin", async () => {
  type Case = {
    enctype: number;
    password_hex?: string;
    password_text?: string;
    salt_hex?: string;
    salt_text?: string;
    s2kparams_hex: string;
    expected_key_hex: string;
  };
  for (const name of ["string_to_key", "captured_string_to_key"]) {
    for (const v of vectors<Case>(name)) {
      using key = await KerberosKey.fromPassword(
        v.password_hex === undefined ? v.password_text! : new TextDecoder().decode(unhex(v.password_hex)),
        {
          enctype: v.enctype,
          salt: v.salt_hex === undefined ? utf8(v.salt_text!) : unhex(v.salt_hex),
          s2kparams: unhex(v.s2kparams_hex),
          minimumIterations: 1,
        },
      );
      assert.equal(hex(key.exportBytes()), v.expected_key_hex, v.id);
    }
  }
});

Deno.test("fromPassword(): refuses iteration counts outside the limits", async () => {
  type Case = { enctype: number; salt_hex: string; s2kparams_hex: string };
  const cases = [
    ...vectors<Case>("string_to_key_errors"),
    { enctype: 18, salt_hex: "", s2kparams_hex: "00000000" },
    { enctype: 20, salt_hex: "", s2kparams_hex: "00100001" },
    { enctype: 17, salt_hex: "", s2kparams_hex: "001000" },
  ];
  for (const v of cases) {
    await assert.rejects(
      KerberosKey.fromPassword("x", { enctype: v.enctype, salt: unhex(v.salt_hex), s2kparams: unhex(v.s2kparams_hex) }),
      (error) => error instanceof KerberosError && error.code === "BAD_S2K_PARAMS",
    );
  }
});

Deno.test("prf(): gives the published outputs", async () => {
  for (const v of vectors<{ enctype: number; key_hex: string; input_hex: string; expected_hex: string }>("prf")) {
    for (const primitives of WAYS) {
      using key = new KerberosKey(v.enctype, unhex(v.key_hex), primitives);
      assert.equal(hex(await key.prf(unhex(v.input_hex))), v.expected_hex, v.id);
    }
  }
});

Deno.test("encrypt(), decrypt(): give the published ciphertexts", async () => {
  type Case = {
    enctype: number;
    key_usage: number;
    key_hex: string;
    confounder_hex: string;
    plaintext_hex: string;
    ciphertext_hex: string;
  };
  for (const primitives of WAYS) {
    for (const v of vectors<Case>("encrypt")) {
      using key = new KerberosKey(v.enctype, unhex(v.key_hex), primitives);
      const runtime = { now: () => 0, fillRandom: (target: Uint8Array) => target.set(unhex(v.confounder_hex)) };
      assert.equal(hex(await key.encrypt(v.key_usage, unhex(v.plaintext_hex), runtime)), v.ciphertext_hex, v.id);
      assert.equal(hex(await key.decrypt(v.key_usage, unhex(v.ciphertext_hex))), v.plaintext_hex, v.id);
    }
  }
});

Deno.test("checksum(): gives the published checksums", async () => {
  type Case = {
    enctype: number;
    cksumtype: number;
    key_usage: number;
    key_hex: string;
    data_hex: string;
    expected_hex: string;
  };
  for (const v of vectors<Case>("checksum")) {
    for (const primitives of WAYS) {
      using key = new KerberosKey(v.enctype, unhex(v.key_hex), primitives);
      assert.equal(key.checksumType, v.cksumtype);
      assert.equal(hex(await key.checksum(v.key_usage, unhex(v.data_hex))), v.expected_hex, v.id);
      assert.ok(await key.verifyChecksum(v.key_usage, unhex(v.data_hex), unhex(v.expected_hex)));
    }
  }
});

for (const enctype of [17, 18, 19, 20]) {
  Deno.test(`decrypt(), verifyChecksum(): refuse every changed or missing byte (${profileOf(enctype).name})`, async () => {
    for (const primitives of WAYS) {
      using key = new KerberosKey(enctype, KerberosKey.generate(enctype).exportBytes(), primitives);
      const text = utf8("thirty-three bytes of plain text");
      const sealed = await key.encrypt(3, text);
      const sum = await key.checksum(3, text);
      assert.ok(await key.verifyChecksum(3, text, sum));
      const refused = (error: unknown) => error instanceof KerberosError && error.code === "INTEGRITY";
      for (let i = 0; i < sealed.length; i++) {
        const changed = sealed.slice();
        changed[i]! ^= 0x01;
        await assert.rejects(key.decrypt(3, changed), refused);
        await assert.rejects(key.decrypt(3, sealed.subarray(0, i)), refused);
        if (i >= sum.length) continue;
        assert.ok(!await key.verifyChecksum(3, text, sum.map((byte, at) => at === i ? byte ^ 0x80 : byte)));
        assert.ok(!await key.verifyChecksum(3, text, sum.subarray(0, i)));
      }
      await assert.rejects(key.decrypt(4, sealed), refused);
    }
  });
}

Deno.test("KerberosKey: hides its secret from Deno.inspect and wipes it on dispose", () => {
  const key = new KerberosKey(17, new Uint8Array(16).fill(0xab));
  assert.doesNotMatch(Deno.inspect(key, { depth: 9, showHidden: true }), /171|ab/);
  key[Symbol.dispose]();
  assert.throws(() => key.exportBytes(), TypeError);
});
