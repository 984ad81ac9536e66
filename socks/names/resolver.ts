/**
 * Resolvers: from a name to its addresses, and to the names on the way.
 *
 * @module
 */
import { sourceName } from "../wire/networks.ts";
import type { DialOptions } from "../stream/connection.ts";

/** Options of a {@linkcode Resolver}. */
export interface LookUpOptions extends DialOptions {
  /** User on whose behalf the name is looked up; empty or missing if the client is unauthenticated. */
  readonly user?: string | undefined;
  /** Address of the client on whose behalf the name is looked up. */
  readonly source?: string | undefined;
}

/** Result of a look-up. */
export interface Resolved {
  /** The addresses, in the order in which to try them. */
  readonly addresses: readonly string[];
  /**
   * Every other name on the way to the addresses: the name with a domain of the search list, each CNAME (RFC 1034 section 3.6.2), the
   * first name of the line in the hosts file. Rules are applied to each of them.
   */
  readonly names: readonly string[];
}

/**
 * Looks up the addresses of a name. A resolver that returns a plain list states that there are no other names on the way.
 *
 * The signal is aborted when the result is no longer needed. A resolver may ignore it; the server does not wait for it then.
 */
export type Resolver = (name: string, options: LookUpOptions) => Promise<readonly string[] | Resolved>;

/** Looks up the names of an address. */
export type ReverseResolver = (address: string, options: LookUpOptions) => Promise<readonly string[]>;

/**
 * Converts either form of a resolver's result to {@linkcode Resolved}.
 *
 * @throws {TypeError} The result has neither form; a resolver may be the user's own code.
 */
export function resolvedOf(answer: readonly string[] | Partial<Resolved>): Resolved {
  const { addresses, names = [] }: Partial<Resolved> = Array.isArray(answer) ? { addresses: answer } : Object(answer);
  if (isTexts(addresses) && isTexts(names)) return { addresses, names };
  throw new TypeError("Cannot use the resolver's result: an array of addresses, or { addresses, names }, is wanted");
}

function isTexts(list: unknown): list is readonly string[] {
  return Array.isArray(list) && list.every((text) => typeof text === "string");
}

/** Key under which a look-up is counted: the user, or for unauthenticated clients the source (for IPv6 its /64 network). */
export function ownerOf({ user = "", source }: LookUpOptions): string {
  if (user !== "") return `user ${user}`;
  return source === undefined ? "" : `source ${sourceName({ hostname: source, port: 0 }) ?? source}`;
}
