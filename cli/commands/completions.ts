/**
 * `gssocks completions`.
 *
 * @module
 */
import { bash, fish, type ShellCompletion, zsh } from "@optique/core/completion";
import { utf8 } from "../../base/bytes.ts";
import { type Command, ExitCode, UsageError } from "../command/command.ts";
import { completions } from "../command/completions.ts";
import { didYouMean } from "../command/suggestion.ts";
import { outputError } from "../terminal/io.ts";

const SHELLS: Readonly<Record<string, ShellCompletion>> = { bash, zsh, fish };

/** The command. */
export const command: Command = {
  summary: "print a script that lets a shell complete commands",
  usage: "SHELL",
  words: [1, Infinity],
  emptyWords: true,
  completes: Object.keys(SHELLS),
  options: {},
  details: `
SHELL is bash, zsh or fish. "gssocks" must be a command of the shell: a program, a function or an alias. Then:
  bash:  source <(gssocks completions bash)          in ~/.bashrc
  zsh:   source <(gssocks completions zsh)           in ~/.zshrc, behind compinit
  fish:  gssocks completions fish | source           in ~/.config/fish/config.fish

The script asks "gssocks completions SHELL -- WORDS" what the last word can become.`,
  async run(args, io, all): Promise<number> {
    const [name, ...words] = args.words as [string, ...string[]];
    const shell = Object.hasOwn(SHELLS, name) ? SHELLS[name]! : undefined;
    if (shell === undefined) {
      throw new UsageError(
        `"${name}" is none of ${Object.keys(SHELLS).join(", ")}${didYouMean(name, Object.keys(SHELLS))}`,
      );
    }
    const text = words.length === 0
      ? shell.generateScript("gssocks", ["completions", name, "--"])
      : [...shell.encodeSuggestions(await completions(words, all))].join("");
    const writer = io.stdout.getWriter();
    try {
      await writer.write(utf8(text));
    } catch (error) {
      throw outputError(error);
    } finally {
      writer.releaseLock();
    }
    return ExitCode.Ok;
  },
};
