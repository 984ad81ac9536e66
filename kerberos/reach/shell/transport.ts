/**
 * The transport to KDCs over this machine's sockets.
 *
 * @module
 */
import { KdcAddresses } from "../addresses.ts";
import { socketTransport } from "../socket_transport.ts";
import type { KdcTransport } from "../transport.ts";
import { lookUpAddresses } from "./addresses.ts";
import { sockets } from "./default_sockets.ts";
import { sendTcp } from "./tcp.ts";
import { sendUdp } from "./udp.ts";

/**
 * Transport over the sockets of this machine, TCP and UDP: Deno's, or those of `node:net` and `node:dgram`.
 *
 * @throws {TypeError} Sending does, in a runtime that has neither.
 */
export const systemTransport: KdcTransport = socketTransport({
  addresses: new KdcAddresses(lookUpAddresses),
  tcp: sendTcp,
  udp: sendUdp,
  mayReach: (host) => sockets.mayReach(host),
});
