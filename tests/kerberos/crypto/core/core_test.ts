/** The core gives what WebCrypto gives, refuses what is not genuine, and leaves nothing in its memory. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Bytes } from "../../../../base/bytes.ts";
import { randomBytes, type Runtime, systemRuntime } from "../../../../base/runtime.ts";
import type { Core } from "../../../../kerberos/crypto/core/core.ts";
import { profileOf } from "../../../../kerberos/crypto/enctypes.ts";
import { webCrypto } from "../../../../kerberos/crypto/primitives/web.ts";
import { UsageKey } from "../../../../kerberos/crypto/usage_key.ts";
import { coreVariants } from "../../../support/core_variants.ts";

const ENCTYPES = [17, 18, 19, 20];
const VARIANTS = coreVariants();
const CONFOUNDER = randomBytes(16);
const FIXED: Runtime = { now: () => 0, fillRandom: (target) => target.set(CONFOUNDER) };

function usageKey(enctype: number, secret: Bytes, usage: number): UsageKey {
  return new UsageKey({ profile: profileOf(enctype), primitives: webCrypto, secret, usage });
}

function seal(core: Core, key: UsageKey, message: Bytes, runtime: Runtime = FIXED): Bytes {
  const out = new Uint8Array(16 + message.length + key.tagLength);
  core.seal(key, [message.subarray(0, message.length >> 1), message.subarray(message.length >> 1)], message.length, {
    out,
    at: 0,
    runtime,
  });
  return out;
}

function sign(core: Core, key: UsageKey, message: Bytes): Bytes {
  const out = new Uint8Array(key.tagLength);
  core.sign(key, [message], message.length, { out, at: 0 });
  return out;
}

/** Both variants and WebCrypto agree on a message, each way. The key is new to the core at first, and kept later. */
async function agree(enctype: number, secret: Bytes, usage: number, message: Bytes): Promise<void> {
  const web = usageKey(enctype, secret, usage);
  const [sealed, sum] = await Promise.all([web.seal([message], { runtime: FIXED }), web.checksum([message])]);
  for (const { name, core, secrets } of VARIANTS) {
    const key = usageKey(enctype, secret, usage);
    for (let times = 1; times <= 3; times++) {
      const what = `${name}, enctype ${enctype}, ${message.length} bytes, time ${times}`;
      assert.deepEqual(seal(core, key, message), sealed, what);
      assert.deepEqual(core.open(key, sealed), message, what);
      assert.deepEqual(sign(core, key, message), sum, what);
      assert.ok(core.verify(key, [message], message.length, sum), what);
      assert.ok(secrets.every((byte) => byte === 0), `${what}: memory is wiped`);
    }
  }
}

for (const enctype of ENCTYPES) {
  const { keyLength } = profileOf(enctype);
  Deno.test(`core: agrees with WebCrypto at every length to 300 and around blocks (${enctype})`, async () => {
    const secret = randomBytes(keyLength);
    const long = [1008, 1024, 4080, 4096, 16_383, 65_472, 66_000];
    const lengths = [...Array.from({ length: 301 }, (_, i) => i), ...long.flatMap((n) => [n - 1, n, n + 1])];
    for (const length of lengths) await agree(enctype, secret, 24, randomBytes(length));
  });

  Deno.test(`core: agrees with WebCrypto on any key, usage and message (${enctype})`, async () => {
    const bytes = (minLength: number, maxLength = minLength) =>
      fc.uint8Array({ minLength, maxLength }).map((array) => new Uint8Array(array));
    const message = fc.oneof(bytes(0, 700), fc.integer({ min: 0, max: 66_000 }).map((length) => randomBytes(length)));
    await fc.assert(
      fc.asyncProperty(
        bytes(keyLength),
        fc.nat(0xffff),
        message,
        (secret, usage, text) => agree(enctype, secret, usage, text),
      ),
      { numRuns: 40 },
    );
  });

  Deno.test(`core: refuses every flipped bit of a ciphertext and of a checksum (${enctype})`, () => {
    for (const { core, secrets } of VARIANTS) {
      const key = usageKey(enctype, randomBytes(keyLength), 22);
      for (const length of [0, 1, 16, 37]) {
        const message = randomBytes(length);
        const sealed = seal(core, key, message, systemRuntime);
        const sum = sign(core, key, message);
        for (let bit = 0; bit < 8 * sealed.length; bit++) {
          const flipped = sealed.slice();
          flipped[bit >> 3]! ^= 1 << (bit & 7);
          assert.equal(core.open(key, flipped), undefined, `${length} bytes, bit ${bit}`);
          assert.ok(secrets.every((byte) => byte === 0));
        }
        for (let bit = 0; bit < 8 * sum.length; bit++) {
          const flipped = sum.slice();
          flipped[bit >> 3]! ^= 1 << (bit & 7);
          assert.ok(!core.verify(key, [message], length, flipped), `${length} bytes, bit ${bit}`);
        }
      }
    }
  });
}

Deno.test("core: wipes its memory after a call that fails", () => {
  for (const { core, secrets } of VARIANTS) {
    const key = usageKey(18, randomBytes(32), 24);
    const message = randomBytes(200);
    const to = { out: new Uint8Array(100), at: 0, runtime: systemRuntime };
    assert.throws(() => core.seal(key, [message], message.length, to), RangeError);
    assert.ok(secrets.every((byte) => byte === 0));
    assert.ok(to.out.every((byte) => byte === 0), "nothing of it is handed out");
  }
});

Deno.test("core: the memory that is looked at is where secrets are", () => {
  const [{ core, exports, secrets }] = coreVariants() as [ReturnType<typeof coreVariants>[number]];
  const key = usageKey(18, randomBytes(32), 24);
  const message = randomBytes(64);
  let seen = 0;
  const real = exports.sign;
  const watched = new (core.constructor as new (exports: object) => Core)({
    ...exports,
    sign: (...args: Parameters<typeof real>) => {
      real(...args);
      seen = secrets.filter((byte) => byte !== 0).length;
    },
  });
  sign(watched, key, message);
  assert.ok(seen > 300, `${seen} bytes`);
  assert.ok(secrets.every((byte) => byte === 0));
});
