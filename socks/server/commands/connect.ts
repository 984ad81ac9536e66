/**
 * CONNECT (RFC 1928 section 4): connects to the target, replies, relays.
 *
 * @module
 */
import { SocksTimeoutError } from "../../errors.ts";
import { closeQuietly } from "../../stream/close_quietly.ts";
import { makeUnlessAborted } from "../../stream/make_unless_aborted.ts";
import { yieldMicrotasks } from "../../stream/settling.ts";
import type { OpenedTarget, OpenTarget } from "../targets/target.ts";
import type { CommandContext } from "./context.ts";
import { endReason, refuse } from "./refuse.ts";
import { relayToEnd } from "./relay_to_end.ts";
import { replySuccess, stepDeadline } from "./success.ts";

/** Carries out CONNECT until its relay has ended. */
export async function runConnect(context: CommandContext, open: OpenTarget): Promise<void> {
  const { client, clock, report } = context;
  let opened: OpenedTarget;
  try {
    opened = await openInTime(context, open);
  } catch (error) {
    return await refuse(context, error);
  }
  const { bound, address } = opened;
  try {
    // The reply is sent after the connection is made, never before.
    await replySuccess(context, bound, { type: "connected", bound, address });
  } catch (error) {
    closeQuietly(opened.connection);
    client.channel.connection.close();
    return report({ type: "refused", address, error: endReason(clock, error) });
  }
  await relayToEnd(context, opened.connection);
}

async function openInTime(context: CommandContext, open: OpenTarget): Promise<OpenedTarget> {
  using deadline = stepDeadline(context, "no answer");
  const { signal } = deadline;
  let failure: unknown;
  const opening = async () => {
    try {
      return await open({ ...context.request, signal });
    } catch (error) {
      failure = error;
      throw error;
    }
  };
  try {
    return await makeUnlessAborted(opening, signal, ({ connection }) => connection.close());
  } catch (error) {
    if (error !== signal.reason) throw error;
    // `open` may say more precisely what took too long.
    await yieldMicrotasks();
    throw failure instanceof SocksTimeoutError && failure.cause === error ? failure : error;
  }
}
