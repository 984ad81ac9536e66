/**
 * Opens a credential cache by its name. Each platform has a table of the kinds that it offers; a new kind is one more row.
 *
 * @module
 */
import { parseStoreName } from "../../config/store_name.ts";
import { KerberosError } from "../../errors.ts";
import type { CredentialCache } from "../cache.ts";

/** What a kind may need beside a name. */
export interface OpenCacheOptions {
  /**
   * Path of the KCM daemon's socket (`kcm_socket` of krb5.conf). @default {"/var/run/.heim_org.h5l.kcm-socket"}
   */
  readonly kcmSocket?: string | undefined;
}

/** Kinds of caches by the text before the colon of a name. Each function gets the whole name, and what follows the colon. */
export type CacheKinds = Readonly<
  Record<string, (name: string, rest: string, options: OpenCacheOptions) => CredentialCache>
>;

/** Kinds of MIT krb5 that only native code can reach, with where the tickets are. */
const OUT_OF_REACH: Readonly<Record<string, string>> = {
  KEYRING: "the kernel's keyring",
  API: "the service of the system's Kerberos library",
  MSLSA: "the logon session of Windows",
};

/** How tickets get into a file, for messages. */
const USE_A_FILE = "use a file: export KRB5CCNAME=FILE:/tmp/krb5cc_$(id -u); kinit";

/**
 * Opens the cache that a name stands for.
 *
 * @throws {KerberosError} `BAD_FILE` for a kind that is not in the table.
 */
export function openCache(name: string, kinds: CacheKinds, options: OpenCacheOptions = {}): CredentialCache {
  const { kind, rest } = parseStoreName(name);
  if (Object.hasOwn(kinds, kind)) return kinds[kind]!(name, rest, options);
  const known = Object.keys(kinds).map((one) => `${one}:`).join(", ");
  const why = Object.hasOwn(OUT_OF_REACH, kind)
    ? `its tickets are in ${OUT_OF_REACH[kind]}, where this program cannot read them`
    : `there is no kind ${kind}: (those known are ${known})`;
  throw new KerberosError("BAD_FILE", `Cannot open credential cache ${name}: ${why}; ${USE_A_FILE}`);
}
