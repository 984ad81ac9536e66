/**
 * Builds the core: `deno task core` writes `../module.ts` and `../core.wasm`.
 *
 * @module
 */
import { encodeBase64 } from "@std/encoding/base64";
import wabt from "wabt";
import { coreText } from "./core.ts";

/** Assembles the core. The same text gives the same bytes. */
export async function buildCore(): Promise<Uint8Array<ArrayBuffer>> {
  const { parseWat } = await wabt();
  const module = parseWat("core.wat", coreText(), { simd: true, relaxed_simd: true, bulk_memory: true });
  module.resolveNames();
  module.validate();
  return new Uint8Array(module.toBinary({}).buffer);
}

/** The file with the module's bytes. */
export function moduleFile(bytes: Uint8Array): string {
  return [
    "/**",
    " * The core as bytes in base64, so that it needs no permission to read and no wait. Written by `deno task core` from `source/`.",
    " *",
    " * @module",
    " */",
    "",
    "/** The module. */",
    "export const MODULE =",
    `  "${encodeBase64(bytes)}";`,
    "",
  ].join("\n");
}

if (import.meta.main) {
  const bytes = await buildCore();
  Deno.writeTextFileSync(new URL("../module.ts", import.meta.url), moduleFile(bytes));
  Deno.writeFileSync(new URL("../core.wasm", import.meta.url), bytes);
}
