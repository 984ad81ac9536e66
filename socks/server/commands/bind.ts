/**
 * BIND (RFC 1928 section 4): listens, replies with the address, waits for the expected connection, replies with its address, relays.
 *
 * @module
 */
import { closeQuietly } from "../../stream/close_quietly.ts";
import type { Connection } from "../../stream/connection.ts";
import { makeUnlessAborted } from "../../stream/make_unless_aborted.ts";
import type { Endpoint } from "../../wire/address.ts";
import type { OpenBind, PendingBind } from "../targets/target.ts";
import type { CommandContext, LastStep } from "./context.ts";
import { refuse } from "./refuse.ts";
import { relayToEnd } from "./relay_to_end.ts";
import { stepDeadline } from "./step_deadline.ts";
import { replySuccess } from "./success.ts";

/** Carries out BIND up to its relay. */
export async function runBind(context: CommandContext, open: OpenBind): Promise<LastStep | undefined> {
  const { client, request } = context;
  let pending: PendingBind | undefined;
  let came: { connection: Connection; peer: Endpoint };
  try {
    using deadline = stepDeadline(context, "no peer connected");
    const listening = await makeUnlessAborted(
      () => open({ ...request, signal: deadline.signal }, client.accepted.local),
      deadline,
      (late) => late.close(),
    );
    pending = listening;
    const { bound } = listening;
    await replySuccess(context, bound, { type: "listening", bound });
    came = await makeUnlessAborted(() => listening.accept(), deadline, ({ connection }) => connection.close());
  } catch (error) {
    closeQuietly(pending);
    return void await refuse(context, error);
  }
  closeQuietly(pending);
  try {
    const { peer } = came;
    await replySuccess(context, peer, { type: "connected", target: peer, address: peer, bound: pending.bound });
  } catch (error) {
    closeQuietly(came.connection);
    return void await refuse(context, error, came.peer);
  }
  return relayToEnd(context, came.connection);
}
