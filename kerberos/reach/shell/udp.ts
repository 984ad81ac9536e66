/**
 * Messages to a KDC over UDP (RFC 4120 section 7.2.1), through `node:dgram`, which needs no unstable flag.
 *
 * @module
 */
import type { SocketOptions } from "node:dgram";
import type { Bytes } from "../../../base/bytes.ts";
import { sendDatagram } from "../datagram.ts";
import type { SendTo } from "../socket_transport.ts";

/** Sends a message in one datagram. */
export const sendUdp: SendTo = async (to, message, signal): Promise<Bytes> => {
  const { createSocket } = await import("node:dgram");
  // Unlike Node's types, these do not have the `lookup` option.
  return await sendDatagram((options) => createSocket(options as SocketOptions), to, { message, signal });
};
