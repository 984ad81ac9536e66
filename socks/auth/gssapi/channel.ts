/**
 * What the GSS-API method ends with, on both sides.
 *
 * @module
 */
import type { GssContext } from "../../../gss/mechanism.ts";
import { GssError } from "../../../gss/status.ts";
import { SocksAuthError } from "../../errors.ts";
import type { Connection } from "../../stream/connection.ts";
import { ProtectedConnection } from "../../stream/record_layer.ts";
import type { ProtectionLevel, SealPolicy } from "../../protection.ts";
import { plainDatagrams, protectedDatagrams } from "../../stream/datagram_codec.ts";
import type { SecuredChannel } from "../method.ts";
import type { Identity } from "../../identity.ts";

/** The peer of a context. */
export function identityOf(context: GssContext): Identity {
  return Object.freeze({ method: "gssapi", name: context.peer.text, attributes: context.attributes });
}

/** The channel that a context and a level make. */
export function securedChannel(
  connection: Connection,
  context: GssContext,
  level: ProtectionLevel,
  seal: SealPolicy | undefined,
): SecuredChannel {
  const identity = identityOf(context);
  const { expiresAt } = context;
  if (level === "none") {
    context.dispose();
    return { connection, identity, protection: level, datagrams: plainDatagrams, expiresAt };
  }
  return {
    connection: new ProtectedConnection({ connection, context, level, seal }),
    identity,
    protection: level,
    datagrams: context.flags.replay ? protectedDatagrams({ context, level, seal }) : undefined,
    ordered: context.flags.sequence,
    expiresAt,
  };
}

/** GSS-API errors become this layer's; its own and everything else stay what they are. */
export function gssapiFailure(error: unknown, what: string): unknown {
  return error instanceof GssError
    ? new SocksAuthError("GSSAPI_FAILED", `${what}: ${error.message}`, { cause: error })
    : error;
}
