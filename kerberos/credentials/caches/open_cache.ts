/**
 * Opens a credential cache by its name. Each platform has a table of the kinds that it offers; a new kind is one more row.
 *
 * @module
 */
import { parseStoreName } from "../../config/store_name.ts";
import { KerberosError } from "../../errors.ts";
import type { CredentialCache } from "../cache.ts";

/** Kinds of caches by the text before the colon of a name. Each function gets the whole name. */
export type CacheKinds = Readonly<Record<string, (name: string) => CredentialCache>>;

/**
 * Opens the cache that a name stands for.
 *
 * @throws {KerberosError} `BAD_FILE` for a kind that is not in the table.
 */
export function openCache(name: string, kinds: CacheKinds): CredentialCache {
  const { kind } = parseStoreName(name);
  if (Object.hasOwn(kinds, kind)) return kinds[kind]!(name);
  const known = Object.keys(kinds).map((one) => `${one}:`).join(" and ");
  throw new KerberosError("BAD_FILE", `Cannot open credential cache ${name}: only ${known} are supported`);
}
