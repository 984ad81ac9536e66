/**
 * BIND for a server that listens itself, by its rules.
 *
 * @module
 */
import { SocksReplyError } from "../../errors.ts";
import type { Resolver } from "../../names/resolver.ts";
import type { RuleSet } from "../../rules/rule_set.ts";
import { isUnspecified } from "../../rules/special_ranges.ts";
import type { ListenTcp } from "../../stream/listen_tcp.ts";
import type { ConnectionListener } from "../../stream/listener.ts";
import { canonicalAddress, isLinkLocal, withoutZone } from "../../wire/ip.ts";
import { addressFor } from "../../wire/networks.ts";
import { type Announce, announcedFor, anyOfFamily, checkAnnounce } from "./announce.ts";
import { decided, judgeCommand, judgedAddresses } from "./judged.ts";
import type { OpenBind, PendingBind } from "./target.ts";

/** Options of {@linkcode bindDirectly}. */
export interface BindDirectlyOptions {
  /** Rules for requests, and for connections that come. */
  readonly rules: () => RuleSet;
  /** Looks names up. */
  readonly resolve: Resolver;
  /** Listens. */
  readonly listen: ListenTcp;
  /** Address to listen on for every request. @default {one of `egress`} */
  readonly address?: string | undefined;
  /**
   * Local addresses at which targets reach this machine, one of each family. The server listens on the one of the expected peer's family;
   * if any peer is expected, on the one of the client's family.
   *
   * @default {the address at which the client reached this server, or all addresses of the family}
   */
  readonly egress?: readonly string[] | undefined;
  /** What is announced to clients instead of the address listened on, for a server behind NAT: an address of each family, or a name. */
  readonly announce?: Announce | undefined;
}

/**
 * Listens itself. Connections from elsewhere than expected, or that no rule allows, are closed.
 *
 * @throws {TypeError} When what is announced is not a host, or there is more than one of a family.
 *
 * @example
 * ```ts
 * import { type OpenBind, bindDirectly, listenTcp, RuleSet, systemResolver } from "@gssocks/gssocks/socks";
 *
 * const rules = new RuleSet([]);
 * const bind: OpenBind = bindDirectly({ rules: () => rules, resolve: systemResolver, listen: listenTcp });
 * if (typeof bind !== "function") throw new Error("nothing to open targets with");
 * ```
 */
export function bindDirectly(options: BindDirectlyOptions): OpenBind {
  const { resolve, listen, announce } = options;
  checkAnnounce(announce);
  return async (request, local): Promise<PendingBind> => {
    const rules = options.rules();
    const anyPeer = isUnspecified(request.hostname);
    if (anyPeer) judgeCommand(request, rules);
    const judged = anyPeer ? undefined : await judgedAddresses(request, { rules, resolve });
    decided(request, judged?.[0]?.verdict);
    const expected = judged?.map(({ address }) => address);
    const address = addressToListenOn(expected?.[0], local?.hostname, options);
    const listener = listenAtPort(listen, address, anyPeer ? request.port : 0);
    const { hostname, port } = listener.addr;
    return {
      bound: { hostname: announcedFor(announce, hostname) ?? withoutZone(hostname), port },
      close: () => listener.close(),
      async accept() {
        for (;;) {
          const connection = await listener.accept();
          if (connection === undefined) throw new SocksReplyError("GENERAL_FAILURE", "Listener is closed");
          const peer = { hostname: canonicalAddress(connection.remote!.hostname), port: connection.remote!.port };
          const verdict = judged?.find(({ address }) => address === peer.hostname)?.verdict ??
            (anyPeer ? options.rules().judgeAddress({ ...request, ...peer }, peer.hostname) : undefined);
          if (verdict?.allowed) {
            decided(request, verdict);
            return { connection, peer };
          }
          connection.close();
        }
      },
    };
  };
}

/** Returns the address to listen on for the expected peer, or for any peer. */
export function addressToListenOn(
  expected: string | undefined,
  local: string | undefined,
  { address, egress = [] }: BindDirectlyOptions,
): string {
  const here = local === undefined ? undefined : withoutZone(local);
  const wanted = expected ?? here;
  const chosen = address ?? (wanted === undefined ? undefined : addressFor(wanted, egress));
  if (chosen !== undefined) return canonicalAddress(chosen);
  if (here === undefined || local === undefined) {
    throw new SocksReplyError("GENERAL_FAILURE", "Cannot listen: the client came without an address of this side");
  }
  // A peer of one family cannot connect to an address of the other.
  if (anyOfFamily(wanted!) !== anyOfFamily(here)) return anyOfFamily(wanted!);
  if (!isLinkLocal(here)) return here;
  if (local.includes("%")) return local;
  throw new SocksReplyError(
    "GENERAL_FAILURE",
    `Cannot listen at ${here}: the system does not say on which interface the client reached it`,
  );
}

/**
 * Listens. A BIND with an unspecified address may ask for a port (Dante's client does), which is used if it is free and needs no
 * privilege.
 */
export function listenAtPort(listen: ListenTcp, hostname: string, wanted: number): ConnectionListener {
  if (wanted >= 1024) {
    try {
      return listen({ hostname, port: wanted });
    } catch {
      // The port is taken: any other port will do; the client may reject it.
    }
  }
  return listen({ hostname, port: 0 });
}
