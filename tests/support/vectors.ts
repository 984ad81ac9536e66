/**
 * Reads `tests/vectors/NAME.json`. The `source` of each case names its origin.
 *
 * @module
 */
import { decodeHex, encodeHex } from "@std/encoding/hex";

/** Reads the cases of a vector file; the test gives their type. */
export function vectors<T>(name: string): readonly (T & { id: string })[] {
  const url = new URL(`../vectors/${name}.json`, import.meta.url);
  const { cases } = JSON.parse(Deno.readTextFileSync(url)) as { cases: (T & { id: string })[] };
  if (cases.length === 0) throw new Error(`${name} has no cases`);
  return cases;
}

export { decodeHex as unhex, encodeHex as hex };
