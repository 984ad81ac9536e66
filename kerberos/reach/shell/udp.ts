/**
 * Messages to a KDC over UDP (RFC 4120 section 7.2.1), through `node:dgram`, which needs no unstable flag.
 *
 * @module
 */
import type { SocketOptions } from "node:dgram";
import { requireBuiltin } from "../../../base/builtin.ts";
import type { Bytes } from "../../../base/bytes.ts";
import { sendDatagram } from "../datagram.ts";
import type { SendTo } from "../socket_transport.ts";
import { NO_TRANSPORT } from "./node_sockets.ts";

/** Sends a message in one datagram. */
export const sendUdp: SendTo = async (to, message, signal): Promise<Bytes> => {
  const { createSocket } = requireBuiltin<typeof import("node:dgram")>(
    "node:dgram",
    "send datagrams to a KDC",
    NO_TRANSPORT,
  );
  // Unlike Node's types, these do not have the `lookup` option.
  return await sendDatagram((options) => createSocket(options as SocketOptions), to, { message, signal });
};
