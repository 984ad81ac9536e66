/**
 * Who a peer is, for rules and logs.
 *
 * @module
 */

/** Name of a method. */
export type MethodName = "none" | "password" | "gssapi";

/** Who a peer is, for rules and logs. */
export interface Identity {
  /** Method that says so. */
  readonly method: MethodName;
  /** User name, or principal such as `alice@EXAMPLE.COM`; empty where the method names nobody. */
  readonly name: string;
  /** Further facts, such as `realm` and `enctype`. */
  readonly attributes: Readonly<Record<string, string | number>>;
}
