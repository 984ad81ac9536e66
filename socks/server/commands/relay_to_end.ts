/**
 * The relay at the end of CONNECT and BIND.
 *
 * @module
 */
import { asError } from "../../../base/reason.ts";
import { closeQuietly } from "../../stream/close_quietly.ts";
import type { Connection } from "../../stream/connection.ts";
import { startRelay } from "../relay/relay.ts";
import type { CommandContext, LastStep } from "./context.ts";

/** Returns the step that relays between the client and a target until both directions have ended, and reports how it ended. */
export function relayToEnd(context: CommandContext, target: Connection): LastStep {
  const { client: { rest, channel: { connection } }, clock, timeouts, bandwidth: { gate }, counts, report } = context;
  return (ended) =>
    startRelay([rest, target], counts, { clock, timeouts, gate }, (end) => {
      closeQuietly(target);
      try {
        connection.close();
      } catch (error) {
        // A caller's connection may throw.
        return ended({ error });
      }
      report({ type: "closed", error: end === undefined ? undefined : asError(end.error) });
      ended();
    });
}
