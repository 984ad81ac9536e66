/**
 * What a session gives to a command, and what the command reports.
 *
 * @module
 */
import type { Deadline } from "../../../base/deadline.ts";
import type { Endpoint } from "../../wire/address.ts";
import type { DatagramCounts } from "../datagrams/counts.ts";
import type { ClientRequest } from "../front/request.ts";
import type { Bandwidth } from "../limits/bandwidth.ts";
import type { AllTimeouts } from "../limits/timeouts.ts";
import type { RelayCounts } from "../relay/relay.ts";
import type { TargetRequest, ThroughProxy } from "../targets/target.ts";

/** What a command needs to carry out one request. */
export interface CommandContext {
  /** The client and its request. */
  readonly client: ClientRequest;
  /** The request as rules see it. Each step has a signal of its own. */
  readonly request: Omit<TargetRequest, "signal">;
  /** Ends the attempt: with the session, or when the client has gone. */
  readonly attempt: Deadline;
  /** The clock of the session; aborting it ends the session. */
  readonly clock: Deadline;
  /** Time limits of the steps. */
  readonly timeouts: AllTimeouts;
  /** Limits on the bytes transferred. */
  readonly bandwidth: Bandwidth;
  /** Bytes transferred; the command counts them up. */
  readonly counts: RelayCounts;
  /** Called before the last reply is sent: the session watches the client until then. May be called again. */
  readonly answering: () => void;
  /** Called for each event. */
  readonly report: (event: CommandEvent) => void;
}

/**
 * The last step of a command, which is begun once the command has returned: an idle session would keep every function that waits for it in
 * memory, half a kilobyte each.
 *
 * @param ended Called once, when the step is over; with the failure, if it has not told it itself.
 */
export type LastStep = (ended: (failure?: { readonly error: unknown }) => void) => void;

/** An event of a command. The session adds who asked, and for what. */
export type CommandEvent =
  | {
    readonly type: "refused";
    /** Target of a datagram, where it is not the target of the request. */
    readonly target?: Endpoint;
    /** Address that was connected to before the request was refused. */
    readonly address?: Endpoint | undefined;
    readonly error: Error;
  }
  | { readonly type: "listening" | "associated"; readonly bound: Endpoint }
  | {
    readonly type: "connected";
    /** Where the connection of BIND came from, instead of the target of the request. */
    readonly target?: Endpoint;
    /** Address of the target, where it is known. */
    readonly address?: Endpoint | undefined;
    readonly bound: Endpoint;
    /** The proxy that has connected, if another one has. */
    readonly through?: ThroughProxy | undefined;
  }
  | { readonly type: "closed"; readonly datagrams?: DatagramCounts; readonly error?: Error | undefined };
