/**
 * The core in both variants, each in a memory that a test may look at.
 *
 * @module
 */
import { plainVariant } from "../../kerberos/crypto/core/choice.ts";
import { Core, type CoreExports } from "../../kerberos/crypto/core/core.ts";
import { SCRATCH } from "../../kerberos/crypto/core/layout.ts";

/** A core, what it exports, and the part of its memory that may hold secrets. */
export interface CoreVariant {
  readonly name: string;
  readonly core: Core;
  readonly exports: CoreExports;
  readonly secrets: Uint8Array;
}

const BYTES = Deno.readFileSync(new URL("../../kerberos/crypto/core/core.wasm", import.meta.url));

/** Instantiates both. */
export function coreVariants(): readonly CoreVariant[] {
  return ([["relaxed", BYTES], ["plain", plainVariant(BYTES)]] as const).map(([name, bytes]) => {
    const exports = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as unknown as CoreExports;
    return { name, core: new Core(exports), exports, secrets: new Uint8Array(exports.memory.buffer, SCRATCH) };
  });
}
