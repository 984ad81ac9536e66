/**
 * Which address of this machine's a client's datagrams go out from.
 *
 * @module
 */
import { isUnspecified, specialKind } from "../rules/special_ranges.ts";
import { makeUnlessAborted } from "../stream/make_unless_aborted.ts";
import type { Endpoint } from "../wire/address.ts";
import { parseIp, withoutZone } from "../wire/ip.ts";
import type { DatagramSocket } from "../stream/datagram_socket.ts";

/**
 * Where datagrams to a relay go out: where the connection to the proxy does, since the proxy takes them from nowhere else, and the system
 * may choose another address of this machine's for each. `undefined` where that is none from which the relay can be reached.
 */
function sourceFor(local: Endpoint | undefined, relay: Endpoint): string | undefined {
  if (local === undefined) return undefined;
  const address = withoutZone(local.hostname);
  const [here, there] = [parseIp(address), parseIp(withoutZone(relay.hostname))];
  if (here === undefined || here.length !== there?.length || isUnspecified(address)) return undefined;
  // A way to the proxy that begins on this machine, such as a tunnel, is none for datagrams; nor has a socket that is bound there a way out.
  if ((specialKind(here) === "loopback") !== (specialKind(there) === "loopback")) return undefined;
  return local.hostname.includes("%") ? local.hostname : address;
}

/** How {@linkcode bindTowards} makes a socket. */
interface Binding {
  /** Makes it at an address. */
  readonly binding: (hostname: string) => Promise<DatagramSocket>;
  /** Ends the attempt. */
  readonly attempt: AbortSignal;
}

/**
 * A socket that reaches a relay.
 *
 * @param local Where the connection to the proxy goes out.
 */
export async function bindTowards(
  relay: Endpoint,
  local: Endpoint | undefined,
  { binding, attempt }: Binding,
): Promise<DatagramSocket> {
  const make = (hostname: string) => makeUnlessAborted(() => binding(hostname), attempt, (late) => late.close());
  const anywhere = relay.hostname.includes(":") ? "::" : "0.0.0.0";
  const source = sourceFor(local, relay);
  if (source === undefined) return await make(anywhere);
  try {
    return await make(source);
  } catch {
    // What a dialer says of its end need not be an address of this machine's.
    return await make(anywhere);
  }
}

/** The zone of an address, with its sign; empty where there is none. */
export function zoneOf(hostname = ""): string {
  return /%.*$/.exec(hostname)?.[0] ?? "";
}
