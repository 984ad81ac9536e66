/**
 * `gssocks passwd`.
 *
 * @module
 */
import { type Command, ExitCode, UsageError } from "./command.ts";
import { passwordLine } from "./passwords.ts";

/** The command. */
export const command: Command = {
  summary: "set a user's password in a file for serve",
  usage: "FILE USER",
  options: { delete: { short: "D", help: "Delete the user instead" } },
  details: `
The password is read from standard input, or asked for. The file has one line for each user, with a hash (scrypt) and not
the password; it is made where there is none, and nobody else may read it.`,
  async run(args, io): Promise<number> {
    const [file, user, ...more] = args.words;
    if (file === undefined || user === undefined || more.length > 0) throw new UsageError("FILE and USER are needed");
    const lines = existingLines(file).filter((line) => !line.startsWith(`${user}:`));
    if (!args.has("delete")) {
      try {
        lines.push(await passwordLine(user, await io.readPassword(`Password for ${user}: `)));
      } catch (error) {
        throw error instanceof TypeError ? new UsageError(error.message) : error;
      }
    }
    const temporary = `${file}.new`;
    await Deno.writeTextFile(temporary, lines.map((line) => `${line}\n`).join(""), { mode: 0o600 });
    await Deno.rename(temporary, file);
    return ExitCode.Ok;
  },
};

function existingLines(file: string): string[] {
  try {
    return Deno.readTextFileSync(file).split(/\r?\n/).filter((line) => line !== "");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
