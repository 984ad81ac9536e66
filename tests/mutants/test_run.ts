/**
 * One `deno test` in a copy of the checkout, and what it says.
 *
 * @module
 */

/** What is run. */
export interface TestRunOptions {
  /** Where. */
  readonly directory: string;
  /** Test files. */
  readonly tests: readonly string[];
  /** Part of the names of the tests to run. */
  readonly filter?: string | undefined;
  /** Milliseconds. */
  readonly limit: number;
  /** Ends it. */
  readonly signal?: AbortSignal | undefined;
}

/** How it went. */
export interface TestRun {
  /** `not run`: it ended before a test began, so that no test has noticed anything. */
  readonly end: "passed" | "failed" | "late" | "not run";
  /** Milliseconds. */
  readonly took: number;
  /** Tests that passed. */
  readonly passed: number;
  /** Name of the first test that failed. */
  readonly failed: string;
  /** The last lines that it printed. */
  readonly output: string;
}

const LINES_KEPT = 30;

/** Runs tests until the first fails. Everything that they have started is ended with them. */
export async function runTests(options: TestRunOptions): Promise<TestRun> {
  const { directory, tests, filter, limit, signal } = options;
  signal?.throwIfAborted();
  const started = performance.now();
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["test", "-A", "--no-check", "--fail-fast"],
      ...(filter === undefined ? [] : ["--filter", filter]),
      ...tests,
    ],
    cwd: directory,
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    // A group of its own, which can be ended whole.
    detached: true,
  }).spawn();
  let late = false;
  const end = () => {
    try {
      Deno.kill(-child.pid, "SIGKILL");
    } catch {
      // Nothing of it runs any more.
    }
  };
  const timer = setTimeout(() => {
    late = true;
    end();
  }, limit);
  signal?.addEventListener("abort", end, { once: true });
  try {
    const { code, stdout, stderr } = await child.output();
    signal?.throwIfAborted();
    const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    return { ...readOutput(output, code, late), took: performance.now() - started };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
    end();
  }
}

function readOutput(output: string, code: number, late: boolean): Omit<TestRun, "took"> {
  const passed = Number(/^(?:ok|FAILED) \| (\d+) passed/m.exec(output)?.[1] ?? 0);
  const failed = /^(.+?) \.\.\. FAILED/m.exec(output)?.[1] ?? /^(.+ \(uncaught error\))/m.exec(output)?.[1] ?? "";
  const begun = /^running \d+ tests? from /m.test(output);
  const last = output.trimEnd().split("\n").slice(-LINES_KEPT).join("\n");
  const end = late ? "late" : code === 0 ? "passed" : begun ? "failed" : "not run";
  return { end, passed, failed, output: last };
}
