/**
 * Mechanism-neutral GSS-API (RFC 2743): names, status, channel bindings, the interfaces of a mechanism, and SPNEGO.
 *
 * @example Step two sides of any mechanism against each other
 * ```ts
 * import type { GssContext, GssNegotiation } from "@gssocks/gssocks/gss";
 *
 * export async function establish(initiator: GssNegotiation, acceptor: GssNegotiation): Promise<[GssContext, GssContext]> {
 *   let ours = await initiator.step();
 *   let theirs = await acceptor.step(ours.token!);
 *   while (!ours.done) {
 *     ours = await initiator.step(theirs.token!);
 *     if (!theirs.done) theirs = await acceptor.step(ours.token!);
 *   }
 *   if (!theirs.done) throw new Error("The acceptor wants more");
 *   return [ours.context, theirs.context];
 * }
 * ```
 *
 * @module
 */
export type { Bytes } from "../base/bytes.ts";
export type { GssAccount } from "./account.ts";
export type { ChannelBindings } from "./channel_bindings.ts";
export type { AcceptOptions, GssAcceptorCredential, GssInitiatorCredential, InitiateOptions } from "./credential.ts";
export type { GssContext, GssFlags, UnwrapOptions, UnwrappedMessage, WrapOptions } from "./context.ts";
export type { GssNegotiation, GssStep } from "./negotiation.ts";
export { type GssName, type GssNameType, hostbasedService } from "./names.ts";
export { type Runtime, systemRuntime } from "../base/runtime.ts";
export {
  GssError,
  type GssErrorCode,
  type GssErrorInit,
  type GssMajor,
  MAJOR_STATUS,
  type SupplementaryStatus,
} from "./status.ts";
export { spnegoAcceptor } from "./spnego/acceptor.ts";
export { spnegoInitiator } from "./spnego/initiator.ts";
export type { MechanismErrorCode, SpnegoErrorCode } from "./error_codes.ts";
export { SPNEGO_OID } from "./oids.ts";
