/**
 * The order in which the addresses of a name are tried (RFC 6724 section 6). This machine's own addresses show which of them can be reached,
 * so no socket is needed to find out.
 *
 * @module
 */
import { inCidr, parseCidr } from "../wire/cidr.ts";
import { parseIp, unmapped } from "../wire/ip.ts";

/** Kinds of addresses with their blocks and precedences (RFC 6724 section 2.1). */
const KINDS = [
  { name: "loopback6", block: parseCidr("::1/128")!, precedence: 50 },
  { name: "loopback4", block: parseCidr("127.0.0.0/8")!, precedence: 35 },
  { name: "link-local", block: parseCidr("fe80::/10")!, precedence: 40 },
  { name: "unique-local", block: parseCidr("fc00::/7")!, precedence: 3 },
  { name: "ipv6", block: parseCidr("::/0")!, precedence: 40 },
  { name: "ipv4", block: parseCidr("0.0.0.0/0")!, precedence: 35 },
] as const;

/**
 * Sorts addresses. First come those of a kind of which this machine has an address itself (rules 1, 2 and 5), then the higher precedence
 * (rule 6). Otherwise the order stays.
 *
 * @param own This machine's addresses; `undefined` if they are unknown. Then every kind counts as reachable.
 */
export function sortAddresses(addresses: readonly string[], own: readonly string[] | undefined): readonly string[] {
  const kinds = own === undefined ? undefined : new Set(own.map((address) => kindOf(address)));
  const ranked = addresses.map((address) => {
    const kind = kindOf(address);
    const isReachable = kind === undefined || (kinds?.has(kind) ?? true);
    return { address, isReachable, precedence: kind?.precedence ?? 0 };
  });
  ranked.sort((a, b) => Number(b.isReachable) - Number(a.isReachable) || b.precedence - a.precedence);
  return ranked.map(({ address }) => address);
}

function kindOf(address: string): (typeof KINDS)[number] | undefined {
  const bytes = parseIp(address.replace(/%.*$/, ""));
  if (bytes === undefined) return undefined;
  const plain = unmapped(bytes);
  return KINDS.find(({ block }) => inCidr(plain, block));
}
