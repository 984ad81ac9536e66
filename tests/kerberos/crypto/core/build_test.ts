/** The shipped core is what its source builds. */
import assert from "node:assert/strict";
import { plainVariant } from "../../../../kerberos/crypto/core/choice.ts";
import { LONGEST } from "../../../../kerberos/crypto/core/layout.ts";
import { buildCore, moduleFile } from "../../../../kerberos/crypto/core/source/build.ts";
import { coreText } from "../../../../kerberos/crypto/core/source/core.ts";
import { profileOf } from "../../../../kerberos/crypto/enctypes.ts";

const CORE = new URL("../../../../kerberos/crypto/core/", import.meta.url);

Deno.test("core: module.ts and core.wasm are byte for byte what `deno task core` builds", async () => {
  const built = await buildCore();
  assert.deepEqual(built, Deno.readFileSync(new URL("core.wasm", CORE)));
  assert.ok(moduleFile(built) === Deno.readTextFileSync(new URL("module.ts", CORE)));
});

Deno.test("core: the relaxed instruction's bytes stand for nothing else, and the plain variant has none", async () => {
  const bytes = await buildCore();
  const count = (module: Uint8Array, ...wanted: number[]) =>
    module.filter((_, i) => wanted.every((byte, n) => module[i + n] === byte)).length;
  const instructions = coreText().split("i8x16.relaxed_swizzle").length - 1;
  assert.ok(instructions > 100);
  assert.equal(count(bytes, 0xfd, 0x80, 0x02), instructions);
  const plain = plainVariant(bytes);
  assert.equal(count(plain, 0xfd, 0x80, 0x02), 0);
  assert.equal(count(plain, 0xfd, 0x8e, 0x00) - count(bytes, 0xfd, 0x8e, 0x00), instructions);
  assert.ok(WebAssembly.validate(plain));
});

Deno.test("core: is small, and every message that goes to it has room", async () => {
  const zipped = new Blob([await buildCore()]).stream().pipeThrough(new CompressionStream("gzip"));
  assert.ok((await new Response(zipped).arrayBuffer()).byteLength < 10_000);
  for (const enctype of [17, 18, 19, 20]) {
    const { core } = profileOf(enctype);
    assert.ok(Math.max(core.seal, core.open, core.sign) + 16 + 16 + 24 <= LONGEST);
  }
});
