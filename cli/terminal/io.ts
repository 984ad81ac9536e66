/**
 * What a command sees of the world, so that tests can be the world.
 *
 * @module
 */

import { utf8 } from "../../base/bytes.ts";
import { abortable } from "../../base/deadline.ts";
import { guard } from "../log/guard.ts";
import { LogQueue } from "../log/log_queue.ts";
import { readPipedLine, SecretLine } from "./secret_line.ts";

/** Input and output of a command. */
export interface CliIo {
  /** Writes to standard output. */
  out(text: string): void;
  /** Writes to standard error. */
  err(text: string): void;
  /** Bytes of standard input. */
  readonly stdin: ReadableStream<Uint8Array>;
  /** Bytes for standard output. */
  readonly stdout: WritableStream<Uint8Array>;
  /**
   * One line from standard input without echo; prompts only where a person is there to see it.
   *
   * @throws {Error} When there is none, or whoever was asked has ended the program instead.
   */
  readPassword(prompt: string): Promise<string>;
  /** Whether passwords are typed by a person, who is asked for a new one twice. @default {false} */
  readonly interactive?: boolean;
  /** Aborted when the program is told to end. */
  readonly signal: AbortSignal;
  /** Calls back whenever the program is told to read its configuration again; the function given back ends that. @default {never} */
  onReload?(callback: () => void): () => void;
  /** Gives permissions up, for good. @default {keeps them} */
  revoke?(names: readonly Deno.PermissionName[]): Promise<void>;
  /** Where commands that go on write instead of {@linkcode err}, which may hold them up. @default {err} */
  readonly log?: CliLog;
  /**
   * Calls back with every error that nobody handled, which would end the program, and does not while somebody is called; the
   * function given back ends that. @default {never}
   */
  onFault?(callback: (error: unknown) => void): () => void;
}

/** A log that holds nobody up. */
export interface CliLog {
  /** Takes lines, or drops them where too many wait. */
  write(text: string): void;
  /** Lines dropped so far. */
  readonly dropped: number;
  /** Waits until all that was taken is written, for so many milliseconds at most. */
  close(milliseconds: number): Promise<void>;
}

/** The process's own. */
export function processIo(): CliIo {
  const stop = new AbortController();
  // A second signal is not waited for: it ends the process as if nobody listened.
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
    async revoke(names): Promise<void> {
      for (const name of names) await Deno.permissions.revoke({ name });
    },
  };
}

const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];

/** A log that is full, or that nobody reads any more, ends nothing: else whoever has something logged ends a server. */
function tell(text: string): void {
  try {
    writeAll(Deno.stderr, utf8(text));
  } catch {
    // There is nobody else to be told.
  }
}

/** Whoever reads has had enough, which is no failure of ours. */
function show(text: string): void {
  try {
    writeAll(Deno.stdout, utf8(text));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

function writeAll(to: { writeSync(bytes: Uint8Array): number }, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    try {
      at += to.writeSync(bytes.subarray(at));
    } catch (error) {
      // Another program that has this pipe too has said that it does not block; there is nothing to do until it has room.
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FULL_PIPE);
    }
  }
}

/** Milliseconds between two attempts to write to a pipe that is full and does not block. */
const FULL_PIPE = 10;

/** What ends a program whose terminal would stay without echo. */
const ENDS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? []
  : ["SIGHUP", "SIGQUIT", "SIGALRM", "SIGUSR1", "SIGUSR2"];

/**
 * The terminal is as it was before when this is over, however it ends: by the line, an end of input, Control-C, or a signal.
 * Control-C comes as a key and not as a signal here, so that nothing can end the program in between.
 */
async function readPassword(prompt: string, signal: AbortSignal): Promise<string> {
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

/**
 * A password that is to be set. Whoever types it does so twice: a slip would lock him out.
 *
 * @throws {Error} When the two are not the same.
 */
export async function newPassword(io: CliIo, user: string): Promise<string> {
  const password = await io.readPassword(`Password for ${user}: `);
  if (io.interactive && await io.readPassword(`Password for ${user}, again: `) !== password) {
    throw new Error("The two passwords are not the same; nothing is changed");
  }
  return password;
}
