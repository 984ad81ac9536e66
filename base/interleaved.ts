/**
 * Addresses in the order in which they are tried.
 *
 * @module
 */

/**
 * Items of several kinds, such as addresses of two families, so that the kinds alternate: a kind that leads nowhere holds the
 * others up for one item at most. The first stays the first, and the order inside a kind stays (RFC 8305 section 4, with a First
 * Address Family Count of 1).
 *
 * @param kindOf Says of what kind an item is. @default {of an address's text: its family}
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
