/**
 * A realm of the embedded KDC: its principals with their keys, its trusts and referrals, and its faults. In memory only.
 *
 * @module
 */
import { randomBytes, type Runtime, systemRuntime } from "../../base/runtime.ts";
import { NameType } from "../registry/name_types.ts";
import { KerberosKey } from "../crypto/key.ts";
import { DEFAULT_ENCTYPES } from "../crypto/enctypes.ts";
import { formatPrincipal, krbtgt, parsePrincipal, type Principal, principal, samePrincipal } from "../principal.ts";
import { Keytab, type KeytabEntry } from "../credentials/formats/keytab.ts";
import { defaultSalt } from "../exchange/client_key.ts";
import { type KdcFaults, noFaults } from "./faults.ts";
import type { AddPrincipalOptions, KdcPrincipal } from "./principals.ts";
import { checkPac } from "./pac_options.ts";
import { SeenRequests } from "./seen_requests.ts";

/** Options of {@linkcode KdcRealm.create}. */
export interface KdcRealmOptions {
  /** Enctypes of new keys, in order of preference. @default {18, 20, 17, 19} */
  readonly enctypes?: readonly number[] | undefined;
  /** Longest lifetime of a ticket, in milliseconds. @default {10 hours} */
  readonly maxLifetime?: number | undefined;
  /** Longest renewable lifetime of a ticket, in milliseconds. @default {7 days} */
  readonly maxRenewLifetime?: number | undefined;
  /** Clock and randomness. @default {the system's} */
  readonly runtime?: Runtime | undefined;
}

/**
 * A realm of the embedded KDC.
 *
 * @example
 * ```ts
 * import { KdcRealm } from "@gssocks/gssocks/kerberos/kdc";
 *
 * const realm = await KdcRealm.create("EXAMPLE.TEST");
 * await realm.addPrincipal("alice", { password: "secret" });
 * await realm.addPrincipal("rcmd/localhost");
 * if (realm.keytab("rcmd/localhost").entries.length === 0) throw new Error("no keys");
 * ```
 */
export class KdcRealm {
  /** Name of the realm. */
  readonly name: string;
  /** Enctypes of new keys. */
  readonly enctypes: readonly number[];
  /** Longest lifetime of a ticket, in milliseconds. */
  readonly maxLifetime: number;
  /** Longest renewable lifetime of a ticket, in milliseconds. */
  readonly maxRenewLifetime: number;
  /** Randomness, and the clock before {@linkcode KdcFaults.clockOffset}. */
  readonly runtime: Runtime;
  /** Failures to produce. */
  readonly faults: KdcFaults = noFaults();
  /** Realm to refer clients to, by host name, or by domain with a leading dot. */
  readonly referrals: Map<string, string> = new Map();
  /**
   * Realms that may be on the path of a client besides those of the hierarchy (RFC 4120 section 2.7). The ticket of a client
   * whose path has another realm lacks the flag TRANSITED-POLICY-CHECKED.
   */
  readonly acceptedTransits: Set<string> = new Set();
  readonly #seen = new SeenRequests();
  readonly #principals: KdcPrincipal[] = [];

  private constructor(name: string, options: KdcRealmOptions) {
    this.name = name;
    this.enctypes = options.enctypes ?? DEFAULT_ENCTYPES;
    this.maxLifetime = options.maxLifetime ?? 10 * 3_600_000;
    this.maxRenewLifetime = options.maxRenewLifetime ?? 7 * 86_400_000;
    this.runtime = options.runtime ?? systemRuntime;
  }

  /** Creates a realm with a ticket-granting service and no other principal. */
  static async create(name: string, options: KdcRealmOptions = {}): Promise<KdcRealm> {
    const realm = new KdcRealm(name, options);
    await realm.#add(krbtgt(name), { requiresPreauth: false });
    return realm;
  }

  /** Returns the KDC's time, in milliseconds since the epoch. */
  now(): number {
    return this.runtime.now() + this.faults.clockOffset;
  }

