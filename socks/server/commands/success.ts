/**
 * Replies that say success, and the time limit of each step before them.
 *
 * @module
 */
import { abortable, type Deadline, startDeadline } from "../../../base/deadline.ts";
import { SocksTimeoutError } from "../../errors.ts";
import { type Endpoint, formatEndpoint } from "../../wire/address.ts";
import type { CommandContext, CommandEvent } from "./context.ts";

/**
 * Sends a reply that says success. The client must take it within `timeouts.connect`.
 *
 * @param event Reported as soon as the reply is sent; never once this function has failed.
 */
export async function replySuccess(context: CommandContext, bound: Endpoint, event?: CommandEvent): Promise<void> {
  // BIND has two replies; the session watches the client until the last one.
  if (event?.type !== "listening") context.answering();
  using deadline = stepDeadline(context, "the client did not take the reply");
  const { signal } = deadline;
  let sent = false;
  const sending = context.client.reply({ reply: 0, ...bound }).then(() => {
    if (signal.aborted) return;
    if (event !== undefined) context.report(event);
    sent = true;
  });
  try {
    await abortable(sending, signal);
  } catch (error) {
    // An end that comes after the reply is the end of the relay, not a refusal.
    if (!sent) throw error;
  }
}

/** Starts the time limit of one step of a request, `timeouts.connect`. */
export function stepDeadline(
  { request, timeouts: { connect: milliseconds } }: Pick<CommandContext, "request" | "timeouts">,
  problem: string,
): Deadline {
  return startDeadline({
    milliseconds,
    signal: request.signal,
    reason: () =>
      new SocksTimeoutError("CONNECT_TIMEOUT", `${formatEndpoint(request)}: ${problem} within ${milliseconds} ms`),
  });
}
