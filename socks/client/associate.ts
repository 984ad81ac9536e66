/**
 * UDP ASSOCIATE of the client (RFC 1928 section 7): opens an association for datagrams through a proxy.
 *
 * @module
 */
import type { BindDatagrams } from "../stream/datagram_socket.ts";
import { type GrantedRequest, requestWithRetry, startCallDeadline, type ThroughOptions } from "./request.ts";
import { SocksAuthError, SocksProtocolError } from "../errors.ts";
import { checkFunction } from "../argument_checks.ts";
import { isUnspecified } from "../rules/special_ranges.ts";
import { resolvedOf, type Resolver } from "../names/resolver.ts";
import { closeQuietly } from "../stream/close_quietly.ts";
import { makeUnlessAborted } from "../stream/make_unless_aborted.ts";
import type { Endpoint } from "../wire/address.ts";
import { canonicalAddress, isLinkLocal, parseIp } from "../wire/ip.ts";
import { Command } from "../wire/messages.ts";
import { SocksDatagrams } from "./datagrams.ts";
import { zoneOf } from "./local_address.ts";

/** Options of {@linkcode associateThrough}. */
export interface AssociateThroughOptions extends ThroughOptions {
  /** Binds the socket. */
  readonly bind: BindDatagrams;
  /** Looks up a relay whose address the proxy gives as a name. */
  readonly resolve: Resolver;
}

/**
 * Opens an association; throws as `connectThrough` does.
 *
 * @example
 * ```ts
 * import { associateThrough, bindUdp, dialTcp, noAuthentication, systemResolver } from "@gssocks/gssocks/socks";
 *
 * export async function ask(query: Uint8Array): Promise<Uint8Array> {
 *   await using datagrams = await associateThrough({
 *     proxy: { hostname: "proxy.example.com", port: 1080 },
 *     auth: [noAuthentication()],
 *     dial: dialTcp,
 *     bind: bindUdp,
 *     resolve: systemResolver,
 *   });
 *   await datagrams.send(query, { hostname: "192.0.2.53", port: 53 });
 *   const [answer] = await datagrams.receive();
 *   return answer;
 * }
 * ```
 */
export async function associateThrough(options: AssociateThroughOptions): Promise<SocksDatagrams> {
  const { bind, resolve } = options;
  checkFunction("bind", bind);
  checkFunction("resolve", resolve);
  using deadline = startCallDeadline(options);
  const attempt = deadline.signal;
  const granted = await requestWithRetry(attempt, options, {
    command: Command.UdpAssociate,
    hostname: "0.0.0.0",
    port: 0,
  });
  try {
    const { datagrams: codec } = granted.channel;
    if (codec === undefined) {
      throw new SocksAuthError("FLAGS_MISSING", "Security context does not detect replayed datagrams");
    }
    const relay = await relayOf(granted, options, attempt);
    return await SocksDatagrams.open(granted, { relay, codec, bind, attempt, signal: options.signal });
  } catch (error) {
    closeQuietly(granted.connection);
    throw error;
  }
}

/** The address of the relay. A proxy that reports an unspecified address is reached at the address of its own connection. */
async function relayOf(
  { bound, dialled }: GrantedRequest,
  { proxy, resolve }: AssociateThroughOptions,
  signal: AbortSignal,
): Promise<Endpoint> {
  const host = isUnspecified(bound.hostname) ? dialled.remote?.hostname ?? proxy.hostname : bound.hostname;
  const found = parseIp(host) === undefined
    ? await makeUnlessAborted(() => resolve(host, { signal }), signal, () => {})
    : [host];
  const [address] = resolvedOf(found).addresses;
  if (address === undefined) throw new SocksProtocolError("BAD_MESSAGE", `Proxy's relay ${host} has no address`);
  // The proxy does not know this machine's zones; the zone is that of the connection to the proxy.
  const zone = zoneOf(dialled.remote?.hostname) || zoneOf(proxy.hostname);
  const hostname = canonicalAddress(address);
  return { hostname: isLinkLocal(hostname) && !hostname.includes("%") ? hostname + zone : hostname, port: bound.port };
}
