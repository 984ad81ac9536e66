/**
 * Names of credential caches and keytabs: a kind, a colon, and a rest whose meaning depends on the kind (`FILE:/tmp/krb5cc_0`, `MEMORY:`).
 *
 * @module
 */
import { KerberosError } from "../errors.ts";

/** A name, taken apart. */
export interface StoreName {
  /** Kind in capital letters; `FILE` for a path alone. */
  readonly kind: string;
  /** What follows the colon. */
  readonly rest: string;
}

/** Takes the name of a cache or keytab apart. One letter before a colon is a drive, not a kind. */
export function parseStoreName(name: string): StoreName {
  const kind = /^([A-Za-z]{2,}):/.exec(name)?.[1];
  if (kind === undefined) return { kind: "FILE", rest: name };
  const rest = name.slice(kind.length + 1);
  // MIT's name for a keytab file that may be written.
  return { kind: kind.toUpperCase() === "WRFILE" ? "FILE" : kind.toUpperCase(), rest };
}

/** Path of a name of kind `FILE`; `undefined` for another kind. */
export function filePath(name: string): string | undefined {
  const { kind, rest } = parseStoreName(name);
  return kind === "FILE" ? rest : undefined;
}

/**
 * Path of a name that must be of kind `FILE`.
 *
 * @param action What is done with the name, for the message: "read keytab".
 * @throws {KerberosError} `BAD_FILE` for another kind, and for an empty path.
 */
export function requireFilePath(action: string, name: string): string {
  const path = filePath(name);
  if (path === undefined) throw new KerberosError("BAD_FILE", `Cannot ${action} ${name}: only FILE: is supported`);
  if (path === "") throw new KerberosError("BAD_FILE", `Cannot ${action} "${name}": it names no file`);
  return path;
}
