/**
 * A program on a terminal of its own, made by `script` of util-linux, with typed input.
 *
 * @module
 */
import { peer } from "./peers.ts";
import { noneUncaughtIn } from "./unhandled.ts";

/** Result of a program on a terminal. */
export interface TerminalEnd {
  /** Its exit code, or 128 plus the signal's number. */
  code: number;
  /** Whether the terminal echoes and reads lines afterwards. */
  echo: boolean;
  icanon: boolean;
  /** All output. */
  shown: string;
}

/** A terminal with a running program. */
export class Terminal {
  readonly #child: Deno.ChildProcess;
  readonly #keys: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<void>;
  #shown = "";
  #changed = Promise.withResolvers<void>();

  /** Runs a program; its arguments must need no more than single quotes. */
  constructor(words: readonly string[], env: Record<string, string>) {
    const quoted = words.map((word) => `'${word}'`).join(" ");
    // The shell must survive Control-C.
    const command = `trap : INT; sh -c 'echo pid=$$; exec "$@"' sh ${quoted}; echo "code=$?"; stty -a; echo over`;
    this.#child = new Deno.Command(peer("script"), {
      args: ["-qfc", command, "/dev/null"],
      env: { ...env, SHELL: "/bin/sh", NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#keys = this.#child.stdin.getWriter();
    this.#reading = this.#read();
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#child.stdout) {
      this.#shown += decoder.decode(chunk, { stream: true });
      this.#changed.resolve();
      this.#changed = Promise.withResolvers<void>();
    }
    this.#shown += "\n(the end)";
    this.#changed.resolve();
  }

  /** Characters shown so far. */
  get length(): number {
    return this.#shown.length;
  }

  /** Waits until the output, from a place in it on, matches a pattern. */
  async shows(pattern: RegExp, from = 0): Promise<RegExpMatchArray> {
    for (;;) {
      const found = this.#shown.slice(from).match(pattern);
      if (found !== null) return found;
      if (this.#shown.endsWith("(the end)")) {
        throw new Error(`program ended without showing ${pattern}:\n${this.#shown}`);
      }
      await this.#changed.promise;
    }
  }

  /** Types text. */
  async type(keys: string | Uint8Array): Promise<void> {
    await this.#keys.write(typeof keys === "string" ? new TextEncoder().encode(keys) : keys);
  }

  /** Sends a signal to the program. */
  async kill(signal: Deno.Signal): Promise<void> {
    Deno.kill(Number((await this.shows(/pid=(\d+)/))[1]), signal);
  }

  /** Waits for the end of the program, in which no error may be unhandled unless the caller says so. */
  async end({ mayThrow = false }: { readonly mayThrow?: boolean } = {}): Promise<TerminalEnd> {
    await this.shows(/\nover\r?\n/);
    await this.#keys.close().catch(() => {});
    await this.#child.status;
    await this.#reading;
    const shown = this.#shown;
    if (!mayThrow) noneUncaughtIn(shown);
    return {
      code: Number(/code=(\d+)/.exec(shown)![1]),
      echo: / echo\b/.test(shown),
      icanon: / icanon\b/.test(shown),
      shown,
    };
  }
}
