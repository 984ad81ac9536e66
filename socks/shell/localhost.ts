/**
 * Listening at `localhost`, which has an address in each family (RFC 6761 section 6.3): clients look it up and take either, and a
 * machine may have one alone.
 *
 * @module
 */
import type { Endpoint } from "../wire/address.ts";
import { LOOPBACK_ADDRESSES } from "../wire/host_name.ts";
import type { Connection } from "../stream/connection.ts";
import type { ConnectionListener } from "../stream/listener.ts";

/** How often a port is looked for that is free in both families, where any will do. */
const TRIES = 20;

/** Makes a listener at an address. */
export type ListenAt = (where: Endpoint) => ConnectionListener;

/**
 * Listens at the first address of `localhost` that the machine has.
 *
 * @throws {Error} What listening there failed with.
 */
export function listenAtLoopback(port: number, listenAt: ListenAt): ConnectionListener {
  return listenWhereItIs(port, listenAt, 1)[0]!;
}

/**
 * The first address of `localhost` that the machine has.
 *
 * @throws {Error} What listening there failed with.
 */
export function ownLoopback(listenAt: ListenAt): string {
  const listener = listenAtLoopback(0, listenAt);
  listener.close();
  return listener.addr.hostname;
}

/**
 * Listens at all addresses of `localhost` that the machine has, at one port.
 *
 * @param port The port, 0 for one that is free.
 * @throws {Error} What listening at an address failed with, if that is not that there is no such address; or what the first of them
 * failed with where there is none.
 */
export function listenAtLocalhost(port: number, listenAt: ListenAt): ConnectionListener {
  for (let tries = 1;; tries++) {
    try {
      return joined(listenWhereItIs(port, listenAt));
    } catch (error) {
      // The port that is free in one family is taken in the other.
      if (port !== 0 || tries === TRIES || !hasCode(error, "EADDRINUSE")) throw error;
    }
  }
}

function listenWhereItIs(port: number, listenAt: ListenAt, most = Infinity): ConnectionListener[] {
  const open: ConnectionListener[] = [];
  const missing: unknown[] = [];
  try {
    for (const hostname of LOOPBACK_ADDRESSES) {
      if (open.length === most) break;
      try {
        open.push(listenAt({ hostname, port: open[0]?.addr.port ?? port }));
      } catch (error) {
        if (!hasCode(error, "EADDRNOTAVAIL", "EAFNOSUPPORT")) throw error;
        missing.push(error);
      }
    }
    if (open.length === 0) throw missing[0];
    return open;
  } catch (error) {
    for (const listener of open) listener.close();
    throw error;
  }
}

function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return codes.includes(String((error as { code?: unknown }).code));
}

/** What the turn of one listener came to. */
type Turn = { readonly from: number; readonly connection: Connection | undefined } | {
  readonly from: number;
  readonly error: unknown;
};

/** Several listeners as one. Nothing that one of them has accepted is lost while the other is waited for. */
function joined(listeners: readonly ConnectionListener[]): ConnectionListener {
  const [first] = listeners;
  if (listeners.length === 1) return first!;
  const turns: (Promise<Turn> | undefined)[] = listeners.map(() => undefined);
  return {
    addr: first!.addr,
    async accept(): Promise<Connection | undefined> {
      const turn = await Promise.race(
        listeners.map((listener, from) =>
          turns[from] ??= listener.accept().then((connection) => ({ from, connection }), (error) => ({ from, error }))
        ),
      );
      turns[turn.from] = undefined;
      if ("error" in turn) throw turn.error;
      // All are closed, and their ports are free once all know it.
      if (turn.connection === undefined) await Promise.all(turns);
      return turn.connection;
    },
    close(): void {
      for (const listener of listeners) listener.close();
      // Whoever was accepted and not asked for any more.
      for (const turn of turns) void turn?.then((late) => "connection" in late ? late.connection?.close() : undefined);
    },
    ref: () => listeners.forEach((listener) => listener.ref?.()),
    unref: () => listeners.forEach((listener) => listener.unref?.()),
  };
}
