/**
 * A realm of the embedded KDC with its principals in one call.
 *
 * @module
 */
import type { AddPrincipalOptions } from "./principals.ts";
import { KdcRealm, type KdcRealmOptions } from "./realm.ts";

/** Options of {@linkcode createRealm}. */
export interface CreateRealmOptions extends KdcRealmOptions {
  /** Realm. @default {"GSSOCKS.TEST"} */
  readonly realm?: string | undefined;
  /** Principals: a password, or how to add it. @default {{}} */
  readonly principals?: Readonly<Record<string, string | AddPrincipalOptions>> | undefined;
}

/**
 * Creates a realm without sockets.
 *
 * @example
 * ```ts
 * import { createRealm } from "@gssocks/gssocks/kerberos/kdc";
 *
 * const realm = await createRealm({ principals: { alice: "secret", "rcmd/localhost": {} } });
 * if (realm.name !== "GSSOCKS.TEST") throw new Error("another realm");
 * ```
 */
export async function createRealm(options: CreateRealmOptions = {}): Promise<KdcRealm> {
  const realm = await KdcRealm.create(options.realm ?? "GSSOCKS.TEST", options);
  for (const [name, how] of Object.entries(options.principals ?? {})) {
    await realm.addPrincipal(name, typeof how === "string" ? { password: how } : how);
  }
  return realm;
}
