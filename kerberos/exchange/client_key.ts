/**
 * The secret of a client: a password, which becomes a key once the KDC has named salt and parameters, or a keytab.
 *
 * @module
 */
import { KerberosKey } from "../crypto/key.ts";
import { enctypeName, isSupported } from "../crypto/enctypes.ts";
import { KerberosError } from "../errors.ts";
import { formatPrincipal, type Principal } from "../principal.ts";

/** How the key of one enctype is made, as the KDC says (RFC 4120 section 5.2.7.5). */
export interface KeyParameters {
  /** Number of the enctype. */
  readonly enctype: number;
  /** Salt that the KDC sent; the default salt if it sent none. */
  readonly salt: string;
  /** Parameters that the KDC sent. */
  readonly s2kparams?: Uint8Array | undefined;
  /** Limit of PBKDF2 iterations; parameters that ask for more are refused. @default {1048576} */
  readonly maximumIterations?: number | undefined;
}

/** A client's secret. */
export interface ClientKey {
  /** Returns those of the enctypes that it has a key for, in their order. */
  usable(enctypes: readonly number[]): readonly number[];
  /**
   * Returns the key of one enctype.
   *
   * @throws {KerberosError} `NO_CREDENTIALS` when it has none.
   */
  keyFor(parameters: KeyParameters): Promise<KerberosKey>;
  /** Returns which keys there are, and where, for messages. @default {the message does not say} */
  describe?(): string;
}

/**
 * Returns the default salt: realm and components, concatenated (RFC 4120 section 4).
 *
 * @example
 * ```ts
 * import { defaultSalt, parsePrincipal } from "@gssocks/gssocks/kerberos";
 *
 * if (defaultSalt(parsePrincipal("alice@EXAMPLE.COM")) !== "EXAMPLE.COMalice") throw new Error("another salt");
 * ```
 */
export function defaultSalt(client: Principal): string {
  return client.realm + client.components.join("");
}

/**
 * Returns a password as a client's secret. It stays in memory as long as the object does.
 *
 * @example
 * ```ts
 * import { passwordKey } from "@gssocks/gssocks/kerberos";
 *
 * if (!passwordKey("secret").usable([18, 23]).includes(18)) throw new Error("not supported");
 * ```
 */
export function passwordKey(password: string): ClientKey {
  return {
    usable: (enctypes) => enctypes.filter(isSupported),
    keyFor: (parameters) => KerberosKey.fromPassword(password, parameters),
  };
}

/** Where a client's keys are looked up; a `Keytab` is one. */
export interface ClientKeytab {
  /** Returns the newest key of a principal, in the order of the enctypes. */
  newestKey(owner: Principal, enctypes: readonly number[]): { readonly key: KerberosKey } | undefined;
  /** Returns lines such as `alice@REALM kvno 3 aes256-cts-hmac-sha1-96`, for error texts. */
  describe(): readonly string[];
}

/** Lines about a keytab's keys in a message at most. */
const MAX_DESCRIBED = 10;

/** Options of {@linkcode keytabKey}. */
export interface KeytabKeyOptions {
  /** Name of the keytab, for messages. @default {none} */
  readonly name?: string | undefined;
}

/**
 * Returns the keys of a client in a keytab as its secret.
 *
 * @example
 * ```ts
 * import { keytabKey, parsePrincipal } from "@gssocks/gssocks/kerberos";
 * import { startTestKdc } from "@gssocks/gssocks/kerberos/kdc";
 *
 * await using kdc = await startTestKdc({ principals: { alice: "secret", "rcmd/localhost": {} } });
 * const key = keytabKey(kdc.keytab("alice"), parsePrincipal("alice@GSSOCKS.TEST"));
 * if (!key.usable([18]).includes(18)) throw new Error("no key of that enctype");
 * ```
 */
export function keytabKey(keytab: ClientKeytab, client: Principal, { name }: KeytabKeyOptions = {}): ClientKey {
  const describe = () => {
    const lines = keytab.describe();
    const more = lines.length > MAX_DESCRIBED ? `; and ${lines.length - MAX_DESCRIBED} more` : "";
    const held = lines.length === 0 ? "no key" : lines.slice(0, MAX_DESCRIBED).join("; ") + more;
    return `keytab${name === undefined ? "" : ` ${name}`} has ${held}`;
  };
  return {
    describe,
    usable: (enctypes) => enctypes.filter((enctype) => keytab.newestKey(client, [enctype]) !== undefined),
    keyFor({ enctype }): Promise<KerberosKey> {
      const entry = keytab.newestKey(client, [enctype]);
      if (entry !== undefined) return Promise.resolve(entry.key);
      return Promise.reject(
        new KerberosError(
          "NO_CREDENTIALS",
          `Cannot authenticate ${formatPrincipal(client)}: there is no ${
            enctypeName(enctype)
          } key of it; ${describe()}`,
        ),
      );
    },
  };
}
