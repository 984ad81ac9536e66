/**
 * Reads a configuration: checks it by the table of settings, and says where something is wrong.
 *
 * @module
 */
import { z } from "zod";
import { ConfigError } from "./config_error.ts";
import { optionsOf, type PlacedOptions } from "./setting_kinds.ts";
import { type ServerConfig, SETTINGS } from "./settings.ts";

const SCHEMA: z.ZodType<ServerConfig> = z.strictObject(SETTINGS).describe("Configuration of gssocks serve");

/** Settings that an option of the command line can give. */
export const PLACED_OPTIONS: readonly PlacedOptions[] = optionsOf(SETTINGS);

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
 * Reads a configuration.
 *
 * @param text JSON.
 * @param source Where it is from, for errors.
 * @throws {ConfigError} With the path and the reason of each problem.
 */
export function parseConfig(text: string, source: string): ServerConfig {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // The engine quotes the text around the error, which may be a secret.
    throw new ConfigError(`${source}: ${(error as Error).message.replace(/"[^]*" is not valid/, "it is not valid")}`);
  }
  const result = SCHEMA.safeParse(value);
  if (result.success) return result.data;
  throw new ConfigError(
    result.error.issues.map((issue) => `${source}: ${pathText(issue.path)}${issue.message}${movedText(issue)}`).join(
      "\n",
    ),
  );
}

function pathText(path: readonly PropertyKey[]): string {
  return path.length === 0 ? "" : `${joined(path)}: `;
}

function joined(path: readonly PropertyKey[]): string {
  return path.map((part) => typeof part === "number" ? `[${part}]` : `.${String(part)}`).join("").slice(1);
}

/** Where to write settings that have moved. */
function movedText(issue: z.core.$ZodIssue): string {
  const path = joined(issue.path);
  if (path === "egress" && issue.code === "invalid_type") return "; write the addresses as egress.addresses";
  if (issue.code !== "unrecognized_keys") return "";
  const paths = issue.keys.map((key) => path === "" ? key : `${path}.${key}`).filter((old) =>
    Object.hasOwn(MOVED, old)
  );
  return paths.map((old) => `; ${old} is written as ${MOVED[old]}`).join("");
}

/** Returns the schema as JSON Schema, for editors. */
export function configJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(SCHEMA, { io: "input" }) as Record<string, unknown>;
}
