/**
 * CONNECT (RFC 1928 section 4): reach the target, say so, relay.
 *
 * @module
 */
import { startDeadline } from "../../gss/deadline.ts";
import { SocksTimeoutError } from "../errors.ts";
import { relay } from "../relay.ts";
import type { SessionOptions } from "../session.ts";
import type { Connection } from "../stream/connection.ts";
import { type Endpoint, formatEndpoint } from "../wire/address.ts";
import { asError, closedEvent, type CommandCall, refuse, subject, type TargetRequest } from "./command.ts";

/** A connection to a target. */
export interface OpenedTarget {
  /** The connection. */
  readonly connection: Connection;
  /** Address of this end, for the reply. */
  readonly bound: Endpoint;
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
  try {
    // The reply comes after the connection, never before it.
    await asked.reply({ reply: 0, ...opened.bound });
    options.onEvent({ type: "connected", ...subject(request), bound: opened.bound });
  } catch (error) {
    opened.connection.close();
    asked.channel.connection.close();
    return options.onEvent({ type: "refused", ...subject(request), error: asError(error) });
  }
  await relayToEnd(call, opened.connection);
}

/** Relays and tells how it ended. */
export async function relayToEnd(call: CommandCall, target: Connection): Promise<void> {
  const { asked, options } = call;
  const { clock, idleTimeout, halfCloseTimeout, gate, status: { counts } } = options;
  let failure: Error | undefined;
  try {
    await relay([asked.rest(), target], counts, { clock, idleTimeout, halfCloseTimeout, gate });
  } catch (error) {
    failure = asError(error);
  } finally {
    target.close();
    asked.channel.connection.close();
    options.onEvent(closedEvent(call, { error: failure }));
  }
}

async function open(request: TargetRequest, options: SessionOptions): Promise<OpenedTarget> {
  const { connectTimeout: milliseconds } = options;
  using deadline = startDeadline({
    milliseconds,
    signal: request.signal,
    reason: () =>
      new SocksTimeoutError("CONNECT_TIMEOUT", `${formatEndpoint(request)} did not answer within ${milliseconds} ms`),
  });
  return await options.open({ ...request, signal: deadline.signal });
}
