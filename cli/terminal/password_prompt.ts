/**
 * Reads a password from standard input: from a terminal without echo, or one line from a pipe or a file.
 *
 * @module
 */
import { utf8 } from "../../base/bytes.ts";
import { abortable, onAbort } from "../../base/deadline.ts";
import { writeAll } from "./output.ts";
import { readPipedLine, SecretLine } from "./secret_line.ts";

const WINDOWS = Deno.build.os === "windows";

/** Signals that would end the program and leave the terminal without echo. */
const ENDS: readonly Deno.Signal[] = WINDOWS
  ? []
  : ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGALRM", "SIGUSR1", "SIGUSR2"];

/** The signal by which a shell continues a program that Control-Z has stopped. */
const CONTINUES: readonly Deno.Signal[] = WINDOWS ? [] : ["SIGCONT"];

/**
 * Reads a password. The terminal is restored however this ends: by the line, an end of input, or a signal. Control-C and Control-Z
 * are signals here too; none of them ends the program while the terminal is without echo. After Control-Z and the shell's `fg` it asks
 * again, and what was typed before is forgotten.
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
  const ask = () => {
    Deno.stdin.setRaw(true, { cbreak: !WINDOWS });
    // Echo is off before the prompt is shown.
    writeAll(Deno.stderr, utf8(prompt));
  };
  const line = new SecretLine();
  const askAgain = () => {
    // The shell has set the terminal as it likes.
    Deno.stdin.setRaw(false);
    line.clear();
    ask();
  };
  for (const name of ENDS) Deno.addSignalListener(name, interrupt);
  for (const name of CONTINUES) Deno.addSignalListener(name, askAgain);
  try {
    ask();
    using _stopping = onAbort(signal, interrupt);
    return await abortable(readTypedLine(line, interrupt), ended.signal);
  } finally {
    for (const name of CONTINUES) Deno.removeSignalListener(name, askAgain);
    Deno.stdin.setRaw(false);
    for (const name of ENDS) Deno.removeSignalListener(name, interrupt);
    writeAll(Deno.stderr, utf8("\n"));
  }
}

async function readTypedLine(line: SecretLine, interrupt: () => void): Promise<string> {
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
