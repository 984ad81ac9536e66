/**
 * Checks of this machine's addresses that connections are to go out from.
 *
 * @module
 */
import { reasonText } from "../../base/reason.ts";
import { parseIp } from "../wire/ip.ts";
import type { ListenTcp } from "./listen_tcp.ts";

/**
 * Checks that sockets can be bound to the addresses. Otherwise every connection would fail later.
 *
 * @param listen Binds a socket.
 * @throws {TypeError} A text is no address, or this machine does not have the address.
 */
export function checkOwnAddresses(addresses: readonly string[], listen: ListenTcp): void {
  for (const address of addresses) {
    checkAddress(address);
    try {
      listen({ hostname: address, port: 0 }).close();
    } catch (cause) {
      // A program without the permission to listen may still be allowed to connect.
      if (cause instanceof Error && cause.name === "NotCapable") continue;
      const reason = reasonText(cause);
      throw new TypeError(`Cannot use egress ${address}: this machine cannot use that address: ${reason}`, { cause });
    }
  }
}

/**
 * Checks that a text is an address.
 *
 * @throws {TypeError} It is none.
 */
export function checkAddress(address: string): void {
  if (parseIp(address) !== undefined) return;
  throw new TypeError(`Cannot use egress ${JSON.stringify(address)}: it is no address of this machine`);
}
