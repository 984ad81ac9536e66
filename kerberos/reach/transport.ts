/**
 * The interface of the transports that carry messages to KDCs (RFC 4120 section 7.2).
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import type { KdcEndpoint } from "./locate.ts";

/** Transport protocols of KDCs. */
export type KdcProtocol = "tcp" | "udp";

/** An endpoint with its protocol chosen. */
export interface KdcAddress extends KdcEndpoint {
  /** Transport protocol. */
  readonly protocol: "tcp" | "udp";
}

/** Carries one message to one KDC and returns the reply. */
export interface KdcTransport {
  /** Rejects if there is no reply, whatever the reason, and at once when the signal is aborted. */
  send(address: KdcAddress, message: Bytes, options: { readonly signal: AbortSignal }): Promise<Bytes>;
}
