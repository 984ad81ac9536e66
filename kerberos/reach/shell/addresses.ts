/**
 * Addresses of names, through the system's resolver.
 *
 * @module
 */

/** Looks up a name through getaddrinfo, with the hosts file, and in its order (RFC 6724): "verbatim" keeps it. */
export async function lookUpAddresses(hostname: string): Promise<readonly string[]> {
  const { lookup } = await import("node:dns/promises");
  const options: { all: true } = Object.assign({ all: true } as const, { order: "verbatim" });
  return (await lookup(hostname, options)).map(({ address }) => address);
}
