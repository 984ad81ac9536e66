/**
 * The channel that the GSS-API method returns, on both sides.
 *
 * @module
 */
import type { GssContext } from "../../../gss/context.ts";
import { GssError } from "../../../gss/status.ts";
import { SocksAuthError } from "../../errors.ts";
import type { Identity } from "../../identity.ts";
import type { ProtectionLevel, SealPolicy } from "../../protection.ts";
import type { Connection } from "../../stream/connection.ts";
import { plainDatagrams, protectedDatagrams } from "../../stream/datagram_codec.ts";
import { ProtectedConnection } from "../../stream/record_layer.ts";
import type { SecuredChannel } from "../method.ts";

/** Returns the identity of a context's peer. */
export function identityOf(context: GssContext): Identity {
  const { peer, attributes, account } = context;
  return Object.freeze({
    method: "gssapi",
    name: peer.text,
    attributes,
    ...(account === undefined ? {} : { account }),
  });
}

/** Returns the channel over a connection with an established context, at the level that was agreed. */
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

/** Returns a GSS-API error as a {@linkcode SocksAuthError}, and any other error as it is. */
export function gssapiFailure(error: unknown, failedAction: string): unknown {
  return error instanceof GssError
    ? new SocksAuthError("GSSAPI_FAILED", `${failedAction}: ${error.message}`, { cause: error })
    : error;
}
