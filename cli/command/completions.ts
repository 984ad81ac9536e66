/**
 * What a shell offers at the end of a command line that is not finished, out of the table of commands and their options.
 *
 * @module
 */
import type { Suggestion } from "@optique/core/parser";
import { type Command, type CommandTable, COMMON, type Completes, type OptionSpec } from "./command.ts";

/** Options without a command. */
const GLOBAL: Readonly<Record<string, string>> = { "--help": "Show the commands", "--version": "Show the version" };

/**
 * Returns what the last word can become.
 *
 * @param words All words of the command line behind the name of the program; the last is the one at the cursor, empty perhaps.
 */
export async function completions(words: readonly string[], all: CommandTable): Promise<readonly Suggestion[]> {
  const [name = "", ...rest] = words;
  if (rest.length === 0) {
    const commands = Object.entries(all).map(([command, [summary]]) => literal(command, summary));
    return starting(name, [...commands, ...Object.entries(GLOBAL).map(([option, help]) => literal(option, help))]);
  }
  if (!Object.hasOwn(all, name)) return [];
  const { command } = await all[name]![1]();
  return behind(command, rest.slice(0, -1), rest.at(-1)!);
}

/** What the word can become behind the words of a command. */
function behind(command: Command, before: readonly string[], word: string): readonly Suggestion[] {
  const options: Readonly<Record<string, OptionSpec>> = { ...command.options, ...COMMON };
  const onlyWords = before.includes("--");
  const open = onlyWords ? undefined : wantsValue(before.at(-1), options);
  if (open !== undefined) return values(open, "", word);
  if (onlyWords || !word.startsWith("-")) return offered(command.completes, "", word);
  const [, name, given] = /^--([^=]+)=(.*)$/s.exec(word) ?? [];
  if (name !== undefined) {
    const spec = Object.hasOwn(options, name) ? options[name] : undefined;
    return spec === undefined ? [] : values(spec, `--${name}=`, given!);
  }
  const used = new Set(before.map((one) => one.replace(/=.*$/s, "")));
  const left = Object.entries(options).filter(([option, { multiple = false }]) => multiple || !used.has(`--${option}`));
  return starting(word, left.map(([option, { help }]) => literal(`--${option}`, help)));
}

/** The option whose value comes next. */
function wantsValue(word: string | undefined, options: Readonly<Record<string, OptionSpec>>): OptionSpec | undefined {
  const [, long, short] = /^(?:--([^=]+)|-[^-]*([^-]))$/s.exec(word ?? "") ?? [];
  const found = Object.entries(options).find(([name, spec]) =>
    name === long || (short !== undefined && spec.short === short)
  );
  return found?.[1].value === undefined ? undefined : found[1];
}

/** The metavariables whose values are files. */
const FILES: readonly string[] = ["FILE", "CACHE"];

function values({ value, completes }: OptionSpec, prefix: string, word: string): readonly Suggestion[] {
  return offered(completes ?? (FILES.includes(value ?? "") ? "file" : undefined), prefix, word);
}

function offered(completes: Completes | undefined, prefix: string, word: string): readonly Suggestion[] {
  if (completes === undefined) return [];
  if (typeof completes === "string") {
    return [{ kind: "file", type: completes === "file" ? "any" : completes, pattern: `${prefix}${word}`, prefix }];
  }
  return starting(`${prefix}${word}`, completes.map((one) => literal(`${prefix}${one}`)));
}

function literal(text: string, help?: string): Suggestion & { readonly kind: "literal" } {
  return { kind: "literal", text, ...(help === undefined ? {} : { description: [{ type: "text", text: help }] }) };
}

function starting(word: string, all: readonly (Suggestion & { readonly kind: "literal" })[]): readonly Suggestion[] {
  return all.filter(({ text }) => text.startsWith(word));
}
