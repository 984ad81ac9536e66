/**
 * `gssocks kdestroy`.
 *
 * @module
 */
import { filePath } from "../../kerberos/config/store_name.ts";
import { type Command, ExitCode } from "../command/command.ts";
import { cacheFrom, CCACHE_OPTION } from "../command/options.ts";

/** The command. */
export const command: Command = {
  summary: "destroy a credential cache",
  usage: "[OPTIONS]",
  options: CCACHE_OPTION,
  details: `
Of a symbolic link the link alone is removed, never what it points to.`,
  async run(args, io): Promise<number> {
    const cache = cacheFrom(args);
    const path = filePath(cache.name);
    const target = path === undefined ? "" : linkTarget(path);
    if (target === undefined) {
      io.err(`gssocks kdestroy: there is no ${cache.name}\n`);
      return ExitCode.Failure;
    }
    await cache.destroy();
    if (target !== "") io.err(`gssocks kdestroy: ${path} was a symbolic link; ${target} is as it was\n`);
    return ExitCode.Ok;
  },
};

/** What a symbolic link points to, nothing for another file; `undefined` where there is no file. */
function linkTarget(path: string): string | undefined {
  try {
    return Deno.lstatSync(path).isSymlink ? Deno.readLinkSync(path) : "";
  } catch (error) {
    // What else is wrong with it, destroying it will say.
    return error instanceof Deno.errors.NotFound ? undefined : "";
  }
}
