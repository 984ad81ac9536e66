/**
 * Reads `tests/vectors/NAME.json`. Where each case comes from stands in its `source`.
 *
 * @module
 */
import { decodeHex, encodeHex } from "@std/encoding/hex";

/** One case of a vector file, typed by the test that reads it. */
export function vectors<T>(name: string): readonly (T & { id: string })[] {
  const url = new URL(`../vectors/${name}.json`, import.meta.url);
  const { cases } = JSON.parse(Deno.readTextFileSync(url)) as { cases: (T & { id: string })[] };
  if (cases.length === 0) throw new Error(`${name} has no cases`);
  return cases;
}

export { decodeHex as unhex, encodeHex as hex };
