/**
 * Blocks of addresses (CIDR).
 *
 * @module
 */
import { parseIp, unmapped } from "./ip.ts";
import type { Bytes } from "../../base/bytes.ts";

/** A block of addresses. */
export interface Cidr {
  /** First address. */
  readonly network: Bytes;
  /** Length of the prefix, in bits. */
  readonly bits: number;
}

/**
 * Parses `address` or `address/bits`; `undefined` for text that is neither.
 *
 * @throws {RangeError} When the prefix is too long, or bits behind it are set, which is usually a mistake.
 */
export function parseCidr(text: string): Cidr | undefined {
  const parts = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text);
  const network = parts === null ? undefined : parseIp(parts[1]!.replace(/^\[(.*)\]$/, "$1"));
  if (network === undefined) return undefined;
  const bits = Number(parts![2] ?? 8 * network.length);
  if (bits > 8 * network.length) throw new RangeError(`Cannot read ${text}: a prefix of ${bits} bits is too long`);
  if (network.some((byte, i) => (byte & ~mask(bits, i)) !== 0)) {
    throw new RangeError(`Cannot read ${text}: the address has bits behind the first ${bits}`);
  }
  return { network, bits };
}

function mask(bits: number, byte: number): number {
  const left = Math.min(8, Math.max(0, bits - 8 * byte));
  return (0xff00 >> left) & 0xff;
}

/** Whether an address is in a block. */
export function inCidr(address: Uint8Array, { network, bits }: Cidr): boolean {
  return address.length === network.length &&
    address.every((byte, i) => ((byte ^ network[i]!) & mask(bits, i)) === 0);
}

/** Whether all of a block is in another one. */
export function isWithin({ network, bits }: Cidr, outer: Cidr): boolean {
  return bits >= outer.bits && inCidr(network, outer);
}

/** Parses an address or a block; the address may have brackets. A block of mapped IPv4 addresses becomes one of IPv4 addresses. */
export function parseBlock(text: string): Cidr | undefined {
  const block = parseCidr(text);
  if (block === undefined || block.bits < 96) return block;
  const network = unmapped(block.network) as Bytes;
  return network === block.network ? block : { network, bits: block.bits - 96 };
}
