/**
 * Runs other programs, and this package's in processes of their own: starts them, feeds them, waits for output, and
 * ends them by pid. A program of this package with an unhandled error fails the test.
 *
 * @module
 */
import { noneUncaughtIn } from "./unhandled.ts";

/** Result of a program. */
export interface RunResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** Options of {@linkcode run}. */
export interface RunOptions {
  env?: Record<string, string>;
  stdin?: string;
  /** Milliseconds until it is killed. */
  timeout?: number;
  /** Whether an unhandled error is expected. @default {false: the test fails then} */
  mayThrow?: boolean;
}

/** Variables that tests set for themselves. They apply to the whole process, in which other files run too. */
const OF_TESTS = ["KRB5_CONFIG", "KRB5CCNAME", "KRB5_KTNAME"];

/** Returns the environment of a program: this process's without what tests set, and the variables given. */
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

/** Milliseconds that a program has to end after a signal. */
const ENDING = 20_000;
/** Milliseconds to wait for remaining output after a program has ended. */
const LEFT_BEHIND = 3_000;

/** Waits at most `milliseconds` for a promise; returns whether it settled. */
async function within(something: Promise<unknown>, milliseconds: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<false>((resolve) => timer = setTimeout(() => resolve(false), milliseconds));
  try {
    return await Promise.race([something.then(() => true), over]);
  } finally {
    clearTimeout(timer);
  }
}

/** A program that runs during the test. */
export class Daemon implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #group: boolean;
  #output = "";
  readonly #readers: readonly ReadableStreamDefaultReader<Uint8Array>[];
  readonly #reading: Promise<unknown>;
  #changed = Promise.withResolvers<void>();
  #ended = false;

  /** With `group`, the program starts a session of its own, and its whole process group is ended with it. */
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
    const collect = async (reader: ReadableStreamDefaultReader<Uint8Array>) => {
      const decoder = new TextDecoder();
      for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
        this.#output += decoder.decode(piece.value, { stream: true });
        this.#wake();
      }
    };
    this.#readers = [this.#child.stdout.getReader(), this.#child.stderr.getReader()];
    this.#reading = Promise.all(this.#readers.map(collect)).finally(() => {
      this.#ended = true;
      this.#wake();
    });
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  /** All output so far. */
  get output(): string {
    return this.#output;
  }

  /** Resolved when the program has ended. */
  get ended(): Promise<Deno.CommandStatus> {
    return this.#child.status;
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Waits until the output matches a pattern. */
  async waitFor(pattern: RegExp, milliseconds = 120_000): Promise<RegExpMatchArray> {
    const begun = performance.now();
    for (;;) {
      const match = this.#output.match(pattern);
      if (match !== null) return match;
      if (this.#ended) throw new Error(`Program ended without printing ${pattern}:\n${this.#output}`);
      const left = milliseconds - (performance.now() - begun);
      if (left <= 0) {
        throw new Error(`Program did not print ${pattern} within ${milliseconds} ms:\n${this.#output}`);
      }
      await within(this.#changed.promise, left);
    }
  }

  #signal(name: Deno.Signal): void {
    for (const pid of this.#group ? [-this.#child.pid, this.#child.pid] : [this.#child.pid]) {
      try {
        Deno.kill(pid, name);
      } catch {
        // The program has ended.
      }
    }
  }

  /** Ends the program, by SIGKILL if needed. Output of processes that it left behind is not awaited. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#signal("SIGTERM");
    if (!await within(this.#child.status, ENDING)) this.#signal("SIGKILL");
    await this.#child.status;
    if (!await within(this.#reading.catch(() => {}), LEFT_BEHIND)) {
      for (const reader of this.#readers) await reader.cancel();
      await this.#reading.catch(() => {});
    }
    noneUncaughtIn(this.#output);
  }
}

/** Returns a free TCP port on loopback, for programs that cannot choose one. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

/** Waits until a server accepts connections on a port. */
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
