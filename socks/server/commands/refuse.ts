/**
 * Refusals of requests.
 *
 * @module
 */
import type { Deadline } from "../../../base/deadline.ts";
import { asError } from "../../../base/reason.ts";
import { replyCodeFor } from "../../errors.ts";
import { drain } from "../../stream/drain.ts";
import type { Endpoint } from "../../wire/address.ts";
import type { ClientRequest } from "../front/request.ts";
import type { CommandContext } from "./context.ts";

/**
 * Refuses a request: reports why, answers, and closes the connection once the client had time to read the answer.
 *
 * @param address Address that was connected to before.
 */
export async function refuse(
  context: Omit<CommandContext, "bandwidth">,
  error: unknown,
  address?: Endpoint,
): Promise<void> {
  const { client, clock, report } = context;
  context.answering();
  report({ type: "refused", address, error: endReason(clock, error) });
  await answerRefusal(client, error, clock.signal);
}

/** Answers a request with an error, and closes the connection. */
export async function answerRefusal(client: ClientRequest, error: unknown, signal: AbortSignal): Promise<void> {
  const { connection } = client.channel;
  // This fails if the client has gone, or if it already has a reply that says success: no second reply is possible then.
  const tell = () => client.reply({ reply: replyCodeFor(error), hostname: "0.0.0.0", port: 0 }, error);
  await drain(connection, { tell, signal });
  connection.close();
}

/** Returns why a session ended: the reason of its clock, if that has closed the connection, and otherwise the error. */
export function endReason({ signal }: Deadline, error: unknown): Error {
  return asError(signal.aborted ? signal.reason : error);
}
