/**
 * The time limit of each step of a request.
 *
 * @module
 */
import { type Deadline, startDeadline } from "../../../base/deadline.ts";
import { SocksTimeoutError } from "../../errors.ts";
import { formatEndpoint } from "../../wire/address.ts";
import type { CommandContext } from "./context.ts";

/** Starts the time limit of one step of a request, `timeouts.connect`. */
export function stepDeadline(
  { request, attempt, timeouts: { connect: milliseconds } }: Pick<CommandContext, "request" | "attempt" | "timeouts">,
  problem: string,
): Deadline {
  return startDeadline({
    milliseconds,
    signal: attempt,
    reason: () =>
      new SocksTimeoutError("CONNECT_TIMEOUT", `${formatEndpoint(request)}: ${problem} within ${milliseconds} ms`),
  });
}
