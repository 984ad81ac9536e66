/** The primitives under the enctypes, in both runtimes' ways, against the RFCs' own samples. */
import assert from "node:assert/strict";
import { crypto as std } from "@std/crypto/crypto";
import type { CryptoPrimitives, HashName } from "../../../kerberos/crypto/primitives/seam.ts";
import { systemPrimitives } from "../../../kerberos/crypto/primitives/system.ts";
import { webCrypto } from "../../../kerberos/crypto/primitives/web.ts";
import { hex, unhex, vectors } from "../../support/vectors.ts";

interface Sample {
  readonly algorithm: string;
  readonly key_hex: string;
  readonly data_hex: string;
  readonly expected_hex: string;
  readonly plaintext_hex: string;
  readonly ciphertext_hex: string;
  readonly password_hex: string;
  readonly salt_hex: string;
  readonly iterations: number;
}

const HASHES: Record<string, HashName> = { "hmac-sha1": "SHA-1", "hmac-sha256": "SHA-256", "hmac-sha384": "SHA-384" };
/** RFC 6070's largest sample takes seconds. */
const MANY = 100_000;

async function result(primitives: CryptoPrimitives, v: Sample): Promise<readonly [got: string, wanted: string]> {
  if (v.algorithm === "aes-ecb") {
    return [hex(await primitives.encryptBlocks(unhex(v.key_hex), unhex(v.plaintext_hex))), v.ciphertext_hex];
  }
  if (v.algorithm === "pbkdf2-hmac-sha1") {
    const [password, salt] = [unhex(v.password_hex), unhex(v.salt_hex)];
    const { iterations, expected_hex } = v;
    const length = expected_hex.length / 2;
    return [hex(await primitives.pbkdf2({ hash: "SHA-1", password, salt, iterations, length })), expected_hex];
  }
  if (v.algorithm === "md5") {
    return [hex(new Uint8Array(std.subtle.digestSync("MD5", unhex(v.data_hex)))), v.expected_hex];
  }
  const mac = await primitives.hmac(HASHES[v.algorithm]!, unhex(v.key_hex));
  return [hex(await mac.sign(unhex(v.data_hex))).slice(0, v.expected_hex.length), v.expected_hex];
}

for (const [name, primitives] of [["the system's", systemPrimitives], ["WebCrypto's", webCrypto]] as const) {
  Deno.test(`primitives, ${name}: give the published results`, async () => {
    const seen = new Map<string, number>();
    for (const v of vectors<Sample>("primitives")) {
      if (v.iterations > MANY) continue;
      const [got, wanted] = await result(primitives, v);
      assert.equal(got, wanted, v.id);
      seen.set(v.algorithm, (seen.get(v.algorithm) ?? 0) + 1);
    }
    assert.deepEqual([...seen.keys()].sort(), [
      "aes-ecb",
      "hmac-sha1",
      "hmac-sha256",
      "hmac-sha384",
      "md5",
      "pbkdf2-hmac-sha1",
    ]);
  });
}
