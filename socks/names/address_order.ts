/**
 * The order in which the addresses of a name are tried, after RFC 6724 section 6: from the addresses that this machine has it is
 * told which of them lead anywhere, without a socket for each. Addresses that are alike stay in the order in which they came.
 *
 * @module
 */
import { inCidr, parseCidr } from "../wire/cidr.ts";
import { parseIp, unmapped } from "../wire/ip.ts";

/** Kinds of addresses that matter here: their block, and their precedence (RFC 6724 section 2.1). */
const KINDS = [
  { name: "loopback6", block: parseCidr("::1/128")!, precedence: 50 },
  { name: "loopback4", block: parseCidr("127.0.0.0/8")!, precedence: 35 },
  { name: "link-local", block: parseCidr("fe80::/10")!, precedence: 40 },
  { name: "unique-local", block: parseCidr("fc00::/7")!, precedence: 3 },
  { name: "ipv6", block: parseCidr("::/0")!, precedence: 40 },
  { name: "ipv4", block: parseCidr("0.0.0.0/0")!, precedence: 35 },
] as const;

/**
 * Sorts them: first those for which there is an address of this machine's of the same kind to come from (rules 1, 2 and 5), among
 * them by precedence (rule 6).
 *
 * @param own Addresses of this machine's; `undefined` where they are not known, and each kind is taken to be there.
 */
export function inOrder(addresses: readonly string[], own: readonly string[] | undefined): readonly string[] {
  const kinds = own === undefined ? undefined : new Set(own.map((address) => kindOf(address)));
  const ranked = addresses.map((address) => {
    const kind = kindOf(address);
    return { address, reached: kind === undefined || (kinds?.has(kind) ?? true), precedence: kind?.precedence ?? 0 };
  });
  ranked.sort((a, b) => Number(b.reached) - Number(a.reached) || b.precedence - a.precedence);
  return ranked.map(({ address }) => address);
}

function kindOf(address: string): (typeof KINDS)[number] | undefined {
  const bytes = parseIp(address.replace(/%.*$/, ""));
  if (bytes === undefined) return undefined;
  const plain = unmapped(bytes);
  return KINDS.find(({ block }) => inCidr(plain, block));
}
