/**
 * Reads a password from standard input: from a terminal without echo, or one line from a pipe or a file.
 *
 * @module
 */
import { utf8 } from "../../base/bytes.ts";
import { abortable, onAbort } from "../../base/deadline.ts";
import { writeAll } from "./output.ts";
import { readPipedLine, SecretLine } from "./secret_line.ts";

/** Signals that would end the program and leave the terminal without echo. */
const ENDS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? []
  : ["SIGHUP", "SIGQUIT", "SIGALRM", "SIGUSR1", "SIGUSR2"];

/**
 * Reads a password. The terminal is restored however this ends: by the line, an end of input, Control-C, or a signal. Control-C
 * arrives as a key here and not as a signal, so that nothing can end the program in between.
 */
export async function readPassword(prompt: string, signal: AbortSignal): Promise<string> {
  if (!Deno.stdin.isTerminal()) {
    // The other program may never write it.
    const line = await abortable(readPipedLine((into) => Deno.stdin.read(into)), signal);
    if (line === undefined) throw new Error("Cannot read the password: standard input has ended");
    return line;
  }
  const ended = new AbortController();
  const interrupt = () => ended.abort(new Error("Password read interrupted"));
  for (const name of ENDS) Deno.addSignalListener(name, interrupt);
  Deno.stdin.setRaw(true);
  try {
    // Echo is off before the prompt is shown.
    writeAll(Deno.stderr, utf8(prompt));
    using _stopping = onAbort(signal, interrupt);
    return await abortable(readTypedLine(interrupt), ended.signal);
  } finally {
    Deno.stdin.setRaw(false);
    for (const name of ENDS) Deno.removeSignalListener(name, interrupt);
    writeAll(Deno.stderr, utf8("\n"));
  }
}

async function readTypedLine(interrupt: () => void): Promise<string> {
  const line = new SecretLine();
  const byte = new Uint8Array(1);
  while (await Deno.stdin.read(byte) !== null) {
    switch (line.type(byte[0]!)) {
      case "done":
        return line.text;
      case "interrupted":
        interrupt();
        break;
      case "ended":
        throw new Error("Cannot read the password: input has ended");
    }
  }
  throw new Error("Cannot read the password: the terminal is gone");
}
