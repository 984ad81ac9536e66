/**
 * UDP ASSOCIATE (RFC 1928 section 7): an association lasts as long as the connection on which it was asked for.
 *
 * @module
 */
import { abortable, duration, NO_LIMIT } from "../../../base/deadline.ts";
import { asError } from "../../../base/reason.ts";
import { SocksReplyError } from "../../errors.ts";
import type { BindDatagrams } from "../../stream/datagram_socket.ts";
import type { Endpoint } from "../../wire/address.ts";
import { ClientSide } from "../datagrams/client_side.ts";
import { type DatagramCounts, noDatagrams } from "../datagrams/counts.ts";
import { IdleTime } from "../datagrams/idle_time.ts";
import { checkLimit } from "../limits/limits.ts";
import { type Announce, checkAnnounce, facingClient } from "../targets/announce.ts";
import type { OpenDatagrams } from "../targets/target.ts";
import type { CommandContext } from "./context.ts";
import { endReason, refuse } from "./refuse.ts";
import { stepDeadline } from "./step_deadline.ts";
import { replySuccess } from "./success.ts";

/** Options of associations. */
export interface AssociateOptions {
  /** Opens the side that faces targets. */
  readonly open: OpenDatagrams;
  /** Makes the socket that faces the client. */
  readonly bind: BindDatagrams;
  /** What is announced to clients instead of the address bound, for a server behind NAT: an address of each family, or a name. */
  readonly announce?: Announce | undefined;
  /** Whether a client that proves its keys may be at an address now. @default {any address} */
  readonly mayMoveTo?: ((address: string) => boolean) | undefined;
  /** Time without a datagram after which an association ends, in milliseconds. @default {300000} */
  readonly idleTimeout?: number | undefined;
  /** Associations at one time. @default {1000} */
  readonly maxAssociations?: number | undefined;
  /** Where associations are counted; share it with a command that replaces this one. @default {its own} */
  readonly running?: AssociationCount | undefined;
}

/** The number of associations at one time. */
export interface AssociationCount {
  /** Running associations. */
  associations: number;
}

/** Denied datagrams of an association that are reported one by one; all are counted. */
const REPORTED_DENIALS = 16;

/**
 * Carries out UDP ASSOCIATE, for a limited number of associations at one time.
 *
 * @example Accepts UDP ASSOCIATE
 * ```ts
 * import { AssociateCommand, datagramsDirectly, bindUdp, RuleSet, systemResolver, parseRuleText } from "@gssocks/gssocks/socks";
 *
 * const rules = new RuleSet([parseRuleText("allow *:53,command=udp")]);
 * const openDatagrams = datagramsDirectly({ rules: () => rules, resolve: systemResolver, bind: bindUdp });
 * const associate = new AssociateCommand({ open: openDatagrams, bind: bindUdp });
 * if (typeof associate.run !== "function") throw new Error("no command");
 * ```
 */
export class AssociateCommand {
  readonly #options: AssociateOptions;
  readonly #running: AssociationCount;

  /**
   * Creates the command.
   *
   * @param options Options of its associations.
   * @throws {TypeError} When `idleTimeout` is not a time, `maxAssociations` not a limit, or what is announced not a host.
   */
  constructor(options: AssociateOptions) {
    checkAnnounce(options.announce);
    if (options.idleTimeout !== undefined) duration("idleTimeout", options.idleTimeout);
    checkLimit("maxAssociations", options.maxAssociations);
    this.#options = options;
    this.#running = options.running ?? { associations: 0 };
  }

  /**
   * Carries out UDP ASSOCIATE until the connection on which it was asked for has ended.
   *
   * @internal
   */
  async run(context: CommandContext): Promise<void> {
    const { maxAssociations = 1_000 } = this.#options;
    if (this.#running.associations >= maxAssociations) {
      const full = `There are ${maxAssociations} associations already`;
      return await refuse(context, new SocksReplyError("GENERAL_FAILURE", full));
    }
    this.#running.associations++;
    try {
      await runAssociation(context, this.#options);
    } finally {
      this.#running.associations--;
    }
  }
}

async function runAssociation(context: CommandContext, options: AssociateOptions): Promise<void> {
  const { client, clock, report } = context;
  const datagrams = noDatagrams();
  const idle = new IdleTime(clock, options.idleTimeout ?? 300_000);
  let side: ClientSide | undefined;
  // The signal of this step is the association's too, for as long as the association lasts.
  using opening = stepDeadline(context, "association is not set up");
  try {
    const opened = clientSide(context, options, { datagrams, idle });
    side = opened.side;
    const bound: Endpoint = { hostname: opened.announced, port: await side.open(opening.signal) };
    await replySuccess(context, bound, { type: "associated", bound });
    opening.limit(Infinity, NO_LIMIT);
    idle.start();
  } catch (error) {
    side?.close();
    return await refuse(context, error);
  }
  let failure: Error | undefined;
  try {
    // Nothing more is said on this connection: its end is the end of the association.
    while (await abortable(client.rest.read(), clock.signal) !== null);
  } catch (error) {
    failure = endReason(clock, error);
  } finally {
    side.close();
    client.channel.connection.close();
    report({ type: "closed", datagrams, error: failure });
  }
}

/** Returns the side that faces the client, which is not open yet, and the address that is announced to the client. */
function clientSide(
  { client, request, clock, bandwidth: { admit }, counts, report }: CommandContext,
  { open, bind, announce, mayMoveTo }: AssociateOptions,
  { datagrams, idle }: { readonly datagrams: DatagramCounts; readonly idle: IdleTime },
): { readonly side: ClientSide; readonly announced: string } {
  const { channel: { datagrams: codec }, accepted } = client;
  if (codec === undefined) {
    throw new SocksReplyError(
      "NOT_ALLOWED",
      "Client's security context has no replay detection, without which datagrams that come twice are not noticed",
    );
  }
  const facing = facingClient(accepted, announce);
  let denials = 0;
  const side = new ClientSide({
    request,
    codec,
    facing,
    open,
    bind,
    mayMoveTo,
    admit,
    counts: datagrams,
    onForwarded(direction, length): void {
      counts[direction] += length;
      idle.passed();
    },
    onDenied(target, error): void {
      if (denials++ < REPORTED_DENIALS) report({ type: "refused", target, error: asError(error) });
    },
    onEnd: (reason) => clock.abort(reason),
  });
  return { side, announced: facing.announced };
}
