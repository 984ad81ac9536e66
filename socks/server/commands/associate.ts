/**
 * UDP ASSOCIATE (RFC 1928 section 7, RFC 1961 section 5): the side of an association that faces the client. It lasts as long as
 * the connection on which it was asked for.
 *
 * @module
 */
import type { Bytes } from "../../../base/bytes.ts";
import { abortable, duration } from "../../../base/deadline.ts";
import { monotonicNow } from "../../../base/runtime.ts";
import { SocksLimitError, SocksReplyError, SocksTimeoutError } from "../../errors.ts";
import { asError } from "../../../base/reason.ts";
import { type Datagram, decodeDatagram, encodeDatagram, MAX_DATAGRAM } from "../../wire/datagram.ts";
import { checkLimit } from "../limits/limits.ts";
import { makeUnlessAborted } from "../../stream/make_unless_aborted.ts";
import type { DatagramCodec } from "../../stream/datagram_codec.ts";
import type { DatagramEgress, EgressListener, OpenDatagrams } from "../datagrams/egress.ts";
import { ClientPlace } from "../datagrams/client_place.ts";
import type { BindDatagrams } from "../../stream/datagram_socket.ts";
import { SteadySocket } from "../datagrams/steady_socket.ts";
import type { Endpoint } from "../../wire/address.ts";
import { canonicalAddress } from "../../wire/ip.ts";
import { type Announce, checkAnnounce, facingClient } from "./announce.ts";
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
  /** What to tell clients instead of the address bound, for a server behind NAT: an address of each family, or a name. */
  readonly announce?: Announce | undefined;
  /** Whether a client that shows its keys may be at an address now. @default {every one} */
  readonly mayMoveTo?: ((address: string) => boolean) | undefined;
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
   * @throws {TypeError} When `idleTimeout` is no time, `maxAssociations` no limit, or what is announced no host.
   */
  constructor(options: AssociateOptions) {
    checkAnnounce(options.announce);
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
  #socket: SteadySocket | undefined;
  #egress: DatagramEgress | undefined;
  #client: ClientPlace | undefined;
  #inFlight = 0;
  #told = 0;
  /** What is still under way then is told to nobody. */
  #ended = false;

  constructor(call: CommandCall, options: AssociateOptions) {
    this.#call = call;
    this.#options = options;
    this.#counts = { sent: 0, received: 0, moved: 0, dropped: noneDropped() };
  }

  async run(): Promise<void> {
    const { asked, request, options } = this.#call;
    // Its signal is the association's too, for as long as that lasts.
    using opening = connectDeadline(request, options, "association is not set up");
    try {
      const bound = await this.#open(opening.signal);
      this.#call.answered();
      await tellSuccess(
        this.#call,
        bound,
        () => options.onEvent({ type: "associated", ...subject(this.#call), bound }),
      );
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
    const { channel: { datagrams, protection }, accepted } = asked;
    this.#codec = datagrams;
    if (datagrams === undefined) {
      throw new SocksReplyError("NOT_ALLOWED", "Security context was not asked to notice datagrams that come twice");
    }
    const { open, bind, announce } = this.#options;
    const { client: address, bind: hostname, told } = facingClient(accepted, announce);
    this.#client = new ClientPlace({
      address,
      // What a client behind NAT declares is what it looks like from inside, and no use here.
      port: request.port !== 0 && canonicalAddress(request.hostname) === address ? request.port : undefined,
      proves: protection !== "none",
      mayMove: (to) => this.#mayMove(to),
      now: monotonicNow,
    });
    const listener: EgressListener = {
      onDatagram: (data, from) => void this.#deliver(data, from).catch(() => {}),
      onDrop: (reason) => this.#drop(reason),
      onEnd: (reason) => this.#call.options.clock.abort(reason),
    };
    this.#egress = await makeUnlessAborted(
      () => open({ ...request, signal }, listener),
      signal,
      (late) => late.close(),
    );
    // What is told to an observer that throws is no reason to end anything.
    const onDatagram = (bytes: Bytes, from: Endpoint) => void this.#take(bytes, from).catch(() => {});
    const socket = new SteadySocket({ bind, hostname, onDatagram, told: true });
    this.#socket = socket;
    const { port } = await abortable(socket.open(), signal);
    return { hostname: told, port };
  }

  /** Its own rules, and those of the server for whoever talks to it, hold for where it comes from now. */
  #mayMove(to: string): boolean {
    if (this.#options.mayMoveTo?.(to) === false) return false;
    return this.#egress?.moved?.(to) ?? true;
  }

  #close(): void {
    this.#ended = true;
    this.#socket?.close();
    this.#egress?.close();
  }

  /** A datagram at the socket that faces the client. */
  async #take(bytes: Bytes, from: Endpoint): Promise<void> {
    if (!this.#client!.mayBeFrom(from)) return this.#drop("wrongSource");
    if (this.#inFlight >= IN_FLIGHT) return this.#drop("overload");
    this.#inFlight++;
    let held = true;
    const letGo = () => {
      if (held) this.#inFlight--;
      held = false;
    };
    try {
      await this.#relayOut(bytes, from, letGo);
    } finally {
      letGo();
    }
  }

  /** @param onWait Called where others need not wait with it. */
  async #relayOut(bytes: Bytes, from: Endpoint, onWait: () => void): Promise<void> {
    const datagram = await this.#unwrapped(bytes);
    if (datagram === undefined) return;
    // Whoever has the keys, or is the first where there are none, is the client from now on.
    const place = this.#client!.take(from);
    if (place === undefined) return this.#drop("wrongSource");
    if (place === "moved" && !this.#ended) this.#counts.moved++;
    if (datagram.fragment !== 0) return this.#drop("fragment");
    if (datagram.port === 0) return this.#drop("malformed");
    const { hostname, port, data } = datagram;
    const { options } = this.#call;
    if (!options.admit(data.length)) return this.#drop("overload");
    try {
      await this.#egress!.send(data, { hostname, port }, { onWait });
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
    const reason = dropReason(error);
    this.#drop(reason);
    if (reason === "denied" && this.#told++ < TOLD_REFUSALS) {
      const { options } = this.#call;
      options.onEvent({ type: "refused", ...subject(this.#call), target, error: asError(error) });
    }
  }

  /** A datagram for the client. */
  async #deliver(data: Bytes, from: Endpoint): Promise<void> {
    const { options } = this.#call;
    if (this.#client!.endpoint === undefined) return this.#drop("unsolicited");
    if (!options.admit(data.length)) return this.#drop("overload");
    try {
      const bytes = await this.#codec!.seal(encodeDatagram(from, data));
      if (bytes.length > MAX_DATAGRAM) return this.#drop("tooLarge");
      // Where it is by now.
      await this.#socket!.send(bytes, this.#client!.endpoint);
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

/** Why a datagram did not go out. */
function dropReason(error: unknown): keyof DroppedDatagrams {
  if (error instanceof SocksReplyError && error.code === "NOT_ALLOWED") return "denied";
  if (error instanceof SocksLimitError) return "overload";
  return error instanceof RangeError ? "tooLarge" : "unreachable";
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
