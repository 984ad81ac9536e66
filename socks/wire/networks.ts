/**
 * Names under which sessions are counted by the client's address.
 *
 * @module
 */
import type { Endpoint } from "./address.ts";
import { canonicalAddress, formatIp, parseIp } from "./ip.ts";

/** Name under which a client's address counts: the address, or the network of 64 bits that one host of IPv6 may have. */
export function sourceName(client: Endpoint | undefined): string | undefined {
  return blockName(client, [4, 8]);
}

/** Name under which the network of a client's address counts: 24 bits of IPv4, and the 48 bits of IPv6 that one site may have. */
export function networkName(client: Endpoint | undefined): string | undefined {
  return blockName(client, [3, 6]);
}

/** So many bytes of an address of either family. */
export function blockName(client: Endpoint | undefined, [short, long]: readonly [number, number]): string | undefined {
  if (client === undefined) return undefined;
  const address = canonicalAddress(client.hostname);
  const bytes = parseIp(address);
  const kept = bytes?.length === 16 ? long : short;
  if (bytes === undefined || kept === bytes.length) return address;
  return `${formatIp(bytes.fill(0, kept))}/${kept * 8}`;
}

/** The first address of the target's family. */
export function addressFor(target: string, addresses: readonly string[]): string | undefined {
  const family = parseIp(target)?.length;
  return addresses.find((address) => parseIp(address)?.length === family);
}
