/**
 * The addresses that a server announces to clients of UDP ASSOCIATE and BIND, each in the family of the client.
 *
 * @module
 */
import { SocksReplyError } from "../../errors.ts";
import type { Connection } from "../../stream/connection.ts";
import { type Endpoint, formatEndpoint } from "../../wire/address.ts";
import { hostName } from "../../wire/host_name.ts";
import { isLinkLocal, parseIp, withoutZone } from "../../wire/ip.ts";

/** What is announced to clients instead of a local address: an address of each family, or a name. */
export type Announce = string | readonly string[];

/**
 * Checks what a caller announces.
 *
 * @throws {TypeError} When it is not an address or a name, or there are two of one family.
 */
export function checkAnnounce(announce: Announce | undefined): void {
  if (announce === undefined) return;
  const hosts = typeof announce === "string" ? [announce] : announce;
  if (!Array.isArray(hosts) || hosts.length === 0) {
    throw new TypeError("Cannot announce: expected an address or a name");
  }
  const kinds = hosts.map((host) => kindOf(hostName(host)));
  for (const kind of kinds) {
    if (kinds.filter((other) => other === kind).length < 2) continue;
    throw new TypeError(`Cannot announce ${hosts.join(" and ")}: at most one ${kind} is allowed`);
  }
}

function kindOf(host: string): "IPv4 address" | "IPv6 address" | "name" {
  const length = parseIp(host)?.length;
  return length === undefined ? "name" : length === 4 ? "IPv4 address" : "IPv6 address";
}

/** Returns what is announced to a client of the family of an address; `undefined` if nothing is. */
export function announcedFor(announce: Announce | undefined, address: string): string | undefined {
  if (announce === undefined) return undefined;
  const hosts = (typeof announce === "string" ? [announce] : announce).map(hostName);
  const kind = kindOf(withoutZone(address));
  // A name may have addresses of both families.
  return hosts.find((host) => kindOf(host) === kind) ?? hosts.find((host) => kindOf(host) === "name");
}

/** Returns the unspecified address of the family of an address. */
export function anyOfFamily(address: string): "0.0.0.0" | "::" {
  return address.includes(":") ? "::" : "0.0.0.0";
}

/** Addresses of an association's client, and of the socket that faces it. */
export interface FacingClient {
  /** Address of the client. */
  readonly client: string;
  /** Address to bind the socket to. */
  readonly bind: string;
  /** Address or name that is announced to the client. */
  readonly announced: string;
}

/**
 * Returns the addresses for the client of a connection.
 *
 * @throws {SocksReplyError} When there is no address that the client could reach.
 */
export function facingClient(
  { local, remote, relayedBy }: Pick<Connection, "local" | "remote" | "relayedBy">,
  announce: Announce | undefined,
): FacingClient {
  if (local === undefined || (remote === undefined && relayedBy === undefined)) {
    throw new SocksReplyError("COMMAND_NOT_SUPPORTED", "Client is connected by a transport without addresses");
  }
  const here = withoutZone(local.hostname);
  if (relayedBy !== undefined) return facingRelayed(here, { remote, relayedBy }, announce);
  const hasZone = local.hostname.includes("%");
  if (isLinkLocal(here) && !hasZone) throw unknownInterface(here);
  return {
    client: withoutZone(remote!.hostname),
    bind: hasZone ? local.hostname : here,
    announced: announcedFor(announce, here) ?? here,
  };
}

function facingRelayed(
  here: string,
  { remote, relayedBy }: { readonly remote: Endpoint | undefined; readonly relayedBy: Endpoint },
  announce: Announce | undefined,
): FacingClient {
  const by = formatEndpoint(relayedBy);
  if (remote === undefined || formatEndpoint(remote) === by) {
    throw new SocksReplyError(
      "GENERAL_FAILURE",
      `Client's address is unknown: the balancer ${by} does not tell it`,
    );
  }
  const client = withoutZone(remote.hostname);
  if (isLinkLocal(client)) throw unknownInterface(client);
  const bind = anyOfFamily(client);
  const announced = announcedFor(announce, client) ?? (anyOfFamily(here) === bind ? here : undefined);
  if (announced !== undefined) return { client, bind, announced };
  const problem =
    `Client ${client} came through the balancer ${by} to ${here}, which is of the other family, and no address of its family is announced`;
  throw new SocksReplyError("GENERAL_FAILURE", problem);
}

function unknownInterface(address: string): SocksReplyError {
  return new SocksReplyError(
    "COMMAND_NOT_SUPPORTED",
    `Client is connected by the link-local address ${address}, and the system does not tell its interface`,
  );
}
