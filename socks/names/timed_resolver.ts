/**
 * A resolver with a time limit.
 *
 * @module
 */
import { startDeadline } from "../../base/deadline.ts";
import { SocksReplyError } from "../errors.ts";
import { makeUnlessAborted } from "../stream/make_unless_aborted.ts";
import type { Resolver } from "./resolver.ts";

/** Limits the time of each look-up. The error says that the look-up took too long, not the target. */
export function withTimeLimit(resolve: Resolver, milliseconds: number): Resolver {
  return async (name, options) => {
    const text = `Cannot find ${name}: name servers did not answer within ${milliseconds} ms`;
    const reason = () => new SocksReplyError("HOST_UNREACHABLE", text);
    using deadline = startDeadline({ milliseconds, signal: options.signal, reason });
    const { signal } = deadline;
    // The resolver may be the user's own code and return no promise.
    return await makeUnlessAborted(async () => await resolve(name, { ...options, signal }), signal, () => {});
  };
}
