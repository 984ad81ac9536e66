/**
 * The side of an association that faces targets, for a server that sends datagrams itself.
 *
 * @module
 */
import type { Bytes } from "../../../base/bytes.ts";
import { duration } from "../../../base/deadline.ts";
import { rememberingLast } from "../../../base/last_call.ts";
import { LruMap } from "../../../base/lru_map.ts";
import { monotonicNow } from "../../../base/runtime.ts";
import { SocksReplyError } from "../../errors.ts";
import type { Resolver } from "../../names/resolver.ts";
import type { RuleSet } from "../../rules/rule_set.ts";
import type { BindDatagrams } from "../../stream/datagram_socket.ts";
import { type Endpoint, formatEndpoint } from "../../wire/address.ts";
import { canonicalAddress, isLinkLocal } from "../../wire/ip.ts";
import { addressFor } from "../../wire/networks.ts";
import { judgeCommand } from "../targets/judged.ts";
import type {
  DatagramEgress,
  EgressListener,
  OpenDatagrams,
  SendDatagramOptions,
  TargetRequest,
} from "../targets/target.ts";
import { AddressChoice } from "./address_choice.ts";
import { JudgedTargets } from "./judged_targets.ts";
import { LOOKUP_TIME, LookupCache } from "./lookup_cache.ts";
import { type Period, Periods } from "./periods.ts";
import { ReopeningSocket } from "./reopening_socket.ts";

/** Options of {@linkcode datagramsDirectly}. */
export interface DatagramsDirectlyOptions {
  /** Rules for the datagrams, asked for each of them. */
  readonly rules: () => RuleSet;
  /** Looks names up. */
  readonly resolve: Resolver;
  /** Opens sockets. */
  readonly bind: BindDatagrams;
  /** Local addresses to send from, one of each family; the system chooses where there is none. */
  readonly egress?: readonly string[] | undefined;
  /** Targets, and names, that an association remembers; beyond this the one used longest ago is forgotten. @default {256} */
  readonly maxDestinations?: number | undefined;
  /** Time for a look-up, in milliseconds. @default {5000} */
  readonly lookupTimeout?: number | undefined;
  /**
   * Whether a target may answer from any of its ports, as TFTP does, and not only from the port that the client has sent to.
   *
   * @default {false}
   */
  readonly answersFromAnyPort?: boolean | undefined;
}

/**
 * Sends datagrams itself, and judges each of them, in both directions. Only targets that the client has sent to may send to the client.
 * If a name has several addresses, a datagram goes to one of them: to the next one if it cannot be sent, or if the one before has not
 * answered for 250 ms or more, until one has answered.
 *
 * @throws {TypeError} When `lookupTimeout` is not a time.
 *
 * @example
 * ```ts
 * import { type OpenDatagrams, bindUdp, datagramsDirectly, RuleSet, systemResolver } from "@gssocks/gssocks/socks";
 *
 * const rules = new RuleSet([]);
 * const open: OpenDatagrams = datagramsDirectly({ rules: () => rules, resolve: systemResolver, bind: bindUdp });
 * if (typeof open !== "function") throw new Error("nothing to open targets with");
 * ```
 */
export function datagramsDirectly(options: DatagramsDirectlyOptions): OpenDatagrams {
  return datagramsByClock(options, monotonicNow);
}

/** As {@linkcode datagramsDirectly}, with a clock that a test can stop. */
export function datagramsByClock(options: DatagramsDirectlyOptions, now: () => number): OpenDatagrams {
  if (options.lookupTimeout !== undefined) duration("lookupTimeout", options.lookupTimeout);
  // deno-lint-ignore require-await -- a denied request is a rejection
  return async (request, listener) => {
    judgeCommand(request, options.rules());
    return new DirectEgress(options, request, listener, now);
  };
}

/** A target that a datagram was sent to. */
interface Peer {
  /** The host in the client's datagram. */
  readonly hostname: string;
  /** The choice among the addresses of the name, if there are several. */
  readonly choice: AddressChoice | undefined;
  /** Where its last datagram came from, and when the rules allowed that. */
  allowed?: { readonly from: Endpoint; readonly period: Period };
}

class DirectEgress implements DatagramEgress {
  readonly #options: DatagramsDirectlyOptions;
  readonly #listener: EgressListener;
  readonly #peers: LruMap<Peer>;
  readonly #targets: JudgedTargets;
  /** The choice among the addresses of each name that has several. */
  readonly #choices: LruMap<AddressChoice>;
  readonly #sockets = new Map<"0.0.0.0" | "::", ReopeningSocket>();
  readonly #over = new AbortController();
  readonly #now: () => number;
  readonly #periods = new Periods();
  readonly #canonical = rememberingLast(canonicalAddress);
  #request: TargetRequest;

