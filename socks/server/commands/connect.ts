/**
 * CONNECT (RFC 1928 section 4): reach the target, say so, relay.
 *
 * @module
 */
import { abortable, type Deadline, startDeadline } from "../../../base/deadline.ts";
import { SocksTimeoutError } from "../../errors.ts";
import { asError } from "../../../base/reason.ts";
import { relay } from "../relay/relay.ts";
import type { SessionOptions } from "../session.ts";
import type { Connection } from "../../stream/connection.ts";
import { yieldMicrotasks } from "../../stream/settling.ts";
import { closeQuietly } from "../../stream/close_quietly.ts";
import { makeUnlessAborted } from "../../stream/make_unless_aborted.ts";
import { type Endpoint, formatEndpoint } from "../../wire/address.ts";
import { closedEvent, type CommandCall, reasonOf, refuse, subject, type TargetRequest } from "./command.ts";

/** A connection to a target. */
export interface OpenedTarget {
  /** The connection. */
  readonly connection: Connection;
  /** Address of this end, for the reply. */
  readonly bound: Endpoint;
  /** Address that was connected to; not known through another proxy. */
  readonly address?: Endpoint | undefined;
}

/**
 * Decides about a request and connects to its target.
 *
 * @throws {SocksReplyError} When it may not be, or cannot; the client is told the code.
 */
export type OpenTarget = (request: TargetRequest) => Promise<OpenedTarget>;

/** Carries out CONNECT to the end of its relay. */
export async function runConnect(call: CommandCall): Promise<void> {
  const { asked, request, options } = call;
  let opened: OpenedTarget;
  try {
    opened = await open(request, options);
  } catch (error) {
    return await refuse(call, error);
  }
  options.status.address = opened.address;
  try {
    // The reply comes after the connection, never before it.
    const { bound } = opened;
    call.answered();
    await tellSuccess(call, bound, () => options.onEvent({ type: "connected", ...subject(call), bound }));
  } catch (error) {
    closeQuietly(opened.connection);
    asked.channel.connection.close();
    return options.onEvent({ type: "refused", ...subject(call), error: reasonOf(options.clock, error) });
  }
  await relayToEnd(call, opened.connection);
}

/**
 * Tells a client that its request is carried out. One that does not take that has as long for it as a target to answer.
 *
 * @param onTold Called as soon as it is told, and never once this has failed.
 */
export async function tellSuccess(
  { asked, request, options }: CommandCall,
  bound: Endpoint,
  onTold: () => void = () => {},
): Promise<void> {
  using deadline = connectDeadline(request, options, "the client did not take the reply");
  const { signal } = deadline;
  let told = false;
  const telling = asked.reply({ reply: 0, ...bound }).then(() => {
    if (signal.aborted) return;
    onTold();
    told = true;
  });
  try {
    await abortable(telling, signal);
  } catch (error) {
    // What comes after it was told is the end of what was begun.
    if (!told) throw error;
  }
}

/** The time for a step of a request. */
export function connectDeadline(
  request: TargetRequest,
  { timeouts: { connect: milliseconds } }: SessionOptions,
  problem: string,
): Deadline {
  return startDeadline({
    milliseconds,
    signal: request.signal,
    reason: () =>
      new SocksTimeoutError("CONNECT_TIMEOUT", `${formatEndpoint(request)}: ${problem} within ${milliseconds} ms`),
  });
}

/**
 * Relays and tells how it ended.
 *
 * @param client The client's connection from here on.
 */
export async function relayToEnd(
  call: CommandCall,
  target: Connection,
  client: Connection = call.asked.rest(),
): Promise<void> {
  const { asked, options } = call;
  const { clock, timeouts, gate, status: { counts } } = options;
  let failure: Error | undefined;
  try {
    await relay([client, target], counts, { clock, timeouts, gate });
  } catch (error) {
    failure = asError(error);
  } finally {
    closeQuietly(target);
    asked.channel.connection.close();
    options.onEvent(closedEvent(call, { error: failure }));
  }
}

async function open(request: TargetRequest, options: SessionOptions): Promise<OpenedTarget> {
  using deadline = connectDeadline(request, options, "no answer");
  const { signal } = deadline;
  let told: unknown;
  const opening = async () => {
    try {
      return await options.open({ ...request, signal });
    } catch (error) {
      told = error;
      throw error;
    }
  };
  try {
    return await makeUnlessAborted(opening, signal, ({ connection }) => connection.close());
  } catch (error) {
    if (error !== signal.reason) throw error;
    // Whoever opens may know what it was that took so long.
    await yieldMicrotasks();
    throw told instanceof SocksTimeoutError && told.cause === error ? told : error;
  }
}
