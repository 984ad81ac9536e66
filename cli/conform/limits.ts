/**
 * Which checks `gssocks conform` carries out, and how long it waits.
 *
 * @module
 */
import { type OptionSpec, type ParsedArguments, UsageError } from "../command/command.ts";
import { time } from "../command/options.ts";

/** The options. */
export const LIMIT_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  only: { value: "PREFIX", multiple: true, help: "Only checks whose names begin with this, such as level" },
  timeout: { value: "TIME", help: "How long to wait for an answer or an end (default: 10s)" },
  silence: { value: "TIME", help: "How long nothing must come where nothing may (default: 400ms)" },
};

/** The beginnings of the names of checks that are carried out, if they are given; each must fit one of `checks`. */
export function onlyOf(
  args: ParsedArguments,
  checks: readonly { readonly id: string }[],
): readonly string[] | undefined {
  if (!args.has("only")) return undefined;
  const only = args.ordered("only").map(({ value }) => value);
  const idle = only.find((prefix) => !checks.some(({ id }) => id.startsWith(prefix)));
  if (idle !== undefined) throw new UsageError(`--only: no check has a name that begins with "${idle}"`);
  return only;
}

/** Reads a time, if it is given. */
export function timeOf(args: ParsedArguments, name: "timeout" | "silence"): number | undefined {
  const text = args.value(name);
  if (text === undefined) return undefined;
  const found = time(`--${name}`, text);
  // Without a wait, nothing could come, and every rule about it would seem to be kept.
  if (name === "silence" && !(found > 0 && found < Infinity)) throw new UsageError(`--silence cannot be "${text}"`);
  return found;
}
