/**
 * Other people's programs, and our own in a process of their own: started, fed, waited for by what they print or answer, ended
 * by pid. One of our own that has an error that nobody handles fails the test.
 *
 * @module
 */
import { noneUncaughtIn } from "./unhandled.ts";

/** What a program did. */
export interface RunResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** How a program is run. */
export interface RunOptions {
  env?: Record<string, string>;
  stdin?: string;
  /** Milliseconds after which it is killed. */
  timeout?: number;
  /** Whether it is to end with an error that nobody handles. @default {false: the test fails then} */
  mayThrow?: boolean;
}

/** What the tests of a file set for themselves is the whole process's, in which other files run at the same time. */
const OF_TESTS = ["KRB5_CONFIG", "KRB5CCNAME", "KRB5_KTNAME"];

/** The environment of a program: this process's without what tests may have set there, and what is given. */
function environment(given: Record<string, string> = {}): { clearEnv: true; env: Record<string, string> } {
  const env = Deno.env.toObject();
  for (const name of OF_TESTS) delete env[name];
  return { clearEnv: true, env: { ...env, ...given } };
}

/** Runs a program to its end. */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const child = new Deno.Command(command, {
    args: [...args],
    ...environment(options.env),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(options.timeout ?? 30_000),
  }).spawn();
  const writer = child.stdin.getWriter();
  if (options.stdin !== undefined) await writer.write(new TextEncoder().encode(options.stdin)).catch(() => {});
  await writer.close().catch(() => {});
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  const result = { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  if (!options.mayThrow) noneUncaughtIn(result.stderr);
  return result;
}

/** A program that runs beside the test. */
export class Daemon implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #group: boolean;
  #output = "";
  readonly #reading: Promise<unknown>;
  #changed = Promise.withResolvers<void>();
  #ended = false;

  /** With `group`, the program starts a session of its own, and everything in it is ended with it. */
  constructor(
    command: string,
    args: readonly string[],
    options: { env?: Record<string, string>; group?: boolean } = {},
  ) {
    this.#group = options.group ?? false;
    this.#child = new Deno.Command(this.#group ? "setsid" : command, {
      args: this.#group ? [command, ...args] : [...args],
      ...environment(options.env),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const collect = async (stream: ReadableStream<Uint8Array>) => {
      const decoder = new TextDecoder();
      for await (const chunk of stream) {
        this.#output += decoder.decode(chunk, { stream: true });
        this.#wake();
      }
    };
    this.#reading = Promise.all([collect(this.#child.stdout), collect(this.#child.stderr)]).finally(() => {
      this.#ended = true;
      this.#wake();
    });
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  /** Everything printed so far. */
  get output(): string {
    return this.#output;
  }

  /** Resolved when the program has ended by itself, or by a signal of somebody else. */
  get ended(): Promise<Deno.CommandStatus> {
    return this.#child.status;
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Waits until the output has what is looked for. */
  async waitFor(pattern: RegExp): Promise<RegExpMatchArray> {
    for (;;) {
      const match = this.#output.match(pattern);
      if (match !== null) return match;
      if (this.#ended) throw new Error(`Program ended without printing ${pattern}:\n${this.#output}`);
      await this.#changed.promise;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pid of this.#group ? [-this.#child.pid, this.#child.pid] : [this.#child.pid]) {
      try {
        Deno.kill(pid, "SIGTERM");
      } catch {
        // Ended already.
      }
    }
    await this.#child.status;
    await this.#reading.catch(() => {});
    noneUncaughtIn(this.#output);
  }
}

/** A free TCP port on the loopback interface, for programs that cannot choose one themselves. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

/** Waits until something accepts connections on a port. */
export async function waitForPort(port: number, milliseconds = 15_000): Promise<void> {
  const deadline = AbortSignal.timeout(milliseconds);
  for (;;) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch {
      deadline.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
