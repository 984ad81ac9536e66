/**
 * BIND (RFC 1928 section 4): listen, say where, wait for the one connection expected, say from where it came, relay.
 *
 * @module
 */
import { SocksReplyError } from "../../errors.ts";
import { judgeCommand, judgedAddresses } from "../targets/judged_addresses.ts";
import type { RuleSet } from "../../rules/rule_set.ts";
import { isUnspecified } from "../../rules/special_ranges.ts";
import type { Connection } from "../../stream/connection.ts";
import type { Resolver } from "../../names/resolver.ts";
import { closeQuietly } from "../../stream/close_quietly.ts";
import type { ListenTcp } from "../../stream/listen_tcp.ts";
import type { ConnectionListener } from "../../stream/listener.ts";
import { addressFor } from "../../wire/networks.ts";
import { makeUnlessAborted } from "../../stream/make_unless_aborted.ts";
import type { Endpoint } from "../../wire/address.ts";
import { canonicalAddress, isLinkLocal, withoutZone } from "../../wire/ip.ts";
import { type Announce, announcedFor, anyOfFamily, checkAnnounce } from "./announce.ts";
import { type CommandCall, refuse, subject, type TargetRequest } from "./command.ts";
import { connectDeadline, relayToEnd, tellSuccess } from "./connect.ts";

/** A listener for one connection. */
export interface PendingBind {
  /** Where it listens, as the client is to tell its target. */
  readonly bound: Endpoint;
  /** The connection, once it has come from where it may. */
  accept(): Promise<{ readonly connection: Connection; readonly peer: Endpoint }>;
  /** Ends the wait. May be called again. */
  close(): void;
}

/**
 * Decides about a BIND request and listens. The request's endpoint is where the connection is expected from; an
 * unspecified address stands for anywhere.
 *
 * @param local Address at which the client reached this server, where it has one.
 * @throws {SocksReplyError} When it may not be, or cannot.
 */
export type OpenBind = (request: TargetRequest, local: Endpoint | undefined) => Promise<PendingBind>;

/** Carries out BIND to the end of its relay. */
export async function runBind(call: CommandCall, open: OpenBind): Promise<void> {
  const { asked, request, options } = call;
  let pending: PendingBind | undefined;
  let came: { connection: Connection; peer: Endpoint };
  try {
    using deadline = connectDeadline(request, options, "nobody connected");
    const { signal } = deadline;
    const listening = await makeUnlessAborted(
      () => open({ ...request, signal }, asked.accepted.local),
      signal,
      (late) => late.close(),
    );
    pending = listening;
    const { bound } = listening;
    await tellSuccess(call, bound, () => options.onEvent({ type: "listening", ...subject(call), bound }));
    came = await makeUnlessAborted(() => listening.accept(), signal, ({ connection }) => connection.close());
  } catch (error) {
    closeQuietly(pending);
    return await refuse(call, error);
  }
  closeQuietly(pending);
  options.status.address = came.peer;
  try {
    const { bound } = pending;
    const event = { type: "connected", ...subject(call), target: came.peer, bound } as const;
    call.answered();
    await tellSuccess(call, came.peer, () => options.onEvent(event));
  } catch (error) {
    closeQuietly(came.connection);
    return await refuse(call, error);
  }
  await relayToEnd(call, came.connection);
}

/** What {@linkcode bindDirectly} goes by. */
export interface BindDirectlyOptions {
  /** Who may connect to whom. */
  readonly rules: () => RuleSet;
  /** Looks names up. */
  readonly resolve: Resolver;
  /** Listens. */
  readonly listen: ListenTcp;
  /** Address to listen on, whoever is expected. @default {one of `egress`} */
  readonly address?: string | undefined;
  /**
   * Addresses of this machine's that targets reach it at, one of each family. The one of the family is listened on of whoever is expected; of
   * the client's where that is anybody.
   *
   * @default {the one at which the client reached this server, or all of the family that is wanted}
   */
  readonly egress?: readonly string[] | undefined;
  /** What to tell clients instead of the address listened on, for a server behind NAT: an address of each family, or a name. */
  readonly announce?: Announce | undefined;
}

/**
 * Listens on this machine. Connections from elsewhere than expected, or from where no rule allows, are closed.
 *
 * @throws {TypeError} When what is announced is no host, or there is more than one of a family.
 */
export function bindDirectly(options: BindDirectlyOptions): OpenBind {
  const { resolve, listen, announce } = options;
  checkAnnounce(announce);
  return async (request, local): Promise<PendingBind> => {
    const rules = options.rules();
    const anybody = isUnspecified(request.hostname);
    if (anybody) judgeCommand(request, rules);
    const expected = anybody ? undefined : (await judgedAddresses(request, { rules, resolve })).map((a) => a.address);
    const address = placeFor(expected?.[0], local?.hostname, options);
    const listener = listenOn(listen, address, anybody ? request.port : 0);
    const { hostname, port } = listener.addr;
    return {
      bound: { hostname: announcedFor(announce, hostname) ?? withoutZone(hostname), port },
      close: () => listener.close(),
      async accept() {
        for (;;) {
          const connection = await listener.accept();
          if (connection === undefined) throw new SocksReplyError("GENERAL_FAILURE", "Listener is closed");
          const peer = { hostname: canonicalAddress(connection.remote!.hostname), port: connection.remote!.port };
          const fits = expected?.includes(peer.hostname) ??
            options.rules().judgeAddress({ ...request, ...peer }, peer.hostname).allowed;
          if (fits) return { connection, peer };
          connection.close();
        }
      },
    };
  };
}

/** Where to listen for somebody, or for anybody. */
function placeFor(
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
  // Nobody of one family comes to an address of the other.
  if (anyOfFamily(wanted!) !== anyOfFamily(here)) return anyOfFamily(wanted!);
  if (!isLinkLocal(here)) return here;
  if (local.includes("%")) return local;
  throw new SocksReplyError(
    "GENERAL_FAILURE",
    `Cannot listen at ${here}: the system does not say on which interface the client reached it`,
  );
}

/**
 * Who expects anybody may have a wish about the port, as Dante's client has: it is kept where the port is free and one of
 * those that need no privilege.
 */
function listenOn(listen: ListenTcp, hostname: string, wanted: number): ConnectionListener {
  if (wanted >= 1024) {
    try {
      return listen({ hostname, port: wanted });
    } catch {
      // Taken: any other will have to do, and the client may refuse it.
    }
  }
  return listen({ hostname, port: 0 });
}
