/**
 * Object identifiers of mechanisms that this layer handles itself, and aliases of others, as data.
 *
 * @module
 */

/** SPNEGO (RFC 4178). */
export const SPNEGO_OID = "1.3.6.1.5.5.2";

/**
 * Aliases of mechanisms. Windows 2000 wrote the third arc of the one below in 16 bits; newer versions still offer it first
 * (MS-SPNG section 3.1.5.2), and Samba answers with it.
 */
const ALIASES: Readonly<Record<string, string>> = { "1.2.840.48018.1.2.2": "1.2.840.113554.1.2.2" };

/** Returns the identifier that an alias stands for, or the identifier itself. */
export function canonicalMechanism(mechanism: string): string {
  return ALIASES[mechanism] ?? mechanism;
}
