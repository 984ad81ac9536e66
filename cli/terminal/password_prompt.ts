/**
 * Reads a password from standard input: from a terminal without echo, or one line from a pipe or a file.
 *
 * @module
 */
import { utf8 } from "../../base/bytes.ts";
import { abortable } from "../../base/deadline.ts";
import { writeAll } from "./output.ts";
import { readPipedLine, SecretLine } from "./secret_line.ts";

/** What ends a program whose terminal would stay without echo. */
const ENDS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? []
  : ["SIGHUP", "SIGQUIT", "SIGALRM", "SIGUSR1", "SIGUSR2"];

/**
 * The terminal is as it was before when this is over, however it ends: by the line, an end of input, Control-C, or a signal.
 * Control-C comes as a key and not as a signal here, so that nothing can end the program in between.
 */
export async function readPassword(prompt: string, signal: AbortSignal): Promise<string> {
  if (!Deno.stdin.isTerminal()) {
    // Whoever is to write it may never do so.
    const line = await abortable(readPipedLine((into) => Deno.stdin.read(into)), signal);
    if (line === undefined) throw new Error("Cannot read the password: standard input has ended");
    return line;
  }
  const ended = new AbortController();
  const interrupt = () => ended.abort(new Error("Password read interrupted"));
  for (const name of ENDS) Deno.addSignalListener(name, interrupt);
  signal.addEventListener("abort", interrupt, { once: true });
  Deno.stdin.setRaw(true);
  try {
    // Whoever sees it sees nothing of what he types.
    writeAll(Deno.stderr, utf8(prompt));
    if (signal.aborted) interrupt();
    return await abortable(readTypedLine(interrupt), ended.signal);
  } finally {
    Deno.stdin.setRaw(false);
    signal.removeEventListener("abort", interrupt);
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
