/**
 * Runs a command of this package in a process of its own, with its log in a pipe that the test reads as far as it
 * likes, or in a file.
 *
 * @module
 */
import { noneUncaughtIn } from "./unhandled.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const CLI = [Deno.execPath(), "run", "-q", "-A", "--no-check", "--unstable-net", "-c", `${ROOT}deno.json`];

/** Options of a logged program. */
export interface LoggedOptions {
  /** File for its standard error. @default {a pipe, see `read`} */
  readonly log?: string;
  /** Module to run before the program. */
  readonly preload?: string;
  /** Environment variables. */
  readonly env?: Record<string, string>;
  /** Whether unhandled errors are expected. @default {false: the test fails then} */
  readonly mayThrow?: boolean;
  /** Limit of open files. */
  readonly descriptors?: number;
}

/** A running program and its log. */
export class LoggedProgram implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #folder: string;
  readonly #mayThrow: boolean;
  #pipe: Deno.FsFile | undefined;
  #code: number | undefined;
  /** The part of the log that was read so far. */
  text = "";

  constructor(args: readonly string[], { log, preload, env, descriptors, mayThrow = false }: LoggedOptions = {}) {
    this.#mayThrow = mayThrow;
    this.#folder = Deno.makeTempDirSync({ prefix: "gssocks-log-" });
    const path = log ?? `${this.#folder}/log`;
    if (log === undefined) {
      new Deno.Command("mkfifo", { args: [path] }).outputSync();
      // Open for reading and writing, so that neither end waits for the other.
      this.#pipe = Deno.openSync(path, { read: true, write: true });
    }
    const limit = descriptors === undefined ? "" : `ulimit -n ${descriptors}; `;
    const flags = preload === undefined ? [] : [`--preload=${preload}`];
    this.#child = new Deno.Command("/bin/sh", {
      args: ["-c", `${limit}exec "$@" 2>"$0"`, path, ...CLI, ...flags, `${ROOT}cli/mod.ts`, ...args],
      stdin: "null",
      stdout: "null",
      stderr: "null",
      ...(env === undefined ? {} : { env }),
    }).spawn();
    void this.#child.status.then(({ code }) => this.#code = code);
  }

  /** Whether it is running. */
  get isRunning(): boolean {
    return this.#code === undefined;
  }

  /** Its exit code. */
  get ended(): Promise<number> {
    return this.#child.status.then(({ code }) => code);
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Reads the log until it matches a pattern. */
  async read(pattern: RegExp): Promise<RegExpMatchArray> {
    const buffer = new Uint8Array(65_536);
    const decoder = new TextDecoder();
    for (;;) {
      const match = this.text.match(pattern);
      if (match !== null) return match;
      if (!this.isRunning) throw new Error(`Program ended without printing ${pattern}:\n${this.text}`);
      const count = await this.#pipe!.read(buffer);
      this.text += decoder.decode(buffer.subarray(0, count ?? 0), { stream: true });
    }
  }

  /** Closes the reading end of the log. */
  leave(): void {
    this.#pipe?.close();
    this.#pipe = undefined;
  }

  /** Sends it a signal. */
  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // Ended already.
    }
    await this.#child.status;
    this.leave();
    if (!this.#mayThrow) noneUncaughtIn(this.text);
    await Deno.remove(this.#folder, { recursive: true });
  }
}
