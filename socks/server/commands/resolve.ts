/**
 * RESOLVE and RESOLVE_PTR, Tor's commands that look a name or an address up at the proxy (socks-extensions.txt section 2).
 *
 * @module
 */
import { abortable } from "../../../base/deadline.ts";
import type { ResolveHost } from "../targets/target.ts";
import type { CommandContext } from "./context.ts";
import { refuse } from "./refuse.ts";
import { replySuccess, stepDeadline } from "./success.ts";

/** Looks the host up and replies with the result; there is nothing to relay. */
export async function runResolve(context: CommandContext, resolve: ResolveHost): Promise<void> {
  const { client: { channel: { connection }, lookup = "address" }, request, report } = context;
  try {
    using deadline = stepDeadline(context, "not found");
    const { signal } = deadline;
    const found = await abortable(resolve({ ...request, signal }, lookup), signal);
    await replySuccess(context, { hostname: found, port: 0 });
    // A client that has its answer may have gone already.
    await abortable(connection.closeWrite(), signal).catch(() => {});
  } catch (error) {
    return await refuse(context, error);
  }
  connection.close();
  report({ type: "closed" });
}
