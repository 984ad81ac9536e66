/**
 * Options of `serve`.
 *
 * @module
 */
import type { Runtime } from "../base/runtime.ts";
import type { ReplayCache } from "../kerberos/ap/replay/cache.ts";
import type { Capaths } from "../kerberos/ap/transited.ts";
import type { Keytab } from "../kerberos/credentials/formats/keytab.ts";
import type { KeytabNews } from "../kerberos/credentials/keytabs/reloading_keytab.ts";
import type { GssapiServerOptions, InsecureGssapiOptions } from "../socks/auth/gssapi/server.ts";
import type { PasswordCheck } from "../socks/auth/password.ts";
import type { Resolver } from "../socks/names/resolver.ts";
import type { ClientRule } from "../socks/rules/client_rules.ts";
import type { CommandName, Rule } from "../socks/rules/rule.ts";
import type { UserLedger } from "../socks/server/limits/user_ledger.ts";
import type { Dialer } from "../socks/stream/connection.ts";
import type { ProxyOptions } from "./proxy_options.ts";
import type { AssociationOptions, ListenerOptions } from "./running.ts";

/** Options of {@linkcode serve}. */
export interface ServeOptions extends ListenerOptions {
  /**
   * Keys of the service, or the path of their file; needed for GSS-API. When a ticket arrives that no key opens, the server looks at
   * the file again, at most once a second, and reads it if it has changed. The keys that it read last are the only ones used. A file
   * that cannot be read then, or has no key, changes nothing.
   */
  readonly keytab?: Keytab | string | undefined;
  /** Protection levels granted. @default {["confidentiality", "integrity", "selective"]} */
  readonly protection?: GssapiServerOptions["protection"] | undefined;
  /** How clients authenticate with GSS-API. */
  readonly gssapi?: GssapiOptions | undefined;
  /** Checks passwords; with it the method "password" is accepted. */
  readonly passwords?: PasswordCheck | undefined;
  /** Whether clients are accepted that do not authenticate. @default {false} */
  readonly allowUnauthenticated?: boolean | undefined;
  /** Commands that clients may request, where rules allow it. @default {["connect"]} */
  readonly commands?: readonly CommandName[] | undefined;
  /**
   * Rules for client addresses, first match wins: `"allow 10.0.0.0/8"`, `"deny *"`. A client that no rule matches is refused.
   *
   * @default {every client may connect}
   */
  readonly clients?: readonly (string | ClientRule)[] | undefined;
  /**
   * Rules for requests, first match wins: `"allow 10.0.0.0/8:443"`, `"allow *"`; see `parseRule`. A request that no rule matches
   * is denied. So is an address that is not public, unless a rule names it.
   *
   * @default {[]}
   */
  readonly rules?: readonly (string | Rule)[] | undefined;
  /** Proxies that rules may name, by name, for the requests that they allow. */
  readonly upstreams?: Readonly<Record<string, ProxyOptions>> | undefined;
  /** Counts the sessions of users; share one between servers. @default {one in memory} */
  readonly userLedger?: UserLedger | undefined;
  /**
   * Looks up names. A lookup may take a third of `timeouts.connect`, and 10 seconds at most.
   *
   * @default {the system's resolver, `systemResolver`}
   */
  readonly resolve?: Resolver | undefined;
  /** How datagrams are relayed. */
  readonly datagrams?: DatagramOptions | undefined;
  /** How targets are reached. */
  readonly egress?: EgressOptions | undefined;
  /** Connects to targets. @default {TCP} */
  readonly dial?: Dialer | undefined;
}

/** How clients authenticate with GSS-API. */
export interface GssapiOptions extends InsecureGssapiOptions {
  /** Names of the services accepted, such as `rcmd`. @default {every service that has a key} */
  readonly services?: readonly string[] | undefined;
  /** Remembers authenticators; share one between servers with the same keys. @default {one in memory} */
  readonly replayCache?: ReplayCache | undefined;
  /**
   * Realms that may vouch for users of other realms if no KDC has checked that, such as `loadConfig().capaths`.
   *
   * @default {the realms between the two in the hierarchy of their names}
   */
  readonly capaths?: Capaths | undefined;
  /**
   * Enctypes permitted for tickets, session keys and subkeys, such as `loadConfig().permittedEnctypes`.
   *
   * @default {every supported one}
   */
  readonly enctypes?: readonly number[] | undefined;
  /** Called when the keytab's file was read again, or could not be. Exceptions are ignored. */
  readonly onKeytab?: ((news: KeytabNews) => void) | undefined;
  /** Whether a session is kept or cut when the client's ticket expires. @default {"keep"} */
  readonly ticketExpiry?: "keep" | "cut" | undefined;
  /** Whether a client that offers GSS-API must use it although "none" would be accepted. @default {false} */
  readonly prefer?: boolean | undefined;
  /** Clock and randomness of Kerberos, such as the clock of a test KDC. @default {the system's} */
  readonly runtime?: Runtime | undefined;
}

/** How datagrams are relayed. */
export interface DatagramOptions extends AssociationOptions {
  /** Targets that an association remembers; the one used longest ago makes room. @default {256} */
  readonly maxDestinations?: number | undefined;
  /** Whether a target may answer from any of its ports, and not only from the one that was written to. @default {false} */
  readonly answersFromAnyPort?: boolean | undefined;
}

/** How targets are reached. */
export interface EgressOptions {
  /**
   * Local addresses from which targets are reached, at most one of each family.
   *
   * @default {the system chooses}
   */
  readonly addresses?: readonly string[] | undefined;
  /**
   * Prefixes of NAT64 translators (RFC 6052), such as `2001:db8:64::/96`, and `discover` for those that the resolver knows
   * (RFC 7050). Rules for IPv4 addresses also apply to addresses under these prefixes, and an IPv4 address without a route is reached
   * under them. Rules always know `64:ff9b::/96`.
   *
   * @default {[]}
   */
  readonly nat64?: readonly string[] | undefined;
  /** Called when `discover` has found NAT64 prefixes, and when they change. Exceptions are ignored. */
  readonly onNat64?: ((prefixes: readonly string[]) => void) | undefined;
}
