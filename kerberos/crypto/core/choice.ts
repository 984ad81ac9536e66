/**
 * Which core is used, if any: compiled from the bytes in `module.ts` when it is first wanted, or from a module that was handed in.
 *
 * @module
 */
import { Core, type CoreExports } from "./core.ts";
import { MODULE } from "./module.ts";

/** What computes the cryptography of keys. */
export type CryptoChoice = "fastest" | "webcrypto";

let choice: CryptoChoice = "fastest";
/** Undefined before it is first wanted, null where there is none. */
let core: Core | null | undefined;

/**
 * Chooses what computes the cryptography of all keys and contexts in this process (and this worker): encryption, checksums and the
 * derivation of keys, of tickets as of messages. The results are the same. Choose before keys are used: one that has begun with long
 * messages goes on with them as before.
 *
 * - `"fastest"`, the default: messages up to a few KiB in this package's own WebAssembly core, which answers in a microsecond where a
 *   call of WebCrypto takes ten and more; longer ones with `node:crypto` and WebCrypto. The core takes the same time for all keys and
 *   messages of one length, and wipes its memory after each message; it is compiled at the first use of a key. Where WebAssembly, its
 *   SIMD instructions or its compilation are missing, `node:crypto` and WebCrypto do all of it.
 * - `"webcrypto"`: only the runtime's WebCrypto, for those who want cryptography by an implementation that was evaluated for them, or
 *   allow no WebAssembly. Short messages then take many times as long.
 *
 * @throws {TypeError} When the choice is neither.
 * @example
 * ```ts
 * import { chooseCrypto, KerberosKey } from "@gssocks/gssocks/kerberos";
 *
 * chooseCrypto("webcrypto");
 * using key = KerberosKey.generate(18);
 * const sealed = await key.encrypt(1, new Uint8Array(5));
 * chooseCrypto("fastest");
 * if ((await key.decrypt(1, sealed)).length !== 5) throw new Error("another length");
 * ```
 */
export function chooseCrypto(wanted: CryptoChoice): void {
  if (wanted !== "fastest" && wanted !== "webcrypto") {
    throw new TypeError(`Cannot choose cryptography: ${JSON.stringify(wanted)} is neither "fastest" nor "webcrypto"`);
  }
  choice = wanted;
}

/** What was chosen. */
export function chosenCrypto(): CryptoChoice {
  return choice;
}

/**
 * Takes the WebAssembly core as a compiled module, for runtimes that import modules but compile none, such as workerd. Its file is
 * `kerberos/crypto/core/core.wasm` in this package. Without it such a runtime uses WebCrypto. See {@linkcode chooseCrypto}.
 *
 * @param module The module, as `import module from ".../core.wasm"` gives it there.
 * @throws {WebAssembly.LinkError} When it is another module: it must import nothing.
 * @throws {TypeError} When it is another module: it exports something else.
 * @example
 * ```ts
 * import { useCryptoModule } from "@gssocks/gssocks/kerberos";
 *
 * // In workerd: import module from "@gssocks/gssocks/kerberos/crypto/core/core.wasm";
 * const module = new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
 * try {
 *   useCryptoModule(module);
 *   throw new Error("taken");
 * } catch (error) {
 *   if (!(error instanceof TypeError)) throw error; // An empty module is not the core.
 * }
 * ```
 */
export function useCryptoModule(module: WebAssembly.Module): void {
  core = new Core(instantiate(module));
}

/** The core, if one is chosen and there is one. */
export function currentCore(): Core | undefined {
  if (choice === "webcrypto") return undefined;
  if (core === undefined) core = compile() ?? null;
  return core ?? undefined;
}

/**
 * With the relaxed SIMD instruction, else with the plain one, which takes a third more time: it is the same module, as each relaxed
 * instruction is as long as the plain one with its number in one byte more than needed.
 */
function compile(): Core | undefined {
  const bytes = decodeBase64(MODULE);
  for (const variant of [() => bytes, () => plainVariant(bytes)]) {
    try {
      return new Core(instantiate(new WebAssembly.Module(variant())));
    } catch {
      // No WebAssembly, no SIMD, or a runtime or a policy that compiles nothing.
    }
  }
  return undefined;
}

/** `i8x16.relaxed_swizzle` and `i8x16.swizzle`, 0x100 and 0x0e behind the prefix, in two bytes. */
const RELAXED = [0xfd, 0x80, 0x02] as const;
const PLAIN = [0xfd, 0x8e, 0x00];

/** The module with the plain instruction in place of the relaxed one; that the three bytes stand for nothing else is tested. */
export function plainVariant(module: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const plain = module.slice();
  const [prefix, first, second] = RELAXED;
  for (let i = plain.indexOf(prefix); i >= 0; i = plain.indexOf(prefix, i + 1)) {
    if (plain[i + 1] === first && plain[i + 2] === second) plain.set(PLAIN, i);
  }
  return plain;
}

/** By the runtime's own decoder, where it has one. */
function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  if (Uint8Array.fromBase64 !== undefined) return Uint8Array.fromBase64(text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

function instantiate(module: WebAssembly.Module): CoreExports {
  return new WebAssembly.Instance(module).exports as unknown as CoreExports;
}
