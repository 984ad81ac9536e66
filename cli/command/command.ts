/**
 * Commands: their options, arguments, help, and exit codes.
 *
 * @module
 */
import { parseArgs, type ParseArgsConfig } from "node:util";
import { reasonText } from "../../base/reason.ts";
import { printable } from "../../base/printable.ts";
import { GssError } from "../../gss/status.ts";
import { KdcError, KerberosError } from "../../kerberos/errors.ts";
import {
  SocksAuthError,
  SocksConnectionError,
  SocksError,
  SocksProtocolError,
  SocksProxyError,
  SocksReplyError,
  SocksTimeoutError,
  SocksTlsError,
} from "../../socks/errors.ts";
import type { CliIo } from "../terminal/io.ts";
import { didYouMean } from "./suggestion.ts";

/** Exit codes of every command. */
export const ExitCode = {
  /** It worked. */
  Ok: 0,
  /** It failed in a way that has no code of its own. */
  Failure: 1,
  /** The arguments are wrong. */
  Usage: 2,
  /** No ticket, a wrong password, or a proxy that refuses the client. */
  Authentication: 3,
  /** A KDC, proxy or target could not be reached, was lost, or did not answer in time. */
  Unreachable: 4,
  /** The proxy does not allow it. */
  NotAllowed: 5,
} as const;

/** An option of a command. */
export interface OptionSpec {
  /** Whether it takes a value; in the help, what kind. */
  readonly value?: string;
  /** One letter, where it has one. */
  readonly short?: string;
  /** Whether it may be given more than once. */
  readonly multiple?: boolean;
  /** What it is for, in a line. */
  readonly help: string;
  /** What its value can be, for a shell that completes it. @default {files for `FILE` and `CACHE`, else nothing} */
  readonly completes?: Completes;
}

/** What a shell offers for a value or a word: files, folders, or one of a few words. */
export type Completes = "file" | "directory" | readonly string[];

/** Parsed arguments of a command. */
export interface ParsedArguments {
  /** All arguments, as given. */
  readonly given: readonly string[];
  /** Words that are no options. */
  readonly words: readonly string[];
  /** The last value of an option. */
  value(name: string): string | undefined;
  /** Whether a switch was given. */
  has(name: string): boolean;
  /** Values of several options in the order in which they were given. */
  ordered(...names: readonly string[]): readonly { readonly name: string; readonly value: string }[];
}

/** What a command takes. */
export interface CommandLine {
  /** Its arguments, for the help. */
  readonly usage: string;
  /** Least and greatest number of arguments that are no options. @default {none} */
  readonly words?: readonly [least: number, most: number];
  /** What the arguments that are no options can be, for a shell that completes them. @default {nothing} */
  readonly completes?: Completes;
  /** Whether arguments that are no options may be empty. @default {false} */
  readonly emptyWords?: boolean;
  /** Its options by name. */
  readonly options: Readonly<Record<string, OptionSpec>>;
}

/** A command. */
export interface Command extends CommandLine {
  /** What it does, in a line. */
  readonly summary: string;
  /** Further help. */
  readonly details?: string;
  /** Whether it runs until it is stopped, so that a slow reader of its log must not delay it. @default {false} */
  readonly goesOn?: boolean;
  /** Runs the command. */
  run(args: ParsedArguments, io: CliIo, all: CommandTable): Promise<number>;
}

/** A command that is loaded when it is asked for, and what it does, in a line. */
export type CommandEntry = readonly [summary: string, load: () => Promise<{ readonly command: Command }>];

/** All commands by name. */
export type CommandTable = Readonly<Record<string, CommandEntry>>;

/** Code of a {@linkcode UsageError}. */
export type UsageErrorCode = "USAGE";

/** Thrown for wrong arguments. */
export class UsageError extends Error {
  /** What went wrong. */
  readonly code: UsageErrorCode = "USAGE";
}

/** Options of every command. */
export const COMMON: Readonly<Record<string, OptionSpec>> = { help: { short: "h", help: "Show this help" } };

/**
 * Reads arguments. What a command does not take is an error, and so is an option that is given twice where it counts once:
 * nothing that is given is ignored.
 *
 * @throws {UsageError}
 */
export function readArguments(command: CommandLine, args: readonly string[]): ParsedArguments {
  const options: NonNullable<ParseArgsConfig["options"]> = {};
  for (const [name, spec] of Object.entries({ ...command.options, ...COMMON })) {
    const { value, short, multiple = false } = spec;
    const option: NonNullable<ParseArgsConfig["options"]>[string] = { type: value ? "string" : "boolean", multiple };
    if (short !== undefined) option.short = short;
    options[name] = option;
  }
  let parsed;
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true, tokens: true });
  } catch (error) {
    throw new UsageError(`${refusal(error as Error)}${meant(error as Error, Object.keys(options))}`);
  }
  const given = parsed.tokens.flatMap((token) =>
    token.kind === "option" ? [{ name: token.name, value: token.value ?? "" }] : []
  );
  if (!given.some(({ name }) => name === "help")) checkGiven(command, parsed.positionals, given);
  return {
    given: args,
    words: parsed.positionals,
    value: (name) => given.findLast((option) => option.name === name)?.value,
    has: (name) => given.some((option) => option.name === name),
    ordered: (...names) => given.filter((option) => names.includes(option.name)),
  };
}

