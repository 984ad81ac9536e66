/**
 * `gssocks man`.
 *
 * @module
 */
import { type Command, ExitCode, UsageError } from "../command/command.ts";
import { commandPage, programPage } from "../command/manual.ts";
import { didYouMean } from "../command/suggestion.ts";

/** The command. */
export const command: Command = {
  summary: "print the manual page of a command",
  usage: "[COMMAND]",
  words: [0, 1],
  options: {},
  details: `
Prints the page of COMMAND, or of the program, for man(1):
  gssocks man serve | man -l -
  gssocks man serve >~/.local/share/man/man1/gssocks-serve.1

The pages are made from the same table as the help.`,
  async run(args, io, all): Promise<number> {
    const [name] = args.words;
    if (name === undefined) {
      io.out(programPage(all));
      return ExitCode.Ok;
    }
    if (!Object.hasOwn(all, name)) {
      throw new UsageError(`there is no command "${name}"${didYouMean(name, Object.keys(all))}`);
    }
    const { command } = await all[name]![1]();
    io.out(commandPage(name, command, all));
    return ExitCode.Ok;
  },
};
