/**
 * Where clients of UDP ASSOCIATE and BIND are told to send and to come to, each in its own family.
 *
 * @module
 */
import { SocksReplyError } from "../../errors.ts";
import type { Connection } from "../../stream/connection.ts";
import { formatEndpoint } from "../../wire/address.ts";
import { hostName } from "../../wire/host_name.ts";
import { isLinkLocal, parseIp, withoutZone } from "../../wire/ip.ts";

/** What clients are told instead of an address of this machine: an address of each family, or a name. */
export type Announce = string | readonly string[];

/**
 * Checks what is to be announced.
 *
 * @throws {TypeError} When it is no address and no name, or there are two for one family.
 */
export function checkAnnounce(announce: Announce | undefined): void {
  if (announce === undefined) return;
  const hosts = typeof announce === "string" ? [announce] : announce;
  if (!Array.isArray(hosts) || hosts.length === 0) {
    throw new TypeError("Cannot announce: an address or a name is wanted");
  }
  const kinds = hosts.map((host) => kindOf(hostName(host)));
  for (const kind of kinds) {
    if (kinds.filter((other) => other === kind).length < 2) continue;
    throw new TypeError(`Cannot announce ${hosts.join(" and ")}: one ${kind} is the most`);
  }
}

function kindOf(host: string): "IPv4 address" | "IPv6 address" | "name" {
  const length = parseIp(host)?.length;
  return length === undefined ? "name" : length === 4 ? "IPv4 address" : "IPv6 address";
}

/** What is announced to somebody who can reach the family of an address; `undefined` where that is nothing. */
export function announcedFor(announce: Announce | undefined, address: string): string | undefined {
  if (announce === undefined) return undefined;
  const hosts = (typeof announce === "string" ? [announce] : announce).map(hostName);
  const kind = kindOf(withoutZone(address));
  // A name may stand for both.
  return hosts.find((host) => kindOf(host) === kind) ?? hosts.find((host) => kindOf(host) === "name");
}

/** The address of a family that stands for all of this machine's. */
export function anyOfFamily(address: string): "0.0.0.0" | "::" {
  return address.includes(":") ? "::" : "0.0.0.0";
}

/** The places of an association's socket and its client. */
export interface FacingClient {
  /** Address of the client. */
  readonly client: string;
  /** Where the socket is bound that its datagrams come to. */
  readonly bind: string;
  /** What the client is told of that. */
  readonly told: string;
}

/**
 * Where the socket goes that faces the client of a connection.
 *
 * @throws {SocksReplyError} When there is no place that such a client could reach.
 */
export function facingClient(
  { local, remote, relayedBy }: Pick<Connection, "local" | "remote" | "relayedBy">,
  announce: Announce | undefined,
): FacingClient {
  if (local === undefined || (remote === undefined && relayedBy === undefined)) {
    throw new SocksReplyError("COMMAND_NOT_SUPPORTED", "Client came over something that has no addresses");
  }
  const here = withoutZone(local.hostname);
  if (relayedBy !== undefined) return facingRelayed(here, { remote, relayedBy }, announce);
  const hasZone = local.hostname.includes("%");
  if (isLinkLocal(here) && !hasZone) throw onWhichInterface(here);
  return {
    client: withoutZone(remote!.hostname),
    bind: hasZone ? local.hostname : here,
    told: announcedFor(announce, here) ?? here,
  };
}

function facingRelayed(
  here: string,
  { remote, relayedBy }: Required<Pick<Connection, "remote" | "relayedBy">>,
  announce: Announce | undefined,
): FacingClient {
  const by = formatEndpoint(relayedBy!);
  if (remote === undefined || formatEndpoint(remote) === by) {
    throw new SocksReplyError(
      "GENERAL_FAILURE",
      `Client's address is not known: ${by}, which hands it on, does not tell it`,
    );
  }
  const client = withoutZone(remote.hostname);
  if (isLinkLocal(client)) throw onWhichInterface(client);
  const bind = anyOfFamily(client);
  const told = announcedFor(announce, client) ?? (anyOfFamily(here) === bind ? here : undefined);
  if (told !== undefined) return { client, bind, told };
  const problem =
    `Client ${client} was handed on by ${by} to ${here}, which is of the other family, and nothing of its own is announced`;
  throw new SocksReplyError("GENERAL_FAILURE", problem);
}

function onWhichInterface(address: string): SocksReplyError {
  return new SocksReplyError(
    "COMMAND_NOT_SUPPORTED",
    `Client came over the link-local address ${address}, and the system does not say on which interface that is`,
  );
}
