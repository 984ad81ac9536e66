/**
 * Listeners behind balancers that speak the PROXY protocol: the balancer sends the client's address.
 *
 * @module
 */
import { reasonText } from "../../base/reason.ts";
import type { Bytes } from "../../base/bytes.ts";
import { duration, onAbort, startDeadline } from "../../base/deadline.ts";
import { SocksLimitError, SocksProtocolError, SocksTimeoutError } from "../errors.ts";
import { type Cidr, inCidr, parseBlock } from "../wire/cidr.ts";
import type { Endpoint } from "../wire/address.ts";
import { canonicalAddress, parseIp } from "../wire/ip.ts";
import { decodeProxyHeader, LONGEST_HEADER, type ProxyHeader } from "../wire/proxy_header.ts";
import { closeQuietly } from "./close_quietly.ts";
import type { Connection } from "./connection.ts";
import { MessageReader } from "./message_reader.ts";
import { withReads } from "./prefix.ts";
import type { ConnectionListener } from "./listener.ts";

/** Options of {@linkcode proxyProtocol}. */
export interface ProxyProtocolOptions {
  /** Addresses and blocks of the balancers: `10.0.0.5`, `10.1.0.0/16`. No header is read from any other peer. */
  readonly from: readonly string[];
  /** Time for a header, in milliseconds. @default {10000} */
  readonly timeout?: number | undefined;
  /** Most connections without their header yet; beyond this the oldest is closed. @default {1000} */
  readonly maxWaiting?: number | undefined;
}

/**
 * Creates a listener that reads the header of the PROXY protocol, version 1 or 2, from the balancers in `from`. Each of their connections
 * must start with one. `remote` is then the client's address in the header, and `relayedBy` the balancer's. For `LOCAL` (a health
 * check of the balancer) `remote` is the balancer's address. For `UNKNOWN`, `UNSPEC` and Unix sockets `remote` and `relayedBy` are the
 * balancer's. A connection whose header is missing, wrong or late is accepted, and fails when it is read. No header is read from
 * other peers.
 *
 * A slow header delays no other connection. To balancers with TLS the listener below speaks TLS: their header is in front of it.
 *
 * @throws {TypeError} When `from` is empty, an entry is neither an address nor a block, or a time or a limit is not valid.
 *
 * @example
 * ```ts
 * import { listenTcp, proxyProtocol } from "@gssocks/gssocks/socks";
 * import { type RunningServer, serve } from "@gssocks/gssocks";
 *
 * export function main(): RunningServer {
 *   const listener = proxyProtocol(listenTcp({ hostname: "0.0.0.0", port: 1080 }), { from: ["10.0.0.5"] });
 *   return serve({ listeners: [listener], keytab: "/etc/krb5.keytab", rules: ["allow 10.0.0.0/8"] });
 * }
 * ```
 */
export function proxyProtocol(listener: ConnectionListener, options: ProxyProtocolOptions): ConnectionListener {
  return new ProxyProtocolListener(listener, options);
}

/**
 * Parses the addresses and blocks of balancers.
 *
 * @throws {TypeError} When the list is empty, or an entry is neither an address nor a block.
 */
export function balancers(from: readonly string[]): readonly Cidr[] {
  if (!Array.isArray(from) || from.length === 0) {
    throw new TypeError("Cannot use proxyProtocol: `from` names no balancer, so any client could claim any address");
  }
  return from.map((text) => {
    const block = blockOf(text);
    if (block !== undefined) return block;
    throw new TypeError(
      `Cannot use proxyProtocol: ${JSON.stringify(text)} is neither an address nor a block of addresses`,
    );
  });
}

function blockOf(text: unknown): Cidr | undefined {
  try {
    return typeof text === "string" ? parseBlock(text.trim()) : undefined;
  } catch {
    return undefined; // The prefix is too long.
  }
}

/** A connection whose header has not come yet. */
interface Waiting {
  readonly cancel: (reason: Error) => void;
}

class ProxyProtocolListener implements ConnectionListener {
  readonly #inner: ConnectionListener;
  readonly #from: readonly Cidr[];
  readonly #timeout: number;
  readonly #maxWaiting: number;
  /** Connections without their header, oldest first. */
  readonly #waiting = new Set<Waiting>();
  /** Connections for later calls of `accept`. */
  readonly #ready: Connection[] = [];
  /** Pending calls of `accept`. */
  readonly #pending: PromiseWithResolvers<Connection | undefined>[] = [];
  #accepting = false;
  #closed = false;

  constructor(inner: ConnectionListener, { from, timeout = 10_000, maxWaiting = 1_000 }: ProxyProtocolOptions) {
    this.#inner = inner;
    this.#from = balancers(from);
    this.#timeout = duration("timeout", timeout);
    if (!(maxWaiting >= 1)) {
      throw new TypeError(`Cannot use maxWaiting: ${maxWaiting} is not a number of 1 or more`);
    }
    this.#maxWaiting = maxWaiting;
  }

