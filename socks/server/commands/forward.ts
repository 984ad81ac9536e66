/**
 * Requests of HTTP that are forwarded: connects to the target, and carries out all requests that follow to the same one.
 *
 * @module
 */
import { NO_LIMIT } from "../../../base/deadline.ts";
import { asError } from "../../../base/reason.ts";
import { closeQuietly } from "../../stream/close_quietly.ts";
import { abort } from "../../stream/connection.ts";
import { drain } from "../../stream/drain.ts";
import type { ClientRequest, ForwardedRequest } from "../front/request.ts";
import { HttpReader } from "../front/http_reader.ts";
import type { ProxyRequest } from "../front/http_request.ts";
import { relay } from "../relay/relay.ts";
import type { OpenTarget } from "../targets/target.ts";
import type { CommandContext } from "./context.ts";
import { HttpExchange } from "./http_exchange.ts";
import { openInTime } from "./open_in_time.ts";
import { answerRefusal, endReason, refuse } from "./refuse.ts";

/** Longest wait for the next request of a client, in milliseconds; `timeouts.idle` where that is shorter. */
const KEEP_ALIVE = 60_000;

/**
 * Carries out a forwarded request, and those behind it to the same target.
 *
 * @returns The next request of the client, which has another target.
 */
export async function runForward(
  context: CommandContext,
  forward: ForwardedRequest,
  open: OpenTarget,
): Promise<ClientRequest | undefined> {
  const { client, clock, timeouts, bandwidth: { gate }, counts, report } = context;
  let opened;
  try {
    opened = await openInTime(context, open);
  } catch (error) {
    return void await refuse(context, error);
  }
  context.answering();
  const { connection: target, bound, address, through } = opened;
  const reader = new HttpReader(client.rest);
  const times = { idle: Math.min(KEEP_ALIVE, timeouts.idle), head: timeouts.handshake };
  const exchange = new HttpExchange({
    first: forward.request,
    reader,
    client: client.rest,
    target,
    write: forward.write,
    nextHead: () => reader.next(times, clock.signal),
    mayContinue: forward.next !== undefined,
  });
  let failure: Error | undefined;
  report({ type: "connected", bound, address, through });
  try {
    await relay([exchange.client, exchange.target], counts, { clock, timeouts, gate });
  } catch (error) {
    if (exchange.again === undefined) failure = asError(error);
  } finally {
    closeQuietly(target);
    report({ type: "closed", error: failure });
  }
  return await whatFollows(context, { forward, exchange, reader, failure });
}

/** An exchange that is over. */
interface OverExchange {
  readonly forward: ForwardedRequest;
  readonly exchange: HttpExchange;
  readonly reader: HttpReader;
  readonly failure: Error | undefined;
}

/** Returns the next request of the client; where there is none, its connection is closed. */
async function whatFollows(context: CommandContext, over: OverExchange): Promise<ClientRequest | undefined> {
  const { client, clock } = context;
  const { forward, exchange, reader, failure } = over;
  const { connection } = client.channel;
  // The relay's idle time is over.
  clock.limit(Infinity, NO_LIMIT);
  const { again } = exchange;
  if (again !== undefined) return forward.next?.({ target: again.target, forwarded: again }, reader.rest());
  if (failure !== undefined && !exchange.answered && !clock.signal.aborted) {
    return void await answerRefusal(client, failure, clock.signal);
  }
  // A client that cannot tell a response that was cut from a complete one sees that the connection was cut.
  if (failure !== undefined && !exchange.complete) return void abort(connection);
  if (exchange.tunnelled) return void connection.close();
  const next = exchange.continues && failure === undefined ? await nextRequest(context, exchange) : undefined;
  if (next !== undefined) return forward.next?.(next, reader.rest());
  await drain(connection, { signal: clock.signal });
  connection.close();
  return undefined;
}

/** Returns the next request. One that cannot be read is refused. */
async function nextRequest(context: CommandContext, exchange: HttpExchange): Promise<ProxyRequest | undefined> {
  const { client, clock, report } = context;
  try {
    return await exchange.nextHead();
  } catch (error) {
    report({ type: "refused", error: endReason(clock, error) });
    await answerRefusal(client, error, clock.signal);
    return undefined;
  }
}
