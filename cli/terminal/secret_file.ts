/**
 * Reads a password out of a file: its first line, as Heimdal's `--password-file` does.
 *
 * @module
 */
import { fileReason } from "../../kerberos/credentials/shell/reason.ts";
import { readPipedLine } from "./secret_line.ts";

/**
 * Returns the first line of a file, which may be a pipe.
 *
 * @throws {Error} If it cannot be read, is empty, or the line is too long or no UTF-8.
 */
export async function readSecretFile(path: string): Promise<string> {
  let line: string | undefined;
  try {
    using file = await Deno.open(path);
    line = await readPipedLine((into) => file.read(into));
  } catch (error) {
    throw new Error(`Cannot read the password in ${path}: ${fileReason(error, path)}`, { cause: error });
  }
  if (line === undefined) throw new Error(`Cannot read the password in ${path}: the file is empty`);
  return line;
}
