/**
 * The order in which addresses of two families are tried.
 *
 * @module
 */

/**
 * Returns the items so that their kinds alternate, such as the families of addresses: a kind that does not work delays the others
 * by one item at a time. The first item stays first, and the order inside a kind stays (RFC 8305 section 4, with a First
 * Address Family Count of 1).
 *
 * @param kindOf Returns the kind of an item. @default {the family of an address}
 */
export function interleaved<T>(items: readonly T[], kindOf: (item: T) => unknown = familyOf): T[] {
  const kinds = new Map<unknown, T[]>();
  for (const item of items) {
    const kind = kindOf(item);
    const same = kinds.get(kind);
    if (same === undefined) kinds.set(kind, [item]);
    else same.push(item);
  }
  const mixed: T[] = [];
  for (let round = 0; mixed.length < items.length; round++) {
    for (const same of kinds.values()) if (round < same.length) mixed.push(same[round]!);
  }
  return mixed;
}

function familyOf(address: unknown): "IPv6" | "IPv4" {
  return String(address).includes(":") ? "IPv6" : "IPv4";
}
