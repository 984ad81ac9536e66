/**
 * Names for counting sessions by the client's address, and the choice of an address by family.
 *
 * @module
 */
import type { Endpoint } from "./address.ts";
import { canonicalAddress, formatIp, parseIp } from "./ip.ts";

/** Returns the name under which a client's sessions are counted: its address, or its /64 for IPv6, which one host may use. */
export function sourceName(client: Endpoint | undefined): string | undefined {
  return blockName(client, [4, 8]);
}

/** Returns the name of a client's network: the /24 of IPv4, or the /48 of IPv6, which one site may use. */
export function networkName(client: Endpoint | undefined): string | undefined {
  return blockName(client, [3, 6]);
}

/** Returns the name of a block of `short` bytes of an IPv4 address, or `long` bytes of an IPv6 address. */
function blockName(client: Endpoint | undefined, [short, long]: readonly [number, number]): string | undefined {
  if (client === undefined) return undefined;
  const address = canonicalAddress(client.hostname);
  const bytes = parseIp(address);
  const kept = bytes?.length === 16 ? long : short;
  if (bytes === undefined || kept === bytes.length) return address;
  return `${formatIp(bytes.fill(0, kept))}/${kept * 8}`;
}

/** Returns the first address of the target's family. */
export function addressFor(target: string, addresses: readonly string[]): string | undefined {
  const family = parseIp(target)?.length;
  return addresses.find((address) => parseIp(address)?.length === family);
}