  constructor(options: DatagramsDirectlyOptions, request: TargetRequest, listener: EgressListener, now: () => number) {
    const { maxDestinations: limit = 256, lookupTimeout = LOOKUP_TIME, resolve } = options;
    const { signal } = this.#over;
    this.#options = options;
    this.#request = { ...request, signal };
    this.#listener = listener;
    this.#now = now;
    this.#peers = new LruMap(limit);
    this.#choices = new LruMap(limit);
    const lookups = new LookupCache({ resolve, limit, lookupTimeout, signal, now });
    this.#targets = new JudgedTargets({ lookups, limit });
  }

  send(data: Uint8Array, to: Endpoint, { onWait = () => {} }: SendDatagramOptions = {}): Promise<void> {
    const period = this.#period();
    const known = this.#targets.known(to, period);
    if (known !== undefined) return this.#sendToOne(known, data, to);
    return this.#targets.judge(to, period, { send: (allowed) => this.#sendToOne(allowed, data, to), onWait });
  }

  #period(): Period {
    return this.#periods.current(this.#options.rules(), this.#request);
  }

  /** Sends a datagram to one of the addresses that are allowed. */
  #sendToOne(allowed: readonly Endpoint[], data: Uint8Array, to: Endpoint): Promise<void> {
    if (allowed.length === 1) return this.#sendTo(allowed[0]!, data, to);
    const choice = this.#choices.get(to.hostname) ?? new AddressChoice(this.#now);
    this.#choices.set(to.hostname, choice);
    return this.#sendToFirst(choice.order(allowed.map(({ hostname }) => hostname)), data, to, choice);
  }

  /** Sends a datagram to the first address to which it can be sent. */
  async #sendToFirst(order: readonly string[], data: Uint8Array, to: Endpoint, choice: AddressChoice): Promise<void> {
    let failure: unknown;
    for (const address of order) {
      try {
        await this.#sendTo({ hostname: address, port: to.port }, data, to, choice);
        return choice.sent(address);
      } catch (error) {
        // A datagram that is too large for one address is too large for all.
        if (error instanceof RangeError || this.#over.signal.aborted) throw error;
        failure = error;
      }
    }
    throw failure;
  }

  #sendTo(address: Endpoint, data: Uint8Array, { hostname }: Endpoint, choice?: AddressChoice): Promise<void> {
    if (this.#over.signal.aborted) return Promise.reject(this.#over.signal.reason);
    if (isLinkLocal(address.hostname)) {
      const what = `Cannot send to ${address.hostname}: it does not say on which interface`;
      return Promise.reject(new SocksReplyError("HOST_UNREACHABLE", what));
    }
    const peer = this.#peer(address.hostname, address.port);
    const known = this.#peers.get(peer);
    const isSame = known !== undefined && known.hostname === hostname && known.choice === choice;
    // The answer may come before `send` has returned.
    this.#peers.set(peer, isSame ? known : { hostname, choice });
    const sending = this.#socketFor(address.hostname).send(data, address);
    if (known !== undefined) return sending;
    return sending.catch((error) => {
      // Nothing was sent to this peer.
      this.#peers.delete(peer);
      throw error;
    });
  }

  #socketFor(address: string): ReopeningSocket {
    const any = address.includes(":") ? "::" : "0.0.0.0";
    let socket = this.#sockets.get(any);
    if (socket === undefined) {
      const { bind, egress = [] } = this.#options;
      socket = new ReopeningSocket({
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

  #take(bytes: Bytes, { hostname, port }: Endpoint): void {
    if (this.#over.signal.aborted) return;
    const address = this.#canonical(hostname);
    const peer = this.#peers.get(this.#peer(address, port));
    if (peer === undefined) return this.#listener.onDrop("unsolicited");
    const period = this.#period();
    if (peer.allowed?.period !== period || peer.allowed.from.port !== port) {
      const verdict = period.rules.judgeAddress({ ...period.request, hostname: peer.hostname, port }, address);
      if (!verdict.allowed) return this.#listener.onDrop("denied");
      peer.allowed = { from: Object.freeze({ hostname: address, port }), period };
    }
    peer.choice?.answered(address);
    this.#listener.onDatagram(bytes, peer.allowed.from);
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
