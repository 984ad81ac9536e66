/**
 * BIND (RFC 1928 section 4): listen, say where, wait for the one connection expected, say from where it came, relay.
 *
 * @module
 */
import { SocksReplyError } from "../errors.ts";
import { judgeCommand, judgedAddresses } from "../judged_addresses.ts";
import type { RuleSet } from "../rules/rules.ts";
import { isUnspecified } from "../rules/special_ranges.ts";
import type { Connection } from "../stream/connection.ts";
import type { ConnectionListener, ListenTcp, Resolver } from "../stream/deno.ts";
import { closeAnyway } from "../stream/closed.ts";
import { takeInTime } from "../stream/late.ts";
import type { Endpoint } from "../wire/address.ts";
import { canonicalAddress } from "../wire/ip.ts";
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
    const listening = await takeInTime(
      () => open({ ...request, signal }, asked.accepted.local),
      signal,
      (late) => late.close(),
    );
    pending = listening;
    const { bound } = listening;
    await tellSuccess(call, bound, () => options.onEvent({ type: "listening", ...subject(request), bound }));
    came = await takeInTime(() => listening.accept(), signal, ({ connection }) => connection.close());
  } catch (error) {
    closeAnyway(pending);
    return await refuse(call, error);
  }
  closeAnyway(pending);
  try {
    const { bound } = pending;
    const event = { type: "connected", ...subject(request), target: came.peer, bound } as const;
    call.answered();
    await tellSuccess(call, came.peer, () => options.onEvent(event));
  } catch (error) {
    closeAnyway(came.connection);
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
  /** Address to listen on. @default {the one at which the client reached this server} */
  readonly address?: string | undefined;
  /** Address to tell clients instead of the one listened on, for a server behind NAT. */
  readonly announce?: string | undefined;
}

/** Listens on this machine. Connections from elsewhere than expected, or from where no rule allows, are closed. */
export function bindDirectly(options: BindDirectlyOptions): OpenBind {
  const { resolve, listen, announce } = options;
  return async (request, local): Promise<PendingBind> => {
    const rules = options.rules();
    const anybody = isUnspecified(request.hostname);
    if (anybody) judgeCommand(request, rules);
    const expected = anybody ? undefined : (await judgedAddresses(request, { rules, resolve })).map((a) => a.address);
    const address = options.address ?? local?.hostname;
    if (address === undefined) {
      throw new SocksReplyError("GENERAL_FAILURE", "Cannot listen: the client came without an address of this side");
    }
    const listener = listenOn(listen, canonicalAddress(address), anybody ? request.port : 0);
    return {
      bound: { hostname: announce ?? listener.addr.hostname, port: listener.addr.port },
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
