/** What becomes of a key's bytes. */
import assert from "node:assert/strict";
import { type Bytes, concat, EMPTY, sameBytes } from "../../../base/bytes.ts";
import { KerberosKey } from "../../../kerberos/crypto/key.ts";
import { systemPrimitives } from "../../../kerberos/crypto/primitives/system.ts";
import { andThen } from "../../../base/eventually.ts";
import type { CryptoPrimitives, Mac } from "../../../kerberos/crypto/primitives/seam.ts";

Deno.test("KerberosKey: copies its secret, and overwrites the copy on dispose", async () => {
  const given = new Uint8Array(16).fill(0xcd);
  const used: Bytes[] = [];
  const primitives: CryptoPrimitives = Object.create(systemPrimitives, {
    core: { value: undefined },
    hmac: {
      value: (...args: Parameters<CryptoPrimitives["hmac"]>) => {
        used.push(args[1]);
        return systemPrimitives.hmac(...args);
      },
    },
  });
  const key = new KerberosKey(19, given, primitives);
  await key.checksum(1, new Uint8Array(1));
  const secret = used.find((bytes) => bytes.length === 16 && bytes.every((byte) => byte === 0xcd));
  assert.ok(secret !== undefined && secret !== given);
  key[Symbol.dispose]();
  assert.ok(secret.every((byte) => byte === 0));
  assert.ok(given.every((byte) => byte === 0xcd), "the caller's bytes are the caller's");
  assert.throws(() => key.exportBytes(), TypeError);
  await assert.rejects(key.checksum(2, new Uint8Array(1)), TypeError);
});

Deno.test("decrypt(): refuses a ciphertext too short for a confounder, even with a genuine tag", async () => {
  for (const [enctype, macLength] of [[19, 16], [20, 24]] as const) {
    const macs: Mac[] = [];
    const primitives: CryptoPrimitives = Object.create(systemPrimitives, {
      core: { value: undefined },
      hmac: {
        value: (...args: Parameters<CryptoPrimitives["hmac"]>) =>
          andThen(systemPrimitives.hmac(...args), (mac) => {
            macs.push(mac);
            return mac;
          }),
      },
    });
    const key = new KerberosKey(enctype, new Uint8Array(enctype === 19 ? 16 : 32), primitives);
    const good = await key.encrypt(1, EMPTY);
    let genuine = 0;
    for (const mac of macs) {
      // The integrity key's is among them: it gives the tag of what the key has sealed itself.
      const tag = async (sealed: Bytes) => (await mac.sign(new Uint8Array(16), sealed)).subarray(0, macLength);
      if (sameBytes(await tag(good.subarray(0, -macLength)), good.subarray(-macLength))) genuine++;
      for (const length of [0, 1, 15]) {
        const sealed = good.slice(0, length);
        await assert.rejects(key.decrypt(1, concat(sealed, await tag(sealed))), { code: "INTEGRITY" }, `${length}`);
      }
    }
    assert.equal(genuine, 1);
    assert.deepEqual(await key.decrypt(1, good), EMPTY);
  }
});

Deno.test("fromPassword(): reads zero iterations as 2^32 (RFC 3962 section 4)", async () => {
  const options = { enctype: 17, salt: "x", s2kparams: new Uint8Array(4), minimumIterations: 0 };
  await assert.rejects(KerberosKey.fromPassword("secret", options), { code: "BAD_S2K_PARAMS", message: /4294967296/ });
});
