/**
 * The addresses at which clients reach a listener on this machine.
 *
 * @module
 */
import { builtin, hasDeno } from "../../../base/builtin.ts";

/** At most this many addresses of the machine are listed. */
const MAX_ADDRESSES = 4;

/**
 * Returns the addresses to connect to for a listener. The unspecified address is none of them: the machine's own addresses
 * stand for it, if the program has the permission to list them, and the loopback address for clients on this machine.
 */
export function reachableAddresses(hostname: string): readonly string[] {
  const all = !isUnspecified(hostname) ? undefined : hostname.includes(":") ? ["IPv4", "IPv6"] : ["IPv4"];
  if (all === undefined) return [hostname];
  const own = mayListInterfaces() ? interfaces() : [];
  const reachable = own.filter(({ family, address }) =>
    all.includes(family) && !/^(?:127\.|169\.254\.|::1$|fe[89ab])/i.test(address)
  );
  return [
    ...reachable.map(({ address }) => address).slice(0, MAX_ADDRESSES),
    all.length === 2 ? "::1" : "127.0.0.1",
  ];
}

/** Whether an address is the unspecified one (RFC 4291 section 2.5.2): `0.0.0.0`, or `::` in any spelling. */
function isUnspecified(hostname: string): boolean {
  return hostname === "0.0.0.0" || (hostname.includes(":") && /^[0:]+$/.test(hostname));
}

function interfaces(): readonly { readonly family: string; readonly address: string }[] {
  if (hasDeno) return Deno.networkInterfaces();
  const found = builtin<typeof import("node:os")>("node:os")?.networkInterfaces() ?? {};
  return Object.values(found).flatMap((all) => all ?? []);
}

/** Whether the permission is granted already; the user is not prompted. */
function mayListInterfaces(): boolean {
  return !hasDeno || Deno.permissions.querySync({ name: "sys", kind: "networkInterfaces" }).state === "granted";
}
