/**
 * Listeners behind balancers that speak the PROXY protocol: the client's address is the one that the balancer tells.
 *
 * @module
 */
import { reasonText } from "../../base/reason.ts";
import type { Bytes } from "../../base/bytes.ts";
import { duration, startDeadline } from "../../base/deadline.ts";
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

/** What {@linkcode proxyProtocol} takes. */
export interface ProxyProtocolOptions {
  /** Addresses and blocks of the balancers: `10.0.0.5`, `10.1.0.0/16`. Nobody else is believed, or asked. */
  readonly from: readonly string[];
  /** Time for a header, in milliseconds. @default {10000} */
  readonly timeout?: number | undefined;
  /** Headers waited for at one time; beyond it, the oldest makes room. @default {1000} */
  readonly maxWaiting?: number | undefined;
}

/**
 * A listener that reads the header of the PROXY protocol, version 1 or 2, in front of what comes from the balancers named. Such a
 * connection must begin with one: `remote` is then the client's address as the header tells it, and `relayedBy` the balancer's. With
 * `LOCAL` (a balancer that looks whether the server is well) `remote` is the balancer's; with `UNKNOWN`, `UNSPEC` or a socket in the
 * file system too, and so is `relayedBy`. One without a header, or with one that is wrong or late, can be accepted and fails when
 * it is read. From everybody else no header is looked for.
 *
 * A slow one holds up nobody. It is the listener underneath that speaks TLS to balancers that do: their header is outside of it.
 *
 * @throws {TypeError} When no balancer is named, one is no address and no block, or a time or a limit is none.
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
 * Checks what balancers are named by.
 *
 * @throws {TypeError} When none is, or one is no address and no block.
 */
export function balancers(from: readonly string[]): readonly Cidr[] {
  if (!Array.isArray(from) || from.length === 0) {
    throw new TypeError("Cannot use proxyProtocol: no balancer is named, and anybody could say who he is");
  }
  return from.map((text) => {
    const block = blockOf(text);
    if (block !== undefined) return block;
    throw new TypeError(`Cannot use proxyProtocol: ${JSON.stringify(text)} is no address and no block of them`);
  });
}

function blockOf(text: unknown): Cidr | undefined {
  try {
    return typeof text === "string" ? parseBlock(text.trim()) : undefined;
  } catch {
    return undefined; // More bits than there are.
  }
}

/** A header that is waited for. */
interface Waiting {
  readonly giveUp: (reason: Error) => void;
}

class ProxyProtocolListener implements ConnectionListener {
  readonly #inner: ConnectionListener;
  readonly #from: readonly Cidr[];
  readonly #timeout: number;
  readonly #maxWaiting: number;
  /** The oldest first. */
  readonly #waiting = new Set<Waiting>();
  /** Those that nobody has asked for yet. */
  readonly #ready: Connection[] = [];
  /** Those who ask. */
  readonly #asking: PromiseWithResolvers<Connection | undefined>[] = [];
  #accepting = false;
  #closed = false;

  constructor(inner: ConnectionListener, { from, timeout = 10_000, maxWaiting = 1_000 }: ProxyProtocolOptions) {
    this.#inner = inner;
    this.#from = balancers(from);
    this.#timeout = duration("timeout", timeout);
    if (!(maxWaiting >= 1)) {
      throw new TypeError(`Cannot use maxWaiting: ${maxWaiting} is no number of headers, 1 or more`);
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
    const asking = Promise.withResolvers<Connection | undefined>();
    this.#asking.push(asking);
    void this.#acceptAll();
    return asking.promise;
  }

  /** Accepts while somebody asks: others are not to wait behind one whose header does not come. */
  async #acceptAll(): Promise<void> {
    if (this.#accepting) return;
    this.#accepting = true;
    try {
      while (this.#asking.length > 0) {
        const connection = await this.#inner.accept();
        if (connection === undefined) return this.close();
        if (this.#closed) return connection.close();
        if (this.#isBalancer(connection)) void this.#readHeader(connection);
        else this.#hand(connection);
      }
    } catch (error) {
      this.#asking.shift()?.reject(error);
    } finally {
      this.#accepting = false;
      // Whoever is left goes on asking, unless it is closed.
      if (this.#asking.length > 0) void this.#acceptAll();
    }
  }

  #isBalancer({ remote }: Connection): boolean {
    const bytes = remote === undefined ? undefined : parseIp(canonicalAddress(remote.hostname));
    return bytes !== undefined && this.#from.some((block) => inCidr(bytes, block));
  }

  /** To the first who asks. */
  #hand(connection: Connection): void {
    const asking = this.#asking.shift();
    if (asking !== undefined) asking.resolve(connection);
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
    const waiting: Waiting = { giveUp: (reason) => deadline.abort(reason) };
    this.#waiting.add(waiting);
    if (this.#waiting.size > this.#maxWaiting) this.#tooMany();
    deadline.signal.addEventListener("abort", () => closeQuietly(connection), { once: true });
    const reader = new MessageReader(connection, LONGEST_HEADER + 1);
    try {
      const header = await reader.next(decodeProxyHeader);
      deadline.signal.throwIfAborted();
      this.#hand(relayed(reader.rest(), header));
    } catch (error) {
      const reason = deadline.signal.aborted ? deadline.signal.reason : error;
      connection.close();
      this.#hand(failing(connection, remote, headerFailure(reason)));
    } finally {
      this.#waiting.delete(waiting);
    }
  }

  #tooMany(): void {
    const [oldest] = this.#waiting;
    const most = this.#maxWaiting;
    oldest!.giveUp(new SocksLimitError("HALF_OPEN_LIMIT", `More than ${most} PROXY protocol headers are waited for`));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#inner.close();
    for (const asking of this.#asking.splice(0)) asking.resolve(undefined);
    for (const connection of this.#ready.splice(0)) connection.close();
    for (const { giveUp } of [...this.#waiting]) giveUp(new Error("The listener is closed"));
  }

  ref(): void {
    this.#inner.ref?.();
  }

  unref(): void {
    this.#inner.unref?.();
  }
}

/** What a balancer's connection failed with. */
function headerFailure(error: unknown): Error {
  if (error instanceof SocksTimeoutError || error instanceof SocksLimitError) return error;
  if (error instanceof SocksProtocolError && error.code !== "UNEXPECTED_END") return error;
  const reason = reasonText(error);
  return new SocksProtocolError("UNEXPECTED_END", `No PROXY protocol header came from a balancer: ${reason}`, {
    cause: error,
  });
}

/** A connection with other addresses than it says itself. */
function relayed(connection: Connection, header: ProxyHeader): Connection {
  const { remote } = connection;
  if (header.type === "local") return connection;
  return addressed(connection, {
    remote: header.type === "client" ? header.client : remote,
    relayedBy: remote,
    read: (into) => connection.read(into),
  });
}

/** One that is closed, and says why to whoever reads it. */
function failing(connection: Connection, remote: Endpoint | undefined, reason: Error): Connection {
  return addressed(connection, { remote, relayedBy: undefined, read: () => Promise.reject(reason) });
}

interface Otherwise {
  readonly remote: Endpoint | undefined;
  readonly relayedBy: Endpoint | undefined;
  read(into?: Bytes): Promise<Bytes | null>;
}

function addressed(connection: Connection, { remote, relayedBy, read }: Otherwise): Connection {
  return Object.defineProperties(withReads(connection, { read }), {
    remote: { value: remote, enumerable: true },
    relayedBy: { value: relayedBy, enumerable: true },
  });
}
