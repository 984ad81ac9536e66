/**
 * The method NO AUTHENTICATION REQUIRED (RFC 1928 section 3).
 *
 * @module
 */
import type { Identity } from "../identity.ts";
import { Method } from "../wire/messages.ts";
import type { ClientAuthMethod, ServerAuthMethod } from "./method.ts";
import { plainChannel } from "./plain_channel.ts";

const UNAUTHENTICATED: Identity = Object.freeze({ method: "none", name: "", attributes: Object.freeze({}) });

/**
 * Creates the method that requires no authentication, for both sides.
 *
 * @example
 * ```ts
 * import { noAuthentication } from "@gssocks/gssocks/socks";
 *
 * if (noAuthentication().code !== 0) throw new Error("X'00' is NO AUTHENTICATION REQUIRED");
 * ```
 */
export function noAuthentication(): ClientAuthMethod & ServerAuthMethod {
  return {
    code: Method.None,
    name: "none",
    authenticate: (connection) => Promise.resolve(plainChannel(connection, UNAUTHENTICATED)),
    accept: (connection) => Promise.resolve(plainChannel(connection, UNAUTHENTICATED)),
  };
}
