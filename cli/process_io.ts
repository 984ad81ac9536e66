/**
 * Input and output of the process: its standard streams, its signals and its permissions.
 *
 * @module
 */
import { utf8 } from "../base/bytes.ts";
import { guard } from "./log/guard.ts";
import { LogQueue } from "./log/log_queue.ts";
import { type CliIo, outputError } from "./terminal/io.ts";
import { writeAll } from "./terminal/output.ts";
import { serviceManager } from "./terminal/service_manager.ts";
import { readPassword } from "./terminal/password_prompt.ts";

/** Returns the input and output of the process. */
export function processIo(): CliIo {
  const stop = new AbortController();
  // A second signal ends the process.
  const onSignal = () => {
    for (const name of SIGNALS) Deno.removeSignalListener(name, onSignal);
    stop.abort(new Error("Stopped by a signal"));
  };
  for (const name of SIGNALS) Deno.addSignalListener(name, onSignal);
  return {
    out: (text) => show(text),
    err: (text) => tell(text),
    log: new LogQueue(Deno.stderr),
    onFault: (callback) => guard(globalThis, callback),
    stdin: Deno.stdin.readable,
    stdout: Deno.stdout.writable,
    readPassword: (prompt) => readPassword(prompt, stop.signal),
    get interactive(): boolean {
      return Deno.stdin.isTerminal();
    },
    signal: stop.signal,
    onReload(callback): () => void {
      if (Deno.build.os === "windows") return () => {};
      Deno.addSignalListener("SIGHUP", callback);
      return () => Deno.removeSignalListener("SIGHUP", callback);
    },
    service: (onTrouble) => serviceManager(onTrouble),
    async revoke(names): Promise<void> {
      for (const name of names) await Deno.permissions.revoke({ name });
    },
  };
}

const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];

/** Writes to standard error. A failure is ignored: a full or closed log must not end a server. */
function tell(text: string): void {
  try {
    writeAll(Deno.stderr, utf8(text));
  } catch {
    // There is no other place to report it.
  }
}

/** Writes to standard output. */
function show(text: string): void {
  try {
    writeAll(Deno.stdout, utf8(text));
  } catch (error) {
    throw outputError(error);
  }
}
