/**
 * UDP ASSOCIATE (RFC 1928 section 7, RFC 1961 section 5): the side of an association that faces the client. It lasts as long as
 * the connection on which it was asked for.
 *
 * @module
 */
import type { Bytes } from "../../gss/bytes.ts";
import { abortable, duration } from "../../gss/deadline.ts";
import { SocksReplyError, SocksTimeoutError } from "../errors.ts";
import { type Datagram, decodeDatagram, encodeDatagram, MAX_DATAGRAM } from "../wire/datagram.ts";
import { checkLimit } from "../limits/limits.ts";
import { takeInTime } from "../stream/late.ts";
import type { DatagramCodec } from "../stream/protected_datagrams.ts";
import type { DatagramEgress, EgressListener, OpenDatagrams } from "../udp/egress.ts";
import type { BindDatagrams, DatagramSocket } from "../udp/socket.ts";
import type { Endpoint } from "../wire/address.ts";
import { canonicalAddress } from "../wire/ip.ts";
import {
  closedEvent,
  type CommandCall,
  type DatagramCounts,
  type DroppedDatagrams,
  reasonOf,
  refuse,
  subject,
} from "./command.ts";
import { connectDeadline, tellSuccess } from "./connect.ts";

/** How associations are served. */
export interface AssociateOptions {
  /** Opens the side that faces targets. */
  readonly open: OpenDatagrams;
  /** Makes the socket that faces the client. */
  readonly bind: BindDatagrams;
  /** Address to tell clients instead of the one bound, for a server behind NAT. */
  readonly announce?: string | undefined;
  /** Time without a datagram after which an association ends, in milliseconds. @default {300000} */
  readonly idleTimeout?: number | undefined;
  /** Associations at one time. @default {1000} */
  readonly maxAssociations?: number | undefined;
  /** Where they are counted; share one where another command takes the place of this one. @default {its own} */
  readonly running?: AssociationCount | undefined;
}

/** How many associations there are at one time. */
export interface AssociationCount {
  /** Associations under way. */
  associations: number;
}

/** Datagrams of one client that are on their way at one time; further ones are dropped, as a full network would. */
const IN_FLIGHT = 64;
/** Refusals of an association that are told one by one; all are counted. */
const TOLD_REFUSALS = 16;

/** Serves associations, so many at one time. */
export class AssociateCommand {
  readonly #options: AssociateOptions;
  readonly #running: AssociationCount;

  /**
   * Makes one.
   *
   * @param options How associations are served.
   * @throws {TypeError} When `idleTimeout` is no time, or `maxAssociations` no limit.
   */
  constructor(options: AssociateOptions) {
    if (options.idleTimeout !== undefined) duration("idleTimeout", options.idleTimeout);
    checkLimit("maxAssociations", options.maxAssociations);
    this.#options = options;
    this.#running = options.running ?? { associations: 0 };
  }

  /**
   * Carries out UDP ASSOCIATE to the end of the connection it came on.
   *
   * @internal
   */
  async run(call: CommandCall): Promise<void> {
    const { maxAssociations = 1_000 } = this.#options;
    if (this.#running.associations >= maxAssociations) {
      const full = `There are ${maxAssociations} associations already`;
      return await refuse(call, new SocksReplyError("GENERAL_FAILURE", full));
    }
    this.#running.associations++;
    try {
      const association = new Association(call, this.#options);
      await association.run();
    } finally {
      this.#running.associations--;
    }
  }
}

class Association {
  readonly #call: CommandCall;
  readonly #options: AssociateOptions;
  readonly #counts: DatagramCounts;
  #codec: DatagramCodec | undefined;
  #socket: DatagramSocket | undefined;
  #egress: DatagramEgress | undefined;
  /** Address that the client's datagrams come from. */
  #address = "";
  /** Port that they come from, once that is known. */
  #port: number | undefined;
  #inFlight = 0;
  #told = 0;
  /** What is still under way then is told to nobody. */
  #ended = false;

  constructor(call: CommandCall, options: AssociateOptions) {
    this.#call = call;
    this.#options = options;
    this.#counts = { sent: 0, received: 0, dropped: noneDropped() };
  }

