/**
 * `gssocks serve --check`: opens all that a start opens, closes it, and says what was found.
 *
 * @module
 */
import { errorLine, ExitCode, exitCodeFor, type ParsedArguments, UsageError } from "../command/command.ts";
import { ConfigError } from "../config/config_error.ts";
import { listenPlaces } from "../config/listeners.ts";
import { serverConfig } from "../config/serve_arguments.ts";
import { checkEgress, serveOptions } from "../config/serve_options.ts";
import { checkShared } from "../config/shared_store.ts";
import type { ServerConfig } from "../config/settings.ts";
import type { ServeOptions } from "../../mod.ts";
import { readPorts } from "../monitor/ports.ts";
import { reloadFiles } from "../server/permissions.ts";
import { warnings } from "../server/warnings.ts";
import type { CliIo } from "../terminal/io.ts";
import { checkCertificates } from "./certificates.ts";
import { type Finding, found, good, printFindings, warning } from "./finding.ts";
import { checkKeytab, ownHosts } from "./keytab.ts";
import { checkPlaces } from "./places.ts";
import { checkStore } from "./store.ts";
import { checkUpstreams } from "./upstreams.ts";

/**
 * Checks. The exit code is that of the start: 0 where it would start, 1 or more where it would not; with `--strict` a warning
 * counts as 1 too.
 */
export async function check(args: ParsedArguments, io: CliIo): Promise<number> {
  const json = args.has("json");
  let config: ServerConfig;
  let options: ServeOptions;
  try {
    config = serverConfig(args);
    options = serveOptions(config);
    // What needs nothing but the configuration; the rest is looked at although some of it fails.
    listenPlaces(config);
    readPorts(config);
    checkShared(config.shared);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    if (error instanceof ConfigError && !args.has("config") && !json) throw new UsageError(error.message);
    if (json) printFindings([{ level: "error", what: "configuration", text: errorLine(error) }], io, true);
    else io.err(`${errorLine(error)}\n`);
    return error instanceof ConfigError ? ExitCode.Usage : exitCodeFor(error);
  }
  const findings = await look(args, config, options);
  printFindings(findings, io, json);
  const bad = (level: Finding["level"]) => findings.some((finding) => finding.level === level);
  return bad("error") || (args.has("strict") && bad("warning")) ? ExitCode.Failure : ExitCode.Ok;
}

async function look(args: ParsedArguments, config: ServerConfig, options: ServeOptions): Promise<Finding[]> {
  const { keytab } = options;
  const path = typeof keytab === "string" ? keytab : undefined;
  const files = reloadFiles(args, config, path);
  const hosts = ownHosts(listenPlaces(config).map((place) => place.type === "unix" ? undefined : place.hostname));
  return [
    ...path === undefined ? [] : await found(
      "keytab",
      () => checkKeytab({ keytab: path, services: config.gssapi?.services, hosts }),
    ),
    ...config.methods?.includes("password") ? [good("passwordFile", `${config.passwordFile} can be read`)] : [],
    ...withoutEffect(config),
    ...await found("tls", () => checkCertificates(config)),
    ...await checkPlaces(config),
    ...await found("egress", () => checkAddresses(config)),
    ...await found("shared", () => checkStore(config.shared)),
    ...await checkUpstreams(config),
    ...warnings(options).map(asFinding),
    ...files.length === 0 ? [] : [good("reload", `SIGHUP has these files read again: ${files.join(", ")}`)],
  ];
}

/** Files of methods that `methods` leaves out. */
function withoutEffect({ methods, keytab, passwordFile }: ServerConfig): Finding[] {
  if (methods === undefined) return [];
  const unused = (setting: string, path: string | undefined, method: "gssapi" | "password") =>
    path === undefined || methods.includes(method)
      ? []
      : [warning(setting, `${path} has no effect: methods leaves out "${method}"; add it, or remove ${setting}`)];
  return [...unused("keytab", keytab, "gssapi"), ...unused("passwordFile", passwordFile, "password")];
}

function checkAddresses(config: ServerConfig): Finding[] {
  checkEgress(config);
  const { addresses = [] } = config.egress ?? {};
  return addresses.map((address, i) => good(`egress.addresses[${i}]`, `${address} is an address of this machine`));
}

function asFinding(line: string): Finding {
  const [, word, text] = /^(?:(Warning|Note): )?([^]*)$/.exec(line)!;
  const what = /^rules?\b/.test(text!) ? "rules" : "settings";
  return word === "Note" ? good(what, text!) : warning(what, text!);
}
