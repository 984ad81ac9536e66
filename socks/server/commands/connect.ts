/**
 * CONNECT (RFC 1928 section 4): connects to the target, replies, relays.
 *
 * @module
 */
import { closeQuietly } from "../../stream/close_quietly.ts";
import type { OpenedTarget, OpenTarget } from "../targets/target.ts";
import type { CommandContext, LastStep } from "./context.ts";
import { openInTime } from "./open_in_time.ts";
import { endReason, refuse } from "./refuse.ts";
import { relayToEnd } from "./relay_to_end.ts";
import { replySuccess } from "./success.ts";

/** Carries out CONNECT up to its relay. */
export async function runConnect(context: CommandContext, open: OpenTarget): Promise<LastStep | undefined> {
  const { client, clock, report } = context;
  let opened: OpenedTarget;
  try {
    opened = await openInTime(context, open);
  } catch (error) {
    return void await refuse(context, error);
  }
  const { bound, address, through } = opened;
  try {
    // The reply is sent after the connection is made, never before.
    await replySuccess(context, bound, { type: "connected", bound, address, through });
  } catch (error) {
    closeQuietly(opened.connection);
    client.channel.connection.close();
    return void report({ type: "refused", address, error: endReason(clock, error) });
  }
  return relayToEnd(context, opened.connection);
}
