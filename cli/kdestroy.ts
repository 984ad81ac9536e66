/**
 * `gssocks kdestroy`.
 *
 * @module
 */
import { type Command, ExitCode } from "./command.ts";
import { cacheFrom, CCACHE_OPTION } from "./options.ts";

/** The command. */
export const command: Command = {
  summary: "destroy a credential cache",
  usage: "[OPTIONS]",
  options: CCACHE_OPTION,
  async run(args): Promise<number> {
    await cacheFrom(args).destroy();
    return ExitCode.Ok;
  },
};
