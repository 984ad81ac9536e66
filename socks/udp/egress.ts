/**
 * The side of an association that faces targets: itself, by the rules, or another proxy.
 *
 * @module
 */
import type { Bytes } from "../../gss/bytes.ts";
import { SocksReplyError } from "../errors.ts";
import type { TargetRequest } from "../commands/command.ts";
import { judgeCommand, judgedAddresses } from "../judged_addresses.ts";
import type { RuleSet } from "../rules/rules.ts";
import type { Resolver } from "../names/resolver.ts";
import { addressFor } from "../stream/dial_from.ts";
import { type Endpoint, formatEndpoint } from "../wire/address.ts";
import { canonicalAddress } from "../wire/ip.ts";
import type { BindDatagrams, DatagramSocket } from "./socket.ts";

/** Where an association's datagrams go out. */
export interface DatagramEgress {
  /**
   * Sends a datagram to a target, which may be a name.
   *
   * @throws {SocksReplyError} When it may not go there, or cannot.
   */
  send(data: Uint8Array, to: Endpoint): Promise<void>;
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
  /**
   * Whether a target may answer from any of its ports, as TFTP does, and not only from the one that was written to.
   *
   * @default {false}
   */
  readonly answersFromAnyPort?: boolean | undefined;
}

/**
 * Judges every datagram, to and from a target. A target may answer once the client has sent something to it; nobody else's
 * datagrams reach the client.
 */
export function datagramsDirectly(options: DatagramsDirectlyOptions): OpenDatagrams {
  // deno-lint-ignore require-await -- what is not allowed is a rejection
  return async (request, listener) => {
    judgeCommand(request, options.rules());
    return new DirectEgress(options, request, listener);
  };
}

class DirectEgress implements DatagramEgress {
  readonly #options: DatagramsDirectlyOptions;
  readonly #request: TargetRequest;
  readonly #listener: EgressListener;
  /** Targets sent to, with the host as the client named it. */
  readonly #peers: Recent<string>;
  /** Names looked up once, so that a second look-up cannot bring another answer. */
  readonly #names: Recent<ReturnType<Resolver>>;
  readonly #sockets = new Map<"0.0.0.0" | "::", Promise<DatagramSocket>>();
  #closed = false;

  constructor(options: DatagramsDirectlyOptions, request: TargetRequest, listener: EgressListener) {
    const { maxDestinations = 256 } = options;
    this.#options = options;
    this.#request = request;
    this.#listener = listener;
    this.#peers = new Recent(maxDestinations);
    this.#names = new Recent(maxDestinations);
  }

  async send(data: Uint8Array, to: Endpoint): Promise<void> {
    const query = { ...this.#request, ...to };
    const resolve: Resolver = (name, how) => {
      const known = this.#names.get(name);
      if (known !== undefined) return known;
      const found = this.#options.resolve(name, how);
      this.#names.set(name, found);
      found.catch(() => this.#names.delete(name));
      return found;
    };
    const [first] = await judgedAddresses(query, { rules: this.#options.rules(), resolve });
    const { address } = first!;
    this.#peers.set(this.#peer(address, to.port), to.hostname);
    const socket = await this.#socketFor(address);
    await socket.send(data, { hostname: address, port: to.port });
  }

  async #socketFor(address: string): Promise<DatagramSocket> {
    const any = address.includes(":") ? "::" : "0.0.0.0";
    if (this.#closed) throw new SocksReplyError("GENERAL_FAILURE", "Association has ended");
    let socket = this.#sockets.get(any);
    if (socket === undefined) {
      const hostname = addressFor(address, this.#options.egress ?? []) ?? any;
      socket = this.#options.bind({ hostname, port: 0, onDatagram: (bytes, from) => this.#take(bytes, from) });
      this.#sockets.set(any, socket);
    }
    const bound = await socket;
    if (this.#closed) bound.close();
    return bound;
  }

  #peer(address: string, port: number): string {
    return this.#options.answersFromAnyPort ? address : formatEndpoint({ hostname: address, port });
  }

  #take(bytes: Bytes, from: Endpoint): void {
    const address = canonicalAddress(from.hostname);
    const hostname = this.#peers.get(this.#peer(address, from.port));
    if (hostname === undefined) return this.#listener.onDrop("unsolicited");
    const verdict = this.#options.rules().judgeAddress({ ...this.#request, hostname, port: from.port }, address);
    if (!verdict.allowed) return this.#listener.onDrop("denied");
    this.#listener.onDatagram(bytes, { hostname: address, port: from.port });
  }

  close(): void {
    this.#closed = true;
    for (const socket of this.#sockets.values()) socket.then((bound) => bound.close(), () => {});
  }
}

/** A map that forgets what was used longest ago. */
class Recent<T> {
  readonly #limit: number;
  readonly #entries = new Map<string, T>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(key: string): T | undefined {
    return this.#entries.get(key);
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  set(key: string, value: T): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size > this.#limit) this.#entries.delete(this.#entries.keys().next().value!);
  }
}
