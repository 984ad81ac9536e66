/**
 * Rules of a server: what one says, and what it is asked about.
 *
 * @module
 */
import type { Identity, MethodName } from "../identity.ts";
import type { ProtectionLevel } from "../protection.ts";
import type { Cidr } from "../wire/cidr.ts";

/** What a rule says of those that it fits. */
export type RuleAction = "allow" | "deny";

/**
 * What a client may ask for: CONNECT, BIND or UDP ASSOCIATE (RFC 1928 section 4), or to have a name or an address looked
 * up (Tor's RESOLVE and RESOLVE_PTR).
 */
export type CommandName = "connect" | "bind" | "udp" | "resolve";

/** One rule. Where a list is missing, the rule fits whatever stands there; a list fits what any of its items fits. */
export interface Rule {
  /** What it says. */
  readonly action: RuleAction;
  /** The rule as it was written. */
  readonly text: string;
  /** Destinations. */
  readonly destinations: readonly Destination[];
  /** First and last port of each range. */
  readonly ports?: readonly PortRange[] | undefined;
  /** Commands. */
  readonly commands?: readonly CommandName[] | undefined;
  /** Where clients come from. */
  readonly sources?: readonly Cidr[] | undefined;
  /** How clients authenticated. */
  readonly methods?: readonly MethodName[] | undefined;
  /**
   * Users or principals in the text form of RFC 1964 section 2.1.1, `component/component@REALM`; a `*` may stand at one
   * end of the name and at one end of the realm. A rule that denies fits all spellings of a user that Active Directory
   * takes for one. A well-known principal, such as `WELLKNOWN/ANONYMOUS@REALM` (RFC 8062), is allowed by name only.
   */
  readonly users?: readonly string[] | undefined;
  /** Realms of principals: whole, or with a `*` at one end. */
  readonly realms?: readonly string[] | undefined;
  /** Names of the encryption types of security contexts. */
  readonly enctypes?: readonly string[] | undefined;
  /** Levels at which the client's data is protected. */
  readonly protections?: readonly ProtectionLevel[] | undefined;
  /** Longest time since the user got the initial ticket, in milliseconds. */
  readonly maxTicketAge?: number | undefined;
  /** Name of the proxy that what is allowed goes through. */
  readonly upstream?: string | undefined;
}

/** First and last port. */
export type PortRange = readonly [number, number];

/** Destinations that a rule fits. */
export type Destination =
  | { readonly type: "any" }
  | { readonly type: "address"; readonly blocks: readonly Cidr[] }
  | { readonly type: "domain"; readonly suffix: string; readonly exact: boolean };

/** What is asked about. */
export interface RuleQuery {
  /** Host as the client named it. */
  readonly hostname: string;
  /** Port. */
  readonly port: number;
  /** What the client asks for. */
  readonly command: CommandName;
  /** Who asks. */
  readonly identity: Identity;
  /** How the client's data is protected. */
  readonly protection: ProtectionLevel;
  /** Address of the client, where it has one. */
  readonly source?: string | undefined;
}

/** A rule as it stands in reasons and logs. */
export function ruleLine({ action, text }: Pick<Rule, "action" | "text">): string {
  return `${action} ${text}`;
}
