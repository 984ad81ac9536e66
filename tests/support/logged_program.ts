/**
 * A command of ours in a process of its own whose log goes where a test says: a pipe that it reads as far as it likes, or a
 * file of the system's.
 *
 * @module
 */
import { noneUncaughtIn } from "./unhandled.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const CLI = [Deno.execPath(), "run", "-q", "-A", "--no-check", "--unstable-net", "-c", `${ROOT}deno.json`];

/** How a program is started. */
export interface LoggedOptions {
  /** Where its standard error goes. @default {a pipe, see `read`} */
  readonly log?: string;
  /** A module that is run before the program. */
  readonly preload?: string;
  /** Variables of its environment. */
  readonly env?: Record<string, string>;
  /** Whether it is to have errors that nobody handles. @default {false: the test fails then} */
  readonly mayThrow?: boolean;
  /** Descriptors that it may have. */
  readonly descriptors?: number;
}

/** A program with its log. */
export class LoggedProgram implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #folder: string;
  readonly #mayThrow: boolean;
  #pipe: Deno.FsFile | undefined;
  #code: number | undefined;
  /** What was read of the log so far. */
  text = "";

  constructor(args: readonly string[], { log, preload, env, descriptors, mayThrow = false }: LoggedOptions = {}) {
    this.#mayThrow = mayThrow;
    this.#folder = Deno.makeTempDirSync({ prefix: "gssocks-log-" });
    const path = log ?? `${this.#folder}/log`;
    if (log === undefined) {
      new Deno.Command("mkfifo", { args: [path] }).outputSync();
      // For both, so that neither end waits for the other.
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

  /** Whether it has not ended. */
  get lives(): boolean {
    return this.#code === undefined;
  }

  /** Its exit code. */
  get ended(): Promise<number> {
    return this.#child.status.then(({ code }) => code);
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Reads the log on until it has what is looked for. */
  async read(pattern: RegExp): Promise<RegExpMatchArray> {
    const buffer = new Uint8Array(65_536);
    const decoder = new TextDecoder();
    for (;;) {
      const match = this.text.match(pattern);
      if (match !== null) return match;
      if (!this.lives) throw new Error(`Program ended without saying ${pattern}:\n${this.text}`);
      const count = await this.#pipe!.read(buffer);
      this.text += decoder.decode(buffer.subarray(0, count ?? 0), { stream: true });
    }
  }

  /** Closes the end of the log that is read: nobody reads it any more. */
  leave(): void {
    this.#pipe?.close();
    this.#pipe = undefined;
  }

  /** Tells it something. */
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
