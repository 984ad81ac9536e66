/**
 * Files that a configuration names.
 *
 * @module
 */
import { fileReason } from "../../kerberos/credentials/shell/reason.ts";

/**
 * Reads a text file at once: this happens before anything else can.
 *
 * @throws {Error} With the path and the reason, in words for people.
 */
export function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    throw new Error(`Cannot read ${path}: ${fileReason(cause, path)}`, { cause });
  }
}

/** Reads the first line of a file, which is a password. */
export function firstLine(path: string): string {
  return readText(path).split(/\r?\n/)[0]!;
}
