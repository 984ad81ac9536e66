/**
 * A relay between client and server on loopback that delays, discards or cuts the traffic.
 *
 * @module
 */

/** A running relay. */
export interface FaultyRelay extends AsyncDisposable {
  readonly port: number;
  /** Delay in milliseconds, each way. */
  delay: number;
  /** Whether bytes are discarded, as on a cut network. New connections are accepted and stay silent. */
  swallow: boolean;
  /** Number of connections so far. */
  readonly connections: number;
  /** Cuts all connections. */
  cut(): void;
}

/** Starts a relay to a port. */
export function startRelay(to: number): FaultyRelay {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  const timers = new Set<ReturnType<typeof setTimeout>>();
  const state = {
    port: (listener.addr as Deno.NetAddr).port,
    delay: 0,
    swallow: false,
    connections: 0,
    cut(): void {
      for (const conn of open) end(conn);
    },
    async [Symbol.asyncDispose](): Promise<void> {
      listener.close();
      for (const timer of timers) clearTimeout(timer);
      state.cut();
      await accepting;
      await Promise.allSettled(running);
    },
  };
  const running = new Set<Promise<void>>();
  const end = (conn: Deno.Conn) => {
    if (!open.delete(conn)) return;
    try {
      conn.close();
    } catch {
      // The connection has ended.
    }
  };
  const later = (milliseconds: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        timers.delete(timer);
        resolve();
      }, milliseconds);
      timers.add(timer);
    });
  const carry = async (from: Deno.Conn, into: Deno.Conn) => {
    const buffer = new Uint8Array(65_536);
    let writing = Promise.resolve();
    try {
      for (let n = await from.read(buffer); n !== null; n = await from.read(buffer)) {
        if (state.swallow) continue;
        const bytes = buffer.slice(0, n);
        const due = state.delay === 0 ? undefined : later(state.delay);
        writing = writing.then(async () => {
          await due;
          for (let at = 0; at < bytes.length;) at += await into.write(bytes.subarray(at));
        }).catch(() => {});
        if (due === undefined) await writing;
      }
    } catch {
      // The connection was cut.
    }
    end(from);
    end(into);
  };
  const accepting = (async () => {
    for await (const conn of listener) {
      state.connections++;
      open.add(conn);
      const other = await Deno.connect({ hostname: "127.0.0.1", port: to }).catch(() => undefined);
      if (other === undefined) {
        end(conn);
        continue;
      }
      open.add(other);
      for (const way of [carry(conn, other), carry(other, conn)]) {
        running.add(way);
        void way.finally(() => running.delete(way));
      }
    }
  })().catch(() => {});
  return state;
}
