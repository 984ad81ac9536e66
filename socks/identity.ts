/**
 * The identity of an authenticated peer, for rules and logs.
 *
 * @module
 */

import type { GssAccount } from "../gss/account.ts";

/** Name of an authentication method. */
export type MethodName = "none" | "password" | "gssapi";

/** Identity of a peer, for rules and logs. */
export interface Identity {
  /** Method that authenticated the peer. */
  readonly method: MethodName;
  /** Username, or principal such as `alice@EXAMPLE.COM`; empty for method "none". */
  readonly name: string;
  /** Further facts, such as `realm` and `enctype`. */
  readonly attributes: Readonly<Record<string, string | number>>;
  /** Account of the directory that the peer is, if its mechanism verified one; see `GssContext.account`. */
  readonly account?: GssAccount | undefined;
}
