/**
 * Reads a configuration: checks it by the table of settings, and says where something is wrong.
 *
 * @module
 */
import { z } from "zod";
import { didYouMean } from "../command/suggestion.ts";
import { ConfigError } from "./config_error.ts";
import { type JsonText, JsonTextError, parseJsonText } from "./jsonc.ts";
import { needsRestart, optionsOf, type PlacedOptions } from "./setting_kinds.ts";
import { type ServerConfig, SETTINGS } from "./settings.ts";

const SCHEMA: z.ZodType<ServerConfig> = z.strictObject(SETTINGS).describe("Configuration of gssocks serve");

/** Settings that an option of the command line can give. */
export const PLACED_OPTIONS: readonly PlacedOptions[] = optionsOf(SETTINGS);

/** Settings that count from the start on: a change of them needs a restart. */
export const SETTINGS_AT_START: readonly (keyof ServerConfig)[] = (Object.keys(SETTINGS) as (keyof ServerConfig)[])
  .filter((name) => needsRestart(SETTINGS[name]));

/** New place of each setting that was somewhere else before the groups. */
const MOVED: Readonly<Record<string, string>> = {
  preferGssapi: "gssapi.prefer",
  "gssapi.keytab": "keytab",
  "gssapi.protection": "protection",
  nat64: "egress.nat64",
  announce: "datagrams.announce",
  answersFromAnyPort: "datagrams.answersFromAnyPort",
  "timeouts.udpIdle": "datagrams.idleTimeout",
  "limits.associations": "datagrams.maxAssociations",
  "limits.destinations": "datagrams.maxDestinations",
};

/**
 * Reads a configuration file.
 *
 * @param text JSON, with comments and a comma behind the last item where they are.
 * @param source Where it is from, for errors.
 * @throws {ConfigError} With the path, the reason and the place of each problem.
 */
export function parseConfig(text: string, source: string): ServerConfig {
  let read: JsonText;
  try {
    // An editor's byte order mark is no part of it.
    read = parseJsonText(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    if (error instanceof JsonTextError) throw new ConfigError(`${source}: ${error.message}`);
    throw error;
  }
  return checkConfig(read.value, source, read.place);
}

/**
 * Checks a configuration.
 *
 * @param source Where it is from, for errors.
 * @param place Says where in a text a value is.
 * @throws {ConfigError} With the path and the reason of each problem.
 */
export function checkConfig(value: unknown, source: string, place?: JsonText["place"]): ServerConfig {
  const result = SCHEMA.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  const lines = result.error.issues.flatMap(problemsOf).map(({ path, key, text }) => {
    const where = place === undefined ? "" : ` (${place(path, key)})`;
    return `${source}: ${pathText(path)}${text}${where}`;
  });
  throw new ConfigError(lines.join("\n"));
}

/** One thing that is wrong. */
interface Problem {
  readonly path: readonly PropertyKey[];
  /** The member that is wrong, where it is one. */
  readonly key?: string;
  readonly text: string;
}

/** What is wrong, in words: for a word that is none of those that are known, these, and the one that was probably meant. */
function problemsOf(issue: z.core.$ZodIssue): Problem[] {
  const { path } = issue;
  if (issue.code === "unrecognized_keys") {
    const known = keysAt(path);
    return issue.keys.map((key) => {
      const moved = MOVED[joined([...path, key])];
      const meant = moved === undefined ? didYouMean(key, known) : `; it is written as ${moved}`;
      const end = meant.endsWith("?") ? "" : ".";
      return { path, key, text: `"${key}" is no setting here${meant}${end} Settings here: ${known.join(", ")}` };
    });
  }
  if (issue.code === "invalid_value" && typeof issue.input === "string") {
    const words = issue.values.map(String);
    const meant = didYouMean(issue.input, words);
    return [{ path, text: `"${issue.input}" is none of ${words.join(", ")}${meant}` }];
  }
  const hint = joined(path) === "egress" && issue.code === "invalid_type"
    ? "; write the addresses as egress.addresses"
    : "";
  return [{ path, text: `${issue.message}${hint}` }];
}

/** The settings that the group or object at a path may have. */
function keysAt(path: readonly PropertyKey[]): readonly string[] {
  let schema: unknown = SCHEMA;
  for (const name of path) {
    schema = insideOf(schema);
    if (schema instanceof z.ZodObject) schema = schema.shape[name as string];
    else if (schema instanceof z.ZodArray) schema = schema.element;
    else if (schema instanceof z.ZodRecord) schema = schema.valueType;
  }
  schema = insideOf(schema);
  if (schema instanceof z.ZodUnion) schema = schema.options.map(insideOf).find((one) => one instanceof z.ZodObject);
  return schema instanceof z.ZodObject ? Object.keys(schema.shape).filter((name) => !name.startsWith("$")) : [];
}

function insideOf(schema: unknown): unknown {
  return schema instanceof z.ZodOptional ? insideOf(schema.unwrap()) : schema;
}

function pathText(path: readonly PropertyKey[]): string {
  return path.length === 0 ? "" : `${joined(path)}: `;
}

function joined(path: readonly PropertyKey[]): string {
  return path.map((part) => typeof part === "number" ? `[${part}]` : `.${String(part)}`).join("").slice(1);
}

/** Returns the schema as JSON Schema, for editors. */
export function configJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(SCHEMA, { io: "input" }) as Record<string, unknown>;
}
