/**
 * Listening at `localhost`, which has an address in each family (RFC 6761 section 6.3). Clients may use either, and a machine may have only one.
 *
 * @module
 */
import type { Endpoint } from "../wire/address.ts";
import { LOOPBACK_ADDRESSES } from "../wire/host_name.ts";
import type { Connection } from "./connection.ts";
import type { ConnectionListener } from "./listener.ts";

/** How often to look for a port that is free in both families. */
const TRIES = 20;

/** Listens at an address. */
export type ListenAt = (where: Endpoint) => ConnectionListener;

/**
 * Listens at the first address of `localhost` that the machine has.
 *
 * @throws {Error} Listening failed.
 */
export function listenAtLoopback(port: number, listenAt: ListenAt): ConnectionListener {
  return listenAtExisting(port, listenAt, 1)[0]!;
}

/**
 * Returns the first address of `localhost` that the machine has.
 *
 * @throws {Error} Listening failed.
 */
export function ownLoopback(listenAt: ListenAt): string {
  const listener = listenAtLoopback(0, listenAt);
  listener.close();
  return listener.addr.hostname;
}

/**
 * Listens at all addresses of `localhost` that the machine has, on one port.
 *
 * @param port The port; 0 for any free one.
 * @throws {Error} Listening failed at an address that the machine has; or the machine has none of the addresses.
 */
export function listenAtLocalhost(port: number, listenAt: ListenAt): ConnectionListener {
  for (let tries = 1;; tries++) {
    try {
      return joined(listenAtExisting(port, listenAt));
    } catch (error) {
      // The port that is free in one family is taken in the other.
      if (port !== 0 || tries === TRIES || !hasCode(error, "EADDRINUSE")) throw error;
    }
  }
}

function listenAtExisting(port: number, listenAt: ListenAt, most = Infinity): ConnectionListener[] {
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

/** Result of one listener. */
type Accepted = { readonly from: number; readonly connection: Connection | undefined } | {
  readonly from: number;
  readonly error: unknown;
};

/** Joins listeners into one. A connection that one of them has accepted is kept for the next call. */
function joined(listeners: readonly ConnectionListener[]): ConnectionListener {
  const [first] = listeners;
  if (listeners.length === 1) return first!;
  const turns: (Promise<Accepted> | undefined)[] = listeners.map(() => undefined);
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
      // Waits until all are closed, so that their ports are free.
      if (turn.connection === undefined) await Promise.all(turns);
      return turn.connection;
    },
    close(): void {
      for (const listener of listeners) listener.close();
      // Closes connections that were accepted but not taken.
      for (const turn of turns) void turn?.then((late) => "connection" in late ? late.connection?.close() : undefined);
    },
    ref: () => listeners.forEach((listener) => listener.ref?.()),
    unref: () => listeners.forEach((listener) => listener.unref?.()),
  };
}
