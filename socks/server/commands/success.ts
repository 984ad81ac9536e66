/**
 * Replies that say success.
 *
 * @module
 */
import { abortable } from "../../../base/deadline.ts";
import type { Endpoint } from "../../wire/address.ts";
import type { CommandContext, CommandEvent } from "./context.ts";
import { stepDeadline } from "./step_deadline.ts";

/**
 * Sends a reply that says success. The client must take it within `timeouts.connect`.
 *
 * @param event Reported as soon as the reply is sent; never once this function has failed.
 */
export async function replySuccess(context: CommandContext, bound: Endpoint, event?: CommandEvent): Promise<void> {
  // BIND has two replies; the session watches the client until the last one.
  if (event?.type !== "listening") context.answering();
  using deadline = stepDeadline(context, "the client did not take the reply");
  let sent = false;
  const sending = context.client.reply({ reply: 0, ...bound }).then(() => {
    if (deadline.aborted) return;
    if (event !== undefined) context.report(event);
    sent = true;
  });
  try {
    await abortable(sending, deadline);
  } catch (error) {
    // An end that comes after the reply is the end of the relay, not a refusal.
    if (!sent) throw error;
  }
}
