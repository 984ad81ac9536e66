/**
 * What nobody handles, in programs that tests start: counted, and a failure of the test. See `watch_unhandled.ts` for tests
 * themselves and their workers.
 *
 * Where `GSSOCKS_UNHANDLED` names a file, it gets a line for each.
 *
 * @module
 */

/** What Deno prints of an error that nobody handles, in the main thread and in workers, with or without colours. */
const UNCAUGHT = /^error: Uncaught.*$/gm;
// deno-lint-ignore no-control-regex
const COLOURS = /\x1b\[[0-9;]*m/g;

/** What a program has said of errors that nobody handled, a line for each. */
export function uncaughtIn(output: string): readonly string[] {
  return output.replaceAll(COLOURS, "").match(UNCAUGHT) ?? [];
}

/**
 * Counts what a program has said of errors that nobody handled.
 *
 * @throws {Error} When there is any.
 */
export function noneUncaughtIn(output: string): void {
  const lines = uncaughtIn(output);
  for (const line of lines) note(`unhandled in a program: ${line}`);
  if (lines.length > 0) throw new Error(`A program had errors that nobody handled:\n${output}`);
}

/** Puts a line into the file that counts. */
export function note(line: string): void {
  const path = Deno.env.get("GSSOCKS_UNHANDLED");
  if (path) Deno.writeTextFileSync(path, `${line.replaceAll(/\s+/g, " ")}\n`, { append: true });
}
