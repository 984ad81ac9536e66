/**
 * The relay at the end of CONNECT and BIND.
 *
 * @module
 */
import { asError } from "../../../base/reason.ts";
import { closeQuietly } from "../../stream/close_quietly.ts";
import type { Connection } from "../../stream/connection.ts";
import { relay } from "../relay/relay.ts";
import type { CommandContext, LastStep } from "./context.ts";

/** Returns the step that relays between the client and a target until both directions have ended, and reports how it ended. */
export function relayToEnd(context: CommandContext, target: Connection): LastStep {
  const { client: { rest, channel: { connection } }, clock, timeouts, bandwidth: { gate }, counts, report } = context;
  const end = (error?: Error): void => {
    closeQuietly(target);
    connection.close();
    report({ type: "closed", error });
  };
  return () =>
    relay([rest, target], counts, { clock, timeouts, gate }).then(() => end(), (failure) => end(asError(failure)));
}
