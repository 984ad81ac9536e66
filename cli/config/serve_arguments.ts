/**
 * Options of `gssocks serve` on the command line. Each gives a setting of the configuration, and takes precedence over the file.
 *
 * @module
 */
import { exclude, type OptionSpec, type ParsedArguments, UsageError } from "../command/command.ts";
import { VERBOSE_OPTION } from "../command/options.ts";
import { checkConfig, parseConfig, PLACED_OPTIONS } from "./server_config.ts";
import { readText } from "./read_text.ts";
import type { ServerConfig } from "./settings.ts";

/** The options. */
export const SERVE_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  config: { value: "FILE", short: "f", help: "Configuration, in JSON; options given here take precedence" },
  ...VERBOSE_OPTION,
  check: { help: "Try all that a start needs, say what was found, and stop" },
  strict: { help: "With --check: exit with 1 for warnings too" },
  ...Object.assign({}, ...PLACED_OPTIONS.map(({ options }) => options)),
};

/**
 * Reads the configuration file and the command line, checked, as one configuration.
 *
 * @throws {ConfigError}
 * @throws {UsageError}
 */
export function serverConfig(args: ParsedArguments): ServerConfig {
  const file = args.value("config");
  const written = file === undefined ? {} : parseConfig(readText(file), file);
  const given = configOf(args);
  return {
    ...written,
    ...given,
    gssapi: { ...written.gssapi, ...given.gssapi },
    egress: { ...written.egress, ...given.egress },
    datagrams: { ...written.datagrams, ...given.datagrams },
    timeouts: { ...written.timeouts, ...given.timeouts },
    limits: { ...written.limits, ...given.limits },
    ...adminOf(written.admin, given.admin),
    rules: [...given.rules ?? [], ...written.rules ?? []],
  };
}

/** The option says where the port is, and leaves what else the file says of it. */
function adminOf(written: ServerConfig["admin"], given: ServerConfig["admin"]): Pick<ServerConfig, "admin"> {
  if (typeof written !== "object" || typeof given !== "string") return {};
  return { admin: { ...written, listen: given } };
}

function configOf(args: ParsedArguments): ServerConfig {
  checkTogether(args);
  const values: Record<string, unknown> = {};
  for (const { path, read } of PLACED_OPTIONS) {
    const value = read(args);
    if (value !== undefined) place(values, path, value);
  }
  // The same check as for a file.
  return checkConfig(values, "command line");
}

function place(values: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [name, ...rest] = path as [string, ...string[]];
  if (rest.length === 0) values[name] = value;
  else place((values[name] ??= {}) as Record<string, unknown>, rest, value);
}

/** Options that have no effect without others. */
function checkTogether(args: ParsedArguments): void {
  exclude(args, "verbose", "json", "quiet");
  if (args.has("tls-certificate") !== args.has("tls-key")) {
    throw new UsageError("--tls-certificate and --tls-key go together");
  }
  for (const name of ["redis-loss", "redis-password-file", "redis-replicas"]) {
    if (args.has(name) && !args.has("redis")) throw new UsageError(`--${name} needs --redis`);
  }
}
