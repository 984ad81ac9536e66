/**
 * Rules of a server, and the queries that they judge.
 *
 * @module
 */
import type { Identity, MethodName } from "../identity.ts";
import type { ProtectionLevel } from "../protection.ts";
import type { Cidr } from "../wire/cidr.ts";

/** Verdict of a rule for requests that match it. */
export type RuleAction = "allow" | "deny";

/**
 * What a client can request: CONNECT, BIND or UDP ASSOCIATE (RFC 1928 section 4), or the look-up of a name or an address (Tor's RESOLVE and
 * RESOLVE_PTR).
 */
export type CommandName = "connect" | "bind" | "udp" | "resolve";

/** The names of all commands. A name may come from JavaScript or from a file. */
export const COMMAND_NAMES: readonly CommandName[] = ["connect", "bind", "udp", "resolve"];

/** One rule. A missing list matches everything; a list matches if one of its items does. */
export interface Rule {
  /** Verdict of the rule. */
  readonly action: RuleAction;
  /** The rule as it was written. */
  readonly text: string;
  /** Destinations. */
  readonly destinations: readonly Destination[];
  /** First and last port of each range. */
  readonly ports?: readonly PortRange[] | undefined;
  /** Commands. */
  readonly commands?: readonly CommandName[] | undefined;
  /** Addresses of clients. */
  readonly sources?: readonly Cidr[] | undefined;
  /** How clients authenticated. */
  readonly methods?: readonly MethodName[] | undefined;
  /**
   * Users or principals in the text form of RFC 1964 section 2.1.1, `component/component@REALM`. A `*` is allowed at one end of the name and at
   * one end of the realm. A deny rule matches all spellings of a user that Active Directory treats as equal. A well-known principal, such as
   * `WELLKNOWN/ANONYMOUS@REALM` (RFC 8062), is allowed only by its name.
   */
  readonly users?: readonly string[] | undefined;
  /** Realms of principals: complete, or with a `*` at one end. */
  readonly realms?: readonly string[] | undefined;
  /**
   * Accounts of a directory by their stored names, `name@dns.domain`, in any case; a `*` in the name stands for any text. Deny rules also
   * take `DOMAIN\\name` and `name`, and match the user principal name too. They are matched only by what a ticket proves (its PAC). A deny
   * rule with accounts, SIDs or groups also matches a client whose account is not known.
   */
  readonly accounts?: readonly string[] | undefined;
  /** SIDs, `S-1-5-21-…`, of an account or of one of its groups. */
  readonly sids?: readonly string[] | undefined;
  /**
   * Groups by SID, or by well-known name: `Domain Users@corp.example`. A rule matches an account that is in one of them, directly or through
   * another group.
   */
  readonly groups?: readonly string[] | undefined;
  /** Names of the encryption types of security contexts. */
  readonly enctypes?: readonly string[] | undefined;
  /** Protection levels of the client's data. */
  readonly protections?: readonly ProtectionLevel[] | undefined;
  /** Longest age of the user's initial ticket in milliseconds. */
  readonly maxTicketAge?: number | undefined;
  /** Name of the proxy that forwards allowed requests. */
  readonly upstream?: string | undefined;
}

/** First and last port. */
export type PortRange = readonly [number, number];

/** Destinations that a rule matches. */
export type Destination =
  | { readonly type: "any" }
  | { readonly type: "address"; readonly blocks: readonly Cidr[] }
  | { readonly type: "domain"; readonly suffix: string; readonly exact: boolean };

/** A request to judge. */
export interface RuleQuery {
  /** Host as the client named it. */
  readonly hostname: string;
  /** Port. */
  readonly port: number;
  /** Command of the client. */
  readonly command: CommandName;
  /** Identity of the client. */
  readonly identity: Identity;
  /** Protection of the client's data. */
  readonly protection: ProtectionLevel;
  /** Address of the client, if it has one. */
  readonly source?: string | undefined;
}

/** The rule that decided about a request, for logs. */
export interface DecidingRule {
  /** Number of the rule in its list, from 1. */
  readonly number: number;
  /** The rule with its verdict, such as `allow *:443`. */
  readonly text: string;
}

/** A rule as text for reasons and logs. */
export function ruleLine({ action, text }: Pick<Rule, "action" | "text">): string {
  return `${action} ${text}`;
}
