/**
 * A program on a terminal of its own (`script` of util-linux makes it), with somebody who types.
 *
 * @module
 */
import { peer } from "./peers.ts";
import { noneUncaughtIn } from "./unhandled.ts";

/** How a program on a terminal has ended. */
export interface TerminalEnd {
  /** Its exit code, 128 and the number for a signal. */
  code: number;
  /** Whether the terminal shows what is typed, and reads lines, afterwards. */
  echo: boolean;
  icanon: boolean;
  /** Everything shown. */
  shown: string;
}

/** The terminal. */
export class Terminal {
  readonly #child: Deno.ChildProcess;
  readonly #keys: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<void>;
  #shown = "";
  #changed = Promise.withResolvers<void>();

  /** Runs a program; its words must need no quoting beyond single quotes. */
  constructor(words: readonly string[], env: Record<string, string>) {
    const quoted = words.map((word) => `'${word}'`).join(" ");
    // The shell itself outlives Control-C.
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

  /** Waits until something is shown. */
  async shows(pattern: RegExp): Promise<RegExpMatchArray> {
    for (;;) {
      const found = this.#shown.match(pattern);
      if (found !== null) return found;
      if (this.#shown.endsWith("(the end)")) throw new Error(`ended without showing ${pattern}:\n${this.#shown}`);
      await this.#changed.promise;
    }
  }

  /** Types. */
  async type(keys: string | Uint8Array): Promise<void> {
    await this.#keys.write(typeof keys === "string" ? new TextEncoder().encode(keys) : keys);
  }

  /** Sends the program itself a signal. */
  async kill(signal: Deno.Signal): Promise<void> {
    Deno.kill(Number((await this.shows(/pid=(\d+)/))[1]), signal);
  }

  /** Waits until the program has ended. */
  async end(): Promise<TerminalEnd> {
    await this.shows(/\nover\r?\n/);
    await this.#keys.close().catch(() => {});
    await this.#child.status;
    await this.#reading;
    const shown = this.#shown;
    noneUncaughtIn(shown);
    return {
      code: Number(/code=(\d+)/.exec(shown)![1]),
      echo: / echo\b/.test(shown),
      icanon: / icanon\b/.test(shown),
      shown,
    };
  }
}