  async run(): Promise<void> {
    const { asked, request, options } = this.#call;
    // Its signal is the association's too, for as long as that lasts.
    using opening = connectDeadline(request, options, "association is not set up");
    try {
      const bound = await this.#open(opening.signal);
      this.#call.answered();
      await tellSuccess(this.#call, bound, () => options.onEvent({ type: "associated", ...subject(request), bound }));
      opening.limit(Infinity, () => new Error("unreachable: there is no time limit"));
    } catch (error) {
      this.#close();
      return await refuse(this.#call, error);
    }
    const { idleTimeout = 300_000 } = this.#options;
    const { clock } = options;
    clock.limit(
      idleTimeout,
      () => new SocksTimeoutError("IDLE_TIMEOUT", `No datagram was sent or received for ${idleTimeout} ms`),
    );
    let failure: Error | undefined;
    try {
      // Nothing more is said on the connection: its end is the association's.
      const control = asked.rest();
      while (await abortable(control.read(), clock.signal) !== null);
    } catch (error) {
      failure = reasonOf(clock, error);
    } finally {
      this.#close();
      asked.channel.connection.close();
      options.onEvent(closedEvent(this.#call, { datagrams: this.#counts, error: failure }));
    }
  }

  async #open(signal: AbortSignal): Promise<Endpoint> {
    const { asked, request } = this.#call;
    const { local, remote } = asked.accepted;
    this.#codec = asked.channel.datagrams;
    if (this.#codec === undefined) {
      throw new SocksReplyError("NOT_ALLOWED", "Security context was not asked to notice datagrams that come twice");
    }
    if (local === undefined || remote === undefined) {
      throw new SocksReplyError("COMMAND_NOT_SUPPORTED", "Client came over something that has no addresses");
    }
    this.#address = canonicalAddress(remote.hostname);
    // What a client behind NAT declares is what it looks like from inside, and no use here.
    if (request.port !== 0 && canonicalAddress(request.hostname) === this.#address) this.#port = request.port;
    const listener: EgressListener = {
      onDatagram: (data, from) => void this.#deliver(data, from),
      onDrop: (reason) => this.#drop(reason),
      onEnd: (reason) => this.#call.options.clock.abort(reason),
    };
    const { open, bind } = this.#options;
    this.#egress = await takeInTime(
      () => open({ ...request, signal }, listener),
      signal,
      (late) => late.close(),
    );
    const hostname = canonicalAddress(local.hostname);
    const onDatagram = (bytes: Bytes, from: Endpoint) => void this.#take(bytes, from);
    this.#socket = await takeInTime(
      () => bind({ hostname, port: 0, onDatagram }),
      signal,
      (late) => late.close(),
    );
    return { hostname: this.#options.announce ?? hostname, port: this.#socket.local.port };
  }

  #close(): void {
    this.#ended = true;
    this.#socket?.close();
    this.#egress?.close();
  }

  /** A datagram at the socket that faces the client. */
  async #take(bytes: Bytes, from: Endpoint): Promise<void> {
    if (canonicalAddress(from.hostname) !== this.#address || (this.#port ?? from.port) !== from.port) {
      return this.#drop("wrongSource");
    }
    if (this.#inFlight >= IN_FLIGHT) return this.#drop("overload");
    this.#inFlight++;
    try {
      await this.#relayOut(bytes, from);
    } finally {
      this.#inFlight--;
    }
  }

  async #relayOut(bytes: Bytes, from: Endpoint): Promise<void> {
    const datagram = await this.#unwrapped(bytes);
    if (datagram === undefined) return;
    // Whoever has the keys, or is the first where there are none, is the client from now on.
    this.#port ??= from.port;
    if (this.#port !== from.port) return this.#drop("wrongSource");
    if (datagram.fragment !== 0) return this.#drop("fragment");
    if (datagram.port === 0) return this.#drop("malformed");
    const { hostname, port, data } = datagram;
    const { options } = this.#call;
    if (!options.admit(data.length)) return this.#drop("overload");
    try {
      await this.#egress!.send(data, { hostname, port });
    } catch (error) {
      return this.#failedToSend({ hostname, port }, error);
    }
    if (this.#ended) return;
    this.#counts.sent++;
    options.status.counts.sent += data.length;
    options.clock.restart();
  }

  async #unwrapped(bytes: Bytes): Promise<Datagram | undefined> {
    let plain: Bytes;
    try {
      plain = await this.#codec!.open(bytes);
    } catch {
      this.#drop("notGenuine");
      return undefined;
    }
    try {
      return decodeDatagram(plain);
    } catch {
      this.#drop("malformed");
      return undefined;
    }
  }

  #failedToSend(target: Endpoint, error: unknown): void {
    if (this.#ended) return;
    const denied = error instanceof SocksReplyError && error.code === "NOT_ALLOWED";
    this.#drop(denied ? "denied" : "unreachable");
    if (denied && this.#told++ < TOLD_REFUSALS) {
      const { request, options } = this.#call;
      options.onEvent({ type: "refused", ...subject(request), target, error });
    }
  }

  /** A datagram for the client. */
  async #deliver(data: Bytes, from: Endpoint): Promise<void> {
    const { options } = this.#call;
    if (this.#port === undefined) return this.#drop("unsolicited");
    if (!options.admit(data.length)) return this.#drop("overload");
    try {
      const bytes = await this.#codec!.seal(encodeDatagram(from, data));
      if (bytes.length > MAX_DATAGRAM) return this.#drop("tooLarge");
      await this.#socket!.send(bytes, { hostname: this.#address, port: this.#port });
    } catch (error) {
      // A token that its frame cannot hold is a RangeError.
      return this.#drop(error instanceof RangeError ? "tooLarge" : "unreachable");
    }
    if (this.#ended) return;
    this.#counts.received++;
    options.status.counts.received += data.length;
    options.clock.restart();
  }

  #drop(reason: keyof DroppedDatagrams): void {
    if (!this.#ended) this.#counts.dropped[reason]++;
  }
}

function noneDropped(): DroppedDatagrams {
  return {
    wrongSource: 0,
    notGenuine: 0,
    malformed: 0,
    fragment: 0,
    denied: 0,
    unsolicited: 0,
    overload: 0,
    tooLarge: 0,
    unreachable: 0,
  };
}
