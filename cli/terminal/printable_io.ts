/**
 * Input and output of a command, with everything that is to be read made fit for a terminal.
 *
 * @module
 */
import { printable, printableLines } from "../../base/printable.ts";
import type { CliIo } from "./io.ts";

/**
 * The same input and output, where names, texts and paths that a peer, a KDC or a file chose cannot drive a terminal. Bytes
 * for standard output are data and stay what they are.
 */
export function printableIo(io: CliIo): CliIo {
  return {
    ...io,
    out: (text) => io.out(printableLines(text)),
    err: (text) => io.err(printableLines(text)),
    readPassword: (prompt) => io.readPassword(printable(prompt)),
  };
}
