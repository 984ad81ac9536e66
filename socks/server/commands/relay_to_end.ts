/**
 * The relay at the end of CONNECT and BIND.
 *
 * @module
 */
import { asError } from "../../../base/reason.ts";
import { closeQuietly } from "../../stream/close_quietly.ts";
import type { Connection } from "../../stream/connection.ts";
import { relay } from "../relay/relay.ts";
import type { CommandContext } from "./context.ts";

/** Relays between the client and a target until both directions have ended, and reports how it ended. */
export async function relayToEnd(context: CommandContext, target: Connection): Promise<void> {
  const { client, clock, timeouts, bandwidth: { gate }, counts, report } = context;
  let failure: Error | undefined;
  try {
    await relay([client.rest, target], counts, { clock, timeouts, gate });
  } catch (error) {
    failure = asError(error);
  } finally {
    closeQuietly(target);
    client.channel.connection.close();
    report({ type: "closed", error: failure });
  }
}
