/**
 * The transport to KDCs over this machine's sockets.
 *
 * @module
 */
import { KdcAddresses } from "../addresses.ts";
import { socketTransport } from "../socket_transport.ts";
import type { KdcTransport } from "../transport.ts";
import { lookUpAddresses } from "./addresses.ts";
import { mayReach, sendTcp } from "./tcp.ts";
import { sendUdp } from "./udp.ts";

/** Transport over Deno's sockets, TCP and UDP. */
export const denoTransport: KdcTransport = socketTransport({
  addresses: new KdcAddresses(lookUpAddresses),
  tcp: sendTcp,
  udp: sendUdp,
  mayReach,
});
