/**
 * What a resolver is: from a name to its addresses, and to the names that it went through.
 *
 * @module
 */
import { sourceName } from "../wire/networks.ts";
import type { DialOptions } from "../stream/connection.ts";

/** What a {@linkcode Resolver} is told beside the name. */
export interface LookUpOptions extends DialOptions {
  /** User on whose behalf it is; empty or missing for nobody in particular. */
  readonly user?: string | undefined;
  /** Address of the client on whose behalf it is. */
  readonly source?: string | undefined;
}

/** What a name became. */
export interface Resolved {
  /** Its addresses, in the order in which they are to be tried. */
  readonly addresses: readonly string[];
  /**
   * Every other name on the way from the one that was asked for to the addresses: what a search list made of it, each CNAME
   * (RFC 1034 section 3.6.2), the first name of its line in the hosts file. Rules are asked about each of them.
   */
  readonly names: readonly string[];
}

/**
 * Looks up the addresses of a name. A resolver that gives a list of addresses says that the name became no other one.
 *
 * The signal is aborted when nobody waits any more. It may be left alone: the server goes on without the resolver then.
 */
export type Resolver = (name: string, options: LookUpOptions) => Promise<readonly string[] | Resolved>;

/** Looks up the names of an address. */
export type ReverseResolver = (address: string, options: LookUpOptions) => Promise<readonly string[]>;

/**
 * An answer of either form in the longer one.
 *
 * @throws {TypeError} When it is neither: resolvers are anybody's.
 */
export function resolvedOf(answer: readonly string[] | Partial<Resolved>): Resolved {
  const { addresses, names = [] }: Partial<Resolved> = Array.isArray(answer) ? { addresses: answer } : Object(answer);
  if (isTexts(addresses) && isTexts(names)) return { addresses, names };
  throw new TypeError("What the resolver gave is no list of addresses, nor one with the names on the way");
}

function isTexts(list: unknown): list is readonly string[] {
  return Array.isArray(list) && list.every((text) => typeof text === "string");
}

/**
 * On whose behalf a look-up counts: the user, wherever he comes from; the source, or its network of 64 bits, where he is nobody
 * in particular.
 */
export function ownerOf({ user = "", source }: LookUpOptions): string {
  if (user !== "") return `user ${user}`;
  return source === undefined ? "" : `source ${sourceName({ hostname: source, port: 0 }) ?? source}`;
}
