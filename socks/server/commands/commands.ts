/**
 * The commands that a server carries out.
 *
 * @module
 */
import { SocksReplyError } from "../../errors.ts";
import type { ClientRequest } from "../front/request.ts";
import type { OpenBind, OpenTarget, ResolveHost } from "../targets/target.ts";
import type { AssociateCommand } from "./associate.ts";
import { runBind } from "./bind.ts";
import { runConnect } from "./connect.ts";
import type { CommandContext, LastStep } from "./context.ts";
import { runForward } from "./forward.ts";
import { refuse } from "./refuse.ts";
import { runResolve } from "./resolve.ts";

/** The commands that a server carries out; a command that is missing is refused. */
export interface ServedCommands {
  /** CONNECT. */
  readonly open: OpenTarget;
  /** BIND. */
  readonly bind?: OpenBind | undefined;
  /** UDP ASSOCIATE. */
  readonly associate?: AssociateCommand | undefined;
  /** RESOLVE and RESOLVE_PTR. */
  readonly resolve?: ResolveHost | undefined;
}

/**
 * Carries out a request until its connection has ended, another request follows on it, or its last step is all that is left.
 *
 * @returns The request that follows, or the last step.
 */
export async function runCommand(
  context: CommandContext,
  commands: ServedCommands,
): Promise<ClientRequest | LastStep | undefined> {
  const { forward } = context.client;
  if (forward !== undefined) return await runForward(context, forward, commands.open);
  return await runOnly(context, commands);
}

/** Carries out a request that no other one follows. */
async function runOnly(context: CommandContext, commands: ServedCommands): Promise<LastStep | undefined> {
  const { command } = context.request;
  const { open, bind, associate, resolve } = commands;
  if (command === "connect") return await runConnect(context, open);
  if (command === "bind" && bind !== undefined) return await runBind(context, bind);
  if (command === "udp" && associate !== undefined) return void await associate.run(context);
  if (command === "resolve" && resolve !== undefined) return void await runResolve(context, resolve);
  return void await refuse(
    context,
    new SocksReplyError("COMMAND_NOT_SUPPORTED", `Command ${command} is not supported`),
  );
}
