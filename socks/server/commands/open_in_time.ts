/**
 * Connects to the target of a request within `timeouts.connect`.
 *
 * @module
 */
import { SocksTimeoutError } from "../../errors.ts";
import { makeUnlessAborted } from "../../stream/make_unless_aborted.ts";
import { yieldMicrotasks } from "../../stream/settling.ts";
import type { OpenedTarget, OpenTarget } from "../targets/target.ts";
import type { CommandContext } from "./context.ts";
import { stepDeadline } from "./step_deadline.ts";

/** Connects to the target of a request; a connection that comes too late is closed. */
export async function openInTime(context: CommandContext, open: OpenTarget): Promise<OpenedTarget> {
  using deadline = stepDeadline(context, "no answer");
  let failure: unknown;
  const opening = async () => {
    try {
      return await open({ ...context.request, signal: deadline.signal });
    } catch (error) {
      failure = error;
      throw error;
    }
  };
  try {
    return await makeUnlessAborted(opening, deadline, ({ connection }) => connection.close());
  } catch (error) {
    if (!deadline.aborted || error !== deadline.signal.reason) throw error;
    // `open` may say more precisely what took too long.
    await yieldMicrotasks();
    throw failure instanceof SocksTimeoutError && failure.cause === error ? failure : error;
  }
}
