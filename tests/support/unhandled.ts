/**
 * Counts unhandled errors of programs that tests start, and fails the test. See `watch_unhandled.ts` for tests
 * themselves and their workers.
 *
 * Where `GSSOCKS_UNHANDLED` names a file, it gets a line for each.
 *
 * @module
 */

/** Deno's message of an unhandled error, in the main thread and in workers, with or without colours. */
const UNCAUGHT = /^error: Uncaught.*$/gm;
// deno-lint-ignore no-control-regex
const COLOURS = /\x1b\[[0-9;]*m/g;

/** Returns the messages of unhandled errors in a program's output. */
export function uncaughtIn(output: string): readonly string[] {
  return output.replaceAll(COLOURS, "").match(UNCAUGHT) ?? [];
}

/**
 * Counts the unhandled errors in a program's output.
 *
 * @throws {Error} When there are any.
 */
export function noneUncaughtIn(output: string): void {
  const lines = uncaughtIn(output);
  for (const line of lines) note(`unhandled in a program: ${line}`);
  if (lines.length > 0) throw new Error(`A program had unhandled errors:\n${output}`);
}

/** Appends a line to the file of counts. */
export function note(line: string): void {
  const path = Deno.env.get("GSSOCKS_UNHANDLED");
  if (path) Deno.writeTextFileSync(path, `${line.replaceAll(/\s+/g, " ")}\n`, { append: true });
}
