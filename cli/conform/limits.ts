/**
 * Which checks `gssocks conform` carries out, and how long it waits.
 *
 * @module
 */
import type { OptionSpec, ParsedArguments } from "../command/command.ts";
import { time } from "../command/options.ts";

/** The options. */
export const LIMIT_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  only: { value: "PREFIX", multiple: true, help: "Only checks whose names begin with this, such as level" },
  timeout: { value: "TIME", help: "How long to wait for an answer or an end (default: 10s)" },
  silence: { value: "TIME", help: "How long nothing must come where nothing may (default: 400ms)" },
};

/** The beginnings of the names of checks that are carried out, if they are given. */
export function onlyOf(args: ParsedArguments): readonly string[] | undefined {
  return args.has("only") ? args.ordered("only").map(({ value }) => value) : undefined;
}

/** Reads a time, if it is given. */
export function timeOf(args: ParsedArguments, name: "timeout" | "silence"): number | undefined {
  const text = args.value(name);
  return text === undefined ? undefined : time(`--${name}`, text);
}
