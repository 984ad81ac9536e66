/**
 * The local address that a client's datagrams go out from.
 *
 * @module
 */
import { isUnspecified, specialKind } from "../rules/special_ranges.ts";
import type { DatagramSocket } from "../stream/datagram_socket.ts";
import { makeUnlessAborted } from "../stream/make_unless_aborted.ts";
import type { Endpoint } from "../wire/address.ts";
import { parseIp, withoutZone } from "../wire/ip.ts";

/**
 * The address that datagrams to a relay go out from: that of the connection to the proxy, because the proxy takes datagrams from no other
 * address and the system may choose another one. `undefined` if the relay cannot be reached from there.
 */
function sourceFor(local: Endpoint | undefined, relay: Endpoint): string | undefined {
  if (local === undefined) return undefined;
  const address = withoutZone(local.hostname);
  const [here, there] = [parseIp(address), parseIp(withoutZone(relay.hostname))];
  if (here === undefined || here.length !== there?.length || isUnspecified(address)) return undefined;
  // A connection through a tunnel on this machine is on loopback, and a socket bound to loopback cannot reach other machines.
  if ((specialKind(here) === "loopback") !== (specialKind(there) === "loopback")) return undefined;
  return local.hostname.includes("%") ? local.hostname : address;
}

/** Options of {@linkcode bindForRelay}. */
export interface BindForRelayOptions {
  /** Binds a socket at an address. */
  readonly binding: (hostname: string) => Promise<DatagramSocket>;
  /** Ends the attempt. */
  readonly attempt: AbortSignal;
}

/**
 * Binds a socket that reaches a relay.
 *
 * @param local Local end of the connection to the proxy.
 */
export async function bindForRelay(
  relay: Endpoint,
  local: Endpoint | undefined,
  { binding, attempt }: BindForRelayOptions,
): Promise<DatagramSocket> {
  const bind = (hostname: string) => makeUnlessAborted(() => binding(hostname), attempt, (late) => late.close());
  const unspecified = relay.hostname.includes(":") ? "::" : "0.0.0.0";
  const source = sourceFor(local, relay);
  if (source === undefined) return await bind(unspecified);
  try {
    return await bind(source);
  } catch {
    // The local end that a dialer reports may not be an address of this machine.
    return await bind(unspecified);
  }
}

/** The zone of an address with its `%`; empty if there is none. */
export function zoneOf(hostname = ""): string {
  return /%.*$/.exec(hostname)?.[0] ?? "";
}
