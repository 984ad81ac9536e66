/**
 * The side of an association that faces targets: itself, by the rules, or another proxy.
 *
 * @module
 */
import type { Bytes } from "../../../base/bytes.ts";
import { duration } from "../../../base/deadline.ts";
import { monotonicNow } from "../../../base/runtime.ts";
import { SocksReplyError } from "../../errors.ts";
import type { TargetRequest } from "../commands/command.ts";
import { judgeCommand, judgedAddresses } from "../targets/judged_addresses.ts";
import type { RuleSet } from "../../rules/rule_set.ts";
import type { Resolver } from "../../names/resolver.ts";
import { addressFor } from "../../wire/networks.ts";
import { type Endpoint, formatEndpoint } from "../../wire/address.ts";
import { canonicalAddress, isLinkLocal } from "../../wire/ip.ts";
import { LOOKUP_TIME, Names } from "./names.ts";
import { Recent } from "./recent.ts";
import type { BindDatagrams } from "../../stream/datagram_socket.ts";
import { SteadySocket } from "./steady_socket.ts";
import { Way } from "./way.ts";

/** Where an association's datagrams go out. */
export interface DatagramEgress {
  /**
   * Sends a datagram to a target, which may be a name.
   *
   * @throws {SocksReplyError} When it may not go there, or cannot.
   * @throws {RangeError} When it is too large.
   * @throws {SocksLimitError} When more of them wait than may.
   */
  send(data: Uint8Array, to: Endpoint, options?: SendDatagramOptions): Promise<void>;
  /**
   * Told that the client comes from another address now, and has shown that it is itself.
   *
   * @returns Whether rules let somebody from there send at all; where they do not, the client stays where it was. @default {true}
   */
  moved?(source: string): boolean;
  /** Releases what it holds. */
  close(): void;
}

/** What happens to datagrams from targets. */
export interface EgressListener {
  /** A datagram came from a target, and may go to the client. */
  readonly onDatagram: (data: Bytes, from: Endpoint) => void;
  /** A datagram came that may not go to the client. */
  readonly onDrop: (reason: "denied" | "unsolicited") => void;
  /** There will be no more datagrams, nor any way to send one. */
  readonly onEnd: (reason: Error) => void;
}

/** Opens the side that faces targets. The request's endpoint is what the client declared, mostly nothing. */
export type OpenDatagrams = (request: TargetRequest, listener: EgressListener) => Promise<DatagramEgress>;

/** What {@linkcode datagramsDirectly} goes by. */
export interface DatagramsDirectlyOptions {
  /** Who may send where. */
  readonly rules: () => RuleSet;
  /** Looks names up. */
  readonly resolve: Resolver;
  /** Makes sockets. */
  readonly bind: BindDatagrams;
  /** Addresses of this machine's to send from, one of each family; where there is none the system chooses. */
  readonly egress?: readonly string[] | undefined;
  /** Targets, and names, that an association remembers; the one used longest ago makes room. @default {256} */
  readonly maxDestinations?: number | undefined;
  /** Time for looking a name up, in milliseconds. @default {5000} */
  readonly lookupTimeout?: number | undefined;
  /**
   * Whether a target may answer from any of its ports, as TFTP does, and not only from the one that was written to.
   *
   * @default {false}
   */
  readonly answersFromAnyPort?: boolean | undefined;
}

/**
 * Judges every datagram, to and from a target. A target may answer once the client has sent something to it; nobody else's
 * datagrams reach the client. Where a name stands for several addresses, a datagram goes to one of them: to the next one where it cannot be
 * sent, or where nothing came from the one before for 250 ms and more, until one has answered.
 *
 * @throws {TypeError} When `lookupTimeout` is no time.
 */
export function datagramsDirectly(options: DatagramsDirectlyOptions): OpenDatagrams {
  return datagramsByClock(options, monotonicNow);
}

/** What {@linkcode datagramsDirectly} makes, by a clock that may be held still. */
export function datagramsByClock(options: DatagramsDirectlyOptions, now: () => number): OpenDatagrams {
  if (options.lookupTimeout !== undefined) duration("lookupTimeout", options.lookupTimeout);
  // deno-lint-ignore require-await -- what is not allowed is a rejection
  return async (request, listener) => {
    judgeCommand(request, options.rules());
    return new DirectEgress(options, request, listener, now);
  };
}

/** What {@linkcode DatagramEgress.send} is told. */
export interface SendDatagramOptions {
  /**
   * Called at once where the datagram has to wait for something that concerns its target alone, such as a look-up, and whoever sends may
   * go on with others meanwhile: how many wait so is bounded here.
   */
  readonly onWait?: (() => void) | undefined;
}

