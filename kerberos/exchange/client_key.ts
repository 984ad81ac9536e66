/**
 * Long-term keys of a client: a password that becomes a key once the KDC has named salt and parameters, or a keytab.
 *
 * @module
 */
import { KerberosKey } from "../crypto/key.ts";
import { enctypeName, isSupported } from "../crypto/enctypes.ts";
import { KerberosError } from "../errors.ts";
import { formatPrincipal, type Principal } from "../principal.ts";
import type { Keytab } from "../credentials/formats/keytab.ts";

/** What the KDC says about the key of one enctype (RFC 4120 section 5.2.7.5). */
export interface KeyParameters {
  /** Number of the enctype. */
  readonly enctype: number;
  /** Salt as the KDC sent it; the default salt where it sent none. */
  readonly salt: string;
  /** Parameters as the KDC sent them. */
  readonly s2kparams?: Uint8Array | undefined;
  /** Most PBKDF2 iterations that making the key may take, whoever asks for more. @default {1048576} */
  readonly maximumIterations?: number | undefined;
}

/** A client's secret. */
export interface ClientKey {
  /** Which of these enctypes it has a key for, in their order. */
  usable(enctypes: readonly number[]): readonly number[];
  /**
   * The key of one enctype.
   *
   * @throws {KerberosError} `NO_CREDENTIALS` when there is none.
   */
  keyFor(parameters: KeyParameters): Promise<KerberosKey>;
}

/** The default salt: realm and components run together (RFC 4120 section 4). */
export function defaultSalt(client: Principal): string {
  return client.realm + client.components.join("");
}

/** A password as a client's secret. It is kept in memory as long as the object is. */
export function passwordKey(password: string): ClientKey {
  return {
    usable: (enctypes) => enctypes.filter(isSupported),
    keyFor: (parameters) => KerberosKey.fromPassword(password, parameters),
  };
}

/** The keys that a keytab has for a client. */
export function keytabKey(keytab: Keytab, client: Principal): ClientKey {
  return {
    usable: (enctypes) => enctypes.filter((enctype) => keytab.newestKey(client, [enctype]) !== undefined),
    keyFor({ enctype }): Promise<KerberosKey> {
      const entry = keytab.newestKey(client, [enctype]);
      if (entry !== undefined) return Promise.resolve(entry.key);
      return Promise.reject(
        new KerberosError(
          "NO_CREDENTIALS",
          `Cannot authenticate ${formatPrincipal(client)}: the keytab has no ${
            enctypeName(enctype)
          } key for it, it has ` +
            (keytab.describe().join("; ") || "none"),
        ),
      );
    },
  };
}
