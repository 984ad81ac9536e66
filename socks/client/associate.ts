/**
 * The client's side of UDP ASSOCIATE (RFC 1928 section 7, RFC 1961 section 5): datagrams through a proxy.
 *
 * @module
 */
import { SocksDatagrams } from "./datagrams.ts";
import { type GrantedRequest, requestWithin, startCall, type ThroughOptions } from "./request.ts";
import { SocksAuthError, SocksProtocolError } from "../errors.ts";
import { givenFunction } from "../given.ts";
import { isUnspecified } from "../rules/special_ranges.ts";
import { resolvedOf, type Resolver } from "../names/resolver.ts";
import { closeAnyway } from "../stream/closed.ts";
import { takeInTime } from "../stream/late.ts";
import type { Endpoint } from "../wire/address.ts";
import { canonicalAddress, isLinkLocal, parseIp } from "../wire/ip.ts";
import { Command } from "../wire/messages.ts";
import type { BindDatagrams } from "../stream/datagram_socket.ts";
import { zoneOf } from "./local_address.ts";

/** What {@linkcode associateThrough} takes. */
export interface AssociateThroughOptions extends ThroughOptions {
  /** Makes the socket. */
  readonly bind: BindDatagrams;
  /** Looks up a relay that the proxy gives by name. */
  readonly resolve: Resolver;
}

/** Opens an association; throws as `connectThrough` does. */
export async function associateThrough(options: AssociateThroughOptions): Promise<SocksDatagrams> {
  givenFunction("bind", options.bind);
  givenFunction("resolve", options.resolve);
  using deadline = startCall(options);
  const { signal } = deadline;
  const granted = await requestWithin(signal, options, { command: Command.UdpAssociate, hostname: "0.0.0.0", port: 0 });
  try {
    const { datagrams: codec } = granted.channel;
    if (codec === undefined) {
      throw new SocksAuthError("FLAGS_MISSING", "Security context does not notice datagrams that come twice");
    }
    const relay = await relayOf(granted, options, signal);
    return await SocksDatagrams.open(granted, {
      relay,
      codec,
      bind: options.bind,
      attempt: signal,
      signal: options.signal,
    });
  } catch (error) {
    closeAnyway(granted.connection);
    throw error;
  }
}

/** Where the proxy takes datagrams. One that listens on all of its addresses says so, which is no use to anybody. */
async function relayOf(
  { bound, dialled }: GrantedRequest,
  { proxy, resolve }: AssociateThroughOptions,
  signal: AbortSignal,
): Promise<Endpoint> {
  const named = isUnspecified(bound.hostname) ? dialled.remote?.hostname ?? proxy.hostname : bound.hostname;
  const found = parseIp(named) === undefined
    ? await takeInTime(() => resolve(named, { signal }), signal, () => {})
    : [named];
  const [address] = resolvedOf(found).addresses;
  if (address === undefined) throw new SocksProtocolError("BAD_MESSAGE", `Proxy's relay ${named} has no address`);
  // A zone is this side's to know, from how the proxy was called.
  const zone = zoneOf(dialled.remote?.hostname) || zoneOf(proxy.hostname);
  const hostname = canonicalAddress(address);
  return { hostname: isLinkLocal(hostname) && !hostname.includes("%") ? hostname + zone : hostname, port: bound.port };
}