  get addr(): Endpoint {
    return this.#inner.addr;
  }

  accept(): Promise<Connection | undefined> {
    const ready = this.#ready.shift();
    if (ready !== undefined) return Promise.resolve(ready);
    if (this.#closed) return Promise.resolve(undefined);
    const pending = Promise.withResolvers<Connection | undefined>();
    this.#pending.push(pending);
    void this.#acceptAll();
    return pending.promise;
  }

  /** Accepts while calls are pending: none waits for another connection's header. */
  async #acceptAll(): Promise<void> {
    if (this.#accepting) return;
    this.#accepting = true;
    try {
      while (this.#pending.length > 0) {
        const connection = await this.#inner.accept();
        if (connection === undefined) return this.close();
        if (this.#closed) return connection.close();
        if (this.#isBalancer(connection)) void this.#readHeader(connection);
        else this.#deliver(connection);
      }
    } catch (error) {
      this.#pending.shift()?.reject(error);
    } finally {
      this.#accepting = false;
      // Calls that are left need another round, unless the listener is closed.
      if (this.#pending.length > 0) void this.#acceptAll();
    }
  }

  #isBalancer({ remote }: Connection): boolean {
    const bytes = remote === undefined ? undefined : parseIp(canonicalAddress(remote.hostname));
    return bytes !== undefined && this.#from.some((block) => inCidr(bytes, block));
  }

  /** Passes a connection to the first pending call. */
  #deliver(connection: Connection): void {
    const pending = this.#pending.shift();
    if (pending !== undefined) pending.resolve(connection);
    else if (this.#closed) connection.close();
    else this.#ready.push(connection);
  }

  async #readHeader(connection: Connection): Promise<void> {
    const { remote } = connection;
    using deadline = startDeadline({
      milliseconds: this.#timeout,
      reason: () =>
        new SocksTimeoutError("HANDSHAKE_TIMEOUT", `No PROXY protocol header came within ${this.#timeout} ms`),
    });
    const waiting: Waiting = { cancel: (reason) => deadline.abort(reason) };
    this.#waiting.add(waiting);
    if (this.#waiting.size > this.#maxWaiting) this.#cancelOldest();
    onAbort(deadline.signal, () => closeQuietly(connection));
    const reader = new MessageReader(connection, LONGEST_HEADER + 1);
    try {
      const header = await reader.next(decodeProxyHeader);
      deadline.signal.throwIfAborted();
      this.#deliver(relayed(reader.rest(), header));
    } catch (error) {
      const reason = deadline.signal.aborted ? deadline.signal.reason : error;
      connection.close();
      this.#deliver(failing(connection, remote, headerFailure(reason)));
    } finally {
      this.#waiting.delete(waiting);
    }
  }

  #cancelOldest(): void {
    const [oldest] = this.#waiting;
    const most = this.#maxWaiting;
    oldest!.cancel(
      new SocksLimitError(
        "HALF_OPEN_LIMIT",
        `More than ${most} connections of balancers wait for their PROXY protocol header`,
      ),
    );
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#inner.close();
    for (const pending of this.#pending.splice(0)) pending.resolve(undefined);
    for (const connection of this.#ready.splice(0)) connection.close();
    for (const { cancel } of [...this.#waiting]) cancel(new Error("The listener is closed"));
  }

  ref(): void {
    this.#inner.ref?.();
  }

  unref(): void {
    this.#inner.unref?.();
  }
}

/** Returns the error of a connection without a valid header. */
function headerFailure(error: unknown): Error {
  if (error instanceof SocksTimeoutError || error instanceof SocksLimitError) return error;
  if (error instanceof SocksProtocolError && error.code !== "UNEXPECTED_END") return error;
  const reason = reasonText(error);
  return new SocksProtocolError("UNEXPECTED_END", `No PROXY protocol header came from a balancer: ${reason}`, {
    cause: error,
  });
}

/** Returns the connection with the addresses of a header. */
function relayed(connection: Connection, header: ProxyHeader): Connection {
  const { remote } = connection;
  if (header.type === "local") return connection;
  return addressed(connection, {
    remote: header.type === "client" ? header.client : remote,
    relayedBy: remote,
    read: (into) => connection.read(into),
  });
}

/** Returns a closed connection whose reads fail with `reason`. */
function failing(connection: Connection, remote: Endpoint | undefined, reason: Error): Connection {
  return addressed(connection, { remote, relayedBy: undefined, read: () => Promise.reject(reason) });
}

/** What {@linkcode addressed} replaces. */
interface Replaced {
  readonly remote: Endpoint | undefined;
  readonly relayedBy: Endpoint | undefined;
  read(into?: Bytes): Promise<Bytes | null>;
}

function addressed(connection: Connection, { remote, relayedBy, read }: Replaced): Connection {
  return Object.defineProperties(withReads(connection, { read }), {
    remote: { value: remote, enumerable: true },
    relayedBy: { value: relayedBy, enumerable: true },
  });
}
