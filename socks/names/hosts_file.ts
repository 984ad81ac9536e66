/**
 * The hosts file of hosts(5). Each line has an address, its name and its aliases.
 *
 * @module
 */
import { formatIp, parseIp } from "../wire/ip.ts";

/** The entry of one name. */
export interface HostsEntry {
  /** Addresses of all lines that have the name. */
  readonly addresses: readonly string[];
  /** First names of these lines, without the name itself. */
  readonly names: readonly string[];
}

/** A parsed hosts file. */
export interface HostsFile {
  /** Entries by name in lower case. */
  readonly byName: ReadonlyMap<string, HostsEntry>;
  /** First names of the lines, by address. */
  readonly byAddress: ReadonlyMap<string, readonly string[]>;
}

/** Parses a hosts file. Malformed lines are ignored, as the system does. */
export function parseHosts(text: string): HostsFile {
  const byName = new Map<string, { readonly addresses: string[]; readonly names: string[] }>();
  const byAddress = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const [first, ...names] = line.split("#", 1)[0]!.trim().toLowerCase().split(/\s+/);
    const bytes = parseIp(first!);
    if (bytes === undefined || names.length === 0) continue;
    const address = formatIp(bytes);
    add(byAddress, address, names[0]!);
    for (const name of names) {
      let entry = byName.get(name);
      if (entry === undefined) byName.set(name, entry = { addresses: [], names: [] });
      if (!entry.addresses.includes(address)) entry.addresses.push(address);
      if (names[0] !== name && !entry.names.includes(names[0]!)) entry.names.push(names[0]!);
    }
  }
  return { byName, byAddress };
}

function add(lists: Map<string, string[]>, key: string, value: string): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else if (!list.includes(value)) list.push(value);
}
