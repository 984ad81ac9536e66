/** Which core is used: the relaxed variant, the plain one, a module that was handed in, or none. */
import assert from "node:assert/strict";
import { KerberosKey, useCryptoModule } from "../../../../kerberos/mod.ts";
import { chooseCrypto, type CryptoChoice, currentCore } from "../../../../kerberos/crypto/core/choice.ts";

type Choice = typeof import("../../../../kerberos/crypto/core/choice.ts");
let copies = 0;

/** The choice as a new process has it, with `WebAssembly` as given; what was compiled is returned too. */
async function fresh(webAssembly: unknown, use: (choice: Choice) => void): Promise<Uint8Array[]> {
  const url = new URL(`../../../../kerberos/crypto/core/choice.ts?${++copies}`, import.meta.url);
  const choice = await import(url.href) as Choice;
  const real = Object.getOwnPropertyDescriptor(globalThis, "WebAssembly")!;
  Object.defineProperty(globalThis, "WebAssembly", { ...real, value: webAssembly });
  try {
    use(choice);
  } finally {
    Object.defineProperty(globalThis, "WebAssembly", real);
  }
  return tried.splice(0);
}

const tried: Uint8Array[] = [];
const { Instance, Module } = WebAssembly;
/** A `WebAssembly` that compiles what `accepts` says. */
function refusing(accepts: (bytes: Uint8Array) => boolean): unknown {
  return {
    Instance,
    Module: function (bytes: Uint8Array<ArrayBuffer>) {
      tried.push(bytes);
      if (!accepts(bytes)) throw new Error("code generation disallowed by embedder");
      return new Module(bytes);
    },
  };
}
const isRelaxed = (bytes: Uint8Array) =>
  bytes.some((_, i) => bytes[i] === 0xfd && bytes[i + 1] === 0x80 && bytes[i + 2] === 2);

Deno.test("core: is compiled at first use, once, the relaxed variant first", async () => {
  const compiled = await fresh(refusing(() => true), (choice) => {
    assert.equal(tried.length, 0, "nothing is compiled at import");
    assert.ok(choice.currentCore());
    assert.equal(choice.currentCore(), choice.currentCore());
  });
  assert.deepEqual(compiled.map(isRelaxed), [true]);
});

Deno.test("core: the plain variant serves where the relaxed one is refused", async () => {
  const compiled = await fresh(refusing((bytes) => !isRelaxed(bytes)), (choice) => assert.ok(choice.currentCore()));
  assert.deepEqual(compiled.map(isRelaxed), [true, false]);
});

Deno.test("core: none where WebAssembly is missing or compiles nothing, asked once", async () => {
  const compiled = await fresh(refusing(() => false), (choice) => {
    assert.equal(choice.currentCore(), undefined);
    assert.equal(choice.currentCore(), undefined);
  });
  assert.equal(compiled.length, 2);
  await fresh(undefined, (choice) => assert.equal(choice.currentCore(), undefined));
});

Deno.test("useCryptoModule(): serves where nothing is compiled, and takes no other module", async () => {
  const bytes = Deno.readFileSync(new URL("../../../../kerberos/crypto/core/core.wasm", import.meta.url));
  const module = new Module(bytes);
  await fresh(refusing(() => false), (choice) => {
    assert.equal(choice.currentCore(), undefined);
    choice.useCryptoModule(module);
    assert.ok(choice.currentCore());
  });
  const empty = new Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
  assert.throws(() => useCryptoModule(empty), TypeError);
  assert.ok(currentCore(), "the one before stays");
});

Deno.test("chooseCrypto(): WebCrypto does all of it, with the same results, until the fastest is chosen again", async () => {
  using key = KerberosKey.generate(18);
  const message = new Uint8Array(100).fill(5);
  const before = await key.encrypt(3, message);
  chooseCrypto("webcrypto");
  try {
    assert.equal(currentCore(), undefined);
    using same = new KerberosKey(18, key.exportBytes());
    const pending = same.decryptEventually(3, before);
    assert.ok(pending instanceof Promise, "only WebCrypto answers later");
    assert.deepEqual(await pending, message);
    assert.deepEqual(await key.decrypt(3, before), message);
    assert.deepEqual(await key.decrypt(3, await same.encrypt(3, message)), message);
  } finally {
    chooseCrypto("fastest");
  }
  assert.ok(!(key.decryptEventually(3, before) instanceof Promise));
  for (const wrong of ["wasm", undefined, ""]) {
    assert.throws(() => chooseCrypto(wrong as unknown as CryptoChoice), TypeError);
  }
});