  /**
   * Adds a principal; one of the same name is replaced.
   *
   * @param name Such as `alice` or `rcmd/localhost`; the realm is this one.
   * @throws {TypeError} When the name is no principal, or its `pac` has no SID.
   */
  async addPrincipal(name: string, options: AddPrincipalOptions = {}): Promise<void> {
    await this.#add(parsePrincipal(name, { defaultRealm: this.name }), options);
  }

  async #add(name: Principal, options: AddPrincipalOptions): Promise<void> {
    if (options.pac !== undefined) checkPac(formatPrincipal(name), options.pac);
    const { password, kvno = 1, enctypes = this.enctypes } = options;
    const salt = options.salt ?? defaultSalt(name);
    const keys = await Promise.all(
      enctypes.map((enctype) =>
        password === undefined
          ? KerberosKey.generate(enctype, this.runtime)
          : KerberosKey.fromPassword(password, { enctype, salt })
      ),
    );
    this.removePrincipal(formatPrincipal(name));
    this.#principals.push({
      name,
      kvno,
      keys,
      salt,
      requiresPreauth: options.requiresPreauth ?? true,
      sessionEnctypes: options.sessionEnctypes ?? enctypes,
      disabled: options.disabled ?? false,
      expires: options.expires ?? Infinity,
      passwordExpires: options.passwordExpires ?? Infinity,
      lockAfter: options.lockAfter ?? Infinity,
      wrongPasswords: 0,
      okAsDelegate: options.okAsDelegate ?? false,
      pac: options.pac,
    });
  }

  /** Removes a principal, if there is one of the name. */
  removePrincipal(name: string): void {
    const wanted = parsePrincipal(name, { defaultRealm: this.name });
    const at = this.#principals.findIndex((held) => samePrincipal(held.name, wanted));
    if (at >= 0) this.#principals.splice(at, 1);
  }

  /** Makes `other` trust this realm: clients of this realm may use its services. */
  async trust(other: KdcRealm): Promise<void> {
    const password = [...randomBytes(16, this.runtime)].join(".");
    await this.#add(krbtgt(other.name, this.name), { password });
    await other.#add(krbtgt(other.name, this.name), { password });
  }

  /**
   * Whether another request has come with this authenticator. Both are identified by digests.
   *
   * @internal
   */
  isReplay(authenticator: string, request: string): boolean {
    return this.#seen.isReplay(authenticator, request);
  }

  /**
   * Remembers a genuine request.
   *
   * @internal
   */
  remember(authenticator: string, request: string): void {
    this.#seen.remember(authenticator, request);
  }

  /** Returns a principal by name. */
  find(name: Principal): KdcPrincipal | undefined {
    return this.#principals.find((held) => samePrincipal(held.name, name));
  }

  /** Returns a principal that may be a client. Ticket-granting services may not. */
  findUser(name: Principal): KdcPrincipal | undefined {
    const enterprise = name.nameType === NameType.Enterprise && name.components.length === 1;
    const found = this.find(name) ??
      (enterprise ? this.find(principal(this.name, [name.components[0]!.split("@")[0]!])) : undefined);
    return found?.name.components[0] === "krbtgt" ? undefined : found;
  }

  /**
   * Returns a keytab with the keys of principals.
   *
   * @throws {TypeError} When one of the principals does not exist.
   */
  keytab(...names: readonly string[]): Keytab {
    const entries: KeytabEntry[] = [];
    for (const name of names) {
      const found = this.find(parsePrincipal(name, { defaultRealm: this.name }));
      if (found === undefined) throw new TypeError(`Cannot export keys: ${name} is not in ${this.name}`);
      for (const key of found.keys) {
        entries.push({ principal: found.name, kvno: found.kvno, key, timestamp: this.runtime.now() });
      }
    }
    return new Keytab(entries);
  }

  /** Whether the KDC offers the enctype; see {@linkcode KdcFaults.unsupportedEnctypes}. */
  has(enctype: number): boolean {
    return !this.faults.unsupportedEnctypes.includes(enctype);
  }

  /** Returns the realm to refer a client to for a host, or `undefined` if there is none. */
  referralFor(host: string): string | undefined {
    const name = host.toLowerCase();
    for (const [domain, realm] of this.referrals) {
      if (name === domain || (domain.startsWith(".") && name.endsWith(domain))) return realm;
    }
    return undefined;
  }
}