/** Somebody who was sent to. */
interface Peer {
  /** The host as the client named it. */
  readonly hostname: string;
  /** That of the name, where it has others. */
  readonly way: Way | undefined;
}

class DirectEgress implements DatagramEgress {
  readonly #options: DatagramsDirectlyOptions;
  readonly #listener: EgressListener;
  readonly #peers: Recent<Peer>;
  readonly #names: Names;
  /** Which address to use of names that have several. */
  readonly #ways: Recent<Way>;
  readonly #sockets = new Map<"0.0.0.0" | "::", SteadySocket>();
  readonly #over = new AbortController();
  readonly #now: () => number;
  #request: TargetRequest;

  constructor(options: DatagramsDirectlyOptions, request: TargetRequest, listener: EgressListener, now: () => number) {
    const { maxDestinations = 256, lookupTimeout = LOOKUP_TIME, resolve } = options;
    const { signal } = this.#over;
    this.#options = options;
    this.#request = { ...request, signal };
    this.#listener = listener;
    this.#now = now;
    this.#peers = new Recent(maxDestinations);
    this.#ways = new Recent(maxDestinations);
    this.#names = new Names({ resolve, limit: maxDestinations, lookupTimeout, signal, now });
  }

  async send(data: Uint8Array, to: Endpoint, { onWait = () => {} }: SendDatagramOptions = {}): Promise<void> {
    // deno-lint-ignore require-await -- what is too much is a rejection
    const resolve: Resolver = async (name, how) => this.#names.find(name, how, onWait);
    const judged = await judgedAddresses({ ...this.#request, ...to }, { rules: this.#options.rules(), resolve });
    if (judged.length === 1) return await this.#sendTo(judged[0]!.address, data, to);
    const way = this.#ways.get(to.hostname) ?? new Way(this.#now);
    this.#ways.set(to.hostname, way);
    const addresses = judged.map(({ address }) => address);
    let failure: unknown;
    for (const address of way.order(addresses)) {
      try {
        await this.#sendTo(address, data, to, way);
        return way.sent(address);
      } catch (error) {
        // It is too large for the others, too.
        if (error instanceof RangeError || this.#over.signal.aborted) throw error;
        failure = error;
      }
    }
    throw failure;
  }

  async #sendTo(address: string, data: Uint8Array, to: Endpoint, way?: Way): Promise<void> {
    if (isLinkLocal(address)) {
      throw new SocksReplyError("HOST_UNREACHABLE", `Cannot send to ${address}: it does not say on which interface`);
    }
    const peer = this.#peer(address, to.port);
    const known = this.#peers.get(peer);
    // The answer may be here before it is known that the datagram has gone.
    this.#peers.set(peer, { hostname: to.hostname, way });
    try {
      await this.#socketFor(address).send(data, { hostname: address, port: to.port });
    } catch (error) {
      // Nobody has been written to.
      if (known === undefined) this.#peers.delete(peer);
      throw error;
    }
  }

  #socketFor(address: string): SteadySocket {
    if (this.#over.signal.aborted) throw this.#over.signal.reason;
    const any = address.includes(":") ? "::" : "0.0.0.0";
    let socket = this.#sockets.get(any);
    if (socket === undefined) {
      const { bind, egress = [] } = this.#options;
      socket = new SteadySocket({
        bind,
        hostname: addressFor(address, egress) ?? any,
        onDatagram: (bytes, from) => this.#take(bytes, from),
        now: this.#now,
      });
      this.#sockets.set(any, socket);
    }
    return socket;
  }

  #peer(address: string, port: number): string {
    return this.#options.answersFromAnyPort ? address : formatEndpoint({ hostname: address, port });
  }

  #take(bytes: Bytes, from: Endpoint): void {
    if (this.#over.signal.aborted) return;
    const address = canonicalAddress(from.hostname);
    const peer = this.#peers.get(this.#peer(address, from.port));
    if (peer === undefined) return this.#listener.onDrop("unsolicited");
    const { hostname, way } = peer;
    const verdict = this.#options.rules().judgeAddress({ ...this.#request, hostname, port: from.port }, address);
    if (!verdict.allowed) return this.#listener.onDrop("denied");
    way?.answered(address);
    this.#listener.onDatagram(bytes, { hostname: address, port: from.port });
  }

  moved(source: string): boolean {
    const request = { ...this.#request, source };
    if (!this.#options.rules().judgeCommand(request).allowed) return false;
    this.#request = request;
    return true;
  }

  close(): void {
    this.#over.abort(new SocksReplyError("GENERAL_FAILURE", "Association has ended"));
    for (const socket of this.#sockets.values()) socket.close();
  }
}
