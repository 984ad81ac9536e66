/**
 * Addresses of names, through the system's resolver.
 *
 * @module
 */
import { requireBuiltin } from "../../../base/builtin.ts";
import { NO_TRANSPORT } from "./node_sockets.ts";

/** Looks up a name through getaddrinfo, with the hosts file, and in its order (RFC 6724): "verbatim" keeps it. */
export async function lookUpAddresses(hostname: string): Promise<readonly string[]> {
  const dns = requireBuiltin<typeof import("node:dns/promises")>("node:dns/promises", "look up a KDC", NO_TRANSPORT);
  const options: { all: true } = Object.assign({ all: true } as const, { order: "verbatim" });
  return (await dns.lookup(hostname, options)).map(({ address }) => address);
}
