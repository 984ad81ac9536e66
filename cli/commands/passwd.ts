/**
 * `gssocks passwd`.
 *
 * @module
 */
import { exactText } from "../../base/bytes.ts";
import { changeFile } from "../../kerberos/credentials/shell/change_file.ts";
import { type Command, ExitCode, UsageError } from "../command/command.ts";
import { type CliIo, newPassword } from "../terminal/io.ts";
import { checkUser, parsePasswordFile, passwordLine } from "../passwords/passwords.ts";

/** The command. */
export const command: Command = {
  summary: "set a user's password in a file for serve",
  usage: "[OPTIONS] FILE USER",
  words: [2, 2],
  options: { delete: { short: "D", help: "Delete the user instead" } },
  details: `
The password is read from standard input, or asked for twice. The file has one line for each user, with a hash (scrypt) and
not the password. It is created if it does not exist, readable by its owner only.`,
  async run(args, io): Promise<number> {
    const [file, user] = args.words as [string, string];
    // Before the prompt.
    checkName(user);
    const line = args.has("delete") ? undefined : await newLine(user, io);
    await changeFile(file, ({ bytes }) => {
      const lines = (bytes === undefined ? "" : decoded(file, bytes)).split(/\r?\n/).filter((held) => held !== "");
      const others = lines.filter((held) => !held.startsWith(`${user}:`));
      if (line !== undefined) others.push(line);
      else if (others.length === lines.length) throw new Error(`there is no user "${user}"`);
      return new TextEncoder().encode(others.map((held) => `${held}\n`).join(""));
    }, { create: line !== undefined, suffix: ".new" });
    return ExitCode.Ok;
  },
};

function checkName(user: string): void {
  try {
    checkUser(user);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

async function newLine(user: string, io: CliIo): Promise<string> {
  const password = await newPassword(io, user);
  try {
    return await passwordLine(user, password);
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(error.message) : error;
  }
}

/** A file of something else is not rewritten as text. */
function decoded(file: string, bytes: Uint8Array): string {
  let text: string;
  try {
    text = exactText(bytes);
  } catch {
    throw new TypeError(`${file} is not in UTF-8, and names in it would become others`);
  }
  parsePasswordFile(text, file);
  return text;
}