/** What is wrong with an argument, on one line. */
function refusal({ message }: Error): string {
  return message.replace(/\. To specify.*$/s, "").replace(/\.\n.*\nTo specify an/s, ": to give an").replace(/\.$/, "");
}

/** The option that a mistyped one was meant to be. */
function meant({ message }: Error, names: readonly string[]): string {
  const [, name] = /^Unknown option '--([^']*)'/.exec(message) ?? [];
  return name === undefined ? "" : didYouMean(`--${name}`, names.map((known) => `--${known}`));
}

/** Checks that every argument has an effect. */
function checkGiven(
  { words: [least, most] = [0, 0], usage, options, emptyWords = false }: CommandLine,
  words: readonly string[],
  given: readonly { readonly name: string; readonly value: string }[],
): void {
  if (!emptyWords && words.includes("")) throw new UsageError("an empty word is no argument");
  if (words.length > most) {
    const hint = given.some(({ name }) => name === "allow" || name === "deny")
      ? "; quote a *, or the shell expands it"
      : "";
    throw new UsageError(`"${words[most]}" is not taken; the arguments are: ${usage}${hint}`);
  }
  if (words.length < least) throw new UsageError(`an argument is missing; they are: ${usage}`);
  const seen = new Set<string>();
  for (const { name, value } of given) {
    const { value: takes, multiple } = options[name]!;
    if (takes === undefined) continue;
    if (value === "") throw new UsageError(`--${name} takes ${takes}, but the value is empty`);
    if (!multiple && seen.has(name)) throw new UsageError(`--${name} is given more than once`);
    seen.add(name);
  }
}

/**
 * Checks that options do not exclude each other.
 *
 * @throws {UsageError}
 */
export function exclude(args: ParsedArguments, one: string, ...others: readonly string[]): void {
  if (!args.has(one)) return;
  for (const other of others) {
    if (args.has(other)) throw new UsageError(`--${one} and --${other} do not go together`);
  }
}

/** Help of one command. */
export function helpFor(name: string, command: Command): string {
  const lines = Object.entries({ ...command.options, ...COMMON }).map(([option, { short, value, help }]) => {
    const left = `${short === undefined ? "    " : `-${short}, `}--${option}${value === undefined ? "" : ` ${value}`}`;
    return left.length > 30 ? `  ${left}\n${" ".repeat(34)}${help}` : `  ${left.padEnd(32)}${help}`;
  });
  const details = command.details === undefined ? "" : `\n${command.details.trim()}\n`;
  return `gssocks ${name}: ${command.summary}\n\nUsage: gssocks ${name} ${command.usage}\n\nOptions:\n${
    lines.join("\n")
  }\n${details}`;
}

/** Returns the exit code for an error. */
export function exitCodeFor(error: unknown): number {
  if (error instanceof UsageError) return ExitCode.Usage;
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const code = ownExitCode(cause);
    if (code !== undefined) return code;
  }
  return ExitCode.Failure;
}

function ownExitCode(error: Error): number | undefined {
  if (error instanceof SocksReplyError) {
    return error.code === "NOT_ALLOWED" ? ExitCode.NotAllowed : ExitCode.Unreachable;
  }
  if (error instanceof SocksTimeoutError || error instanceof SocksTlsError) return ExitCode.Unreachable;
  // The peer is no SOCKS proxy, or has hung up.
  if (error instanceof SocksProtocolError && ["BAD_VERSION", "UNEXPECTED_END"].includes(error.code)) {
    return ExitCode.Unreachable;
  }
  // The way to the proxy failed; the proxy has not refused the target.
  if (error instanceof SocksProxyError) return ExitCode.Unreachable;
  if (error instanceof SocksConnectionError && error.code === "LOST") return ExitCode.Unreachable;
  if (error instanceof KerberosError) {
    return { KDC_UNREACHABLE: ExitCode.Unreachable, BAD_CONFIG: ExitCode.Failure, BAD_FILE: ExitCode.Failure }[
      error.code as string
    ] ?? ExitCode.Authentication;
  }
  if (error instanceof KdcError) return ExitCode.Authentication;
  if (error instanceof SocksAuthError && error.cause === undefined) return ExitCode.Authentication;
  if (error instanceof GssError && error.cause === undefined) return ExitCode.Authentication;
  return error instanceof SocksError && error.cause === undefined ? ExitCode.Failure : undefined;
}

/** An error as one line; one about arguments or a configuration has a line for each thing that is wrong. */
export function errorLine(error: unknown): string {
  let text = reasonText(error);
  // An option of the library's, by its name here.
  if (error instanceof SocksAuthError && error.code === "PROTECTION_TOO_WEAK") {
    text = text.replace("(minimumProtection)", "(--minimum-protection)");
  }
  const several = error instanceof UsageError || (error instanceof Error && error.name === "ConfigError");
  return several ? text : printable(text);
}
