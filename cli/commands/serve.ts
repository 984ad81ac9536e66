/**
 * `gssocks serve`.
 *
 * @module
 */
import { KeytabFile } from "../../kerberos/credentials/shell/stores.ts";
import { type Command, ExitCode, type ParsedArguments, UsageError } from "../command/command.ts";
import { listenPlaces, openListeners, tlsIdentity } from "../config/listeners.ts";
import { SERVE_OPTIONS, serverConfig } from "../config/serve_arguments.ts";
import { checkEgress, serveOptions } from "../config/serve_options.ts";
import { checkShared } from "../config/shared_store.ts";
import { ConfigError } from "../config/config_error.ts";
import type { ServerConfig } from "../config/settings.ts";
import type { CliIo } from "../terminal/io.ts";
import { type OpenPorts, openPorts, readPorts } from "../monitor/ports.ts";
import { formatEndpoint } from "../../socks/wire/address.ts";
import { dropPermissions, reloadFiles, reloadWarnings } from "../server/permissions.ts";
import { ServerRun } from "../server/server_run.ts";
import { warnings } from "../server/warnings.ts";
import { runWorkers } from "../server/workers.ts";

/** The command. */
export const command: Command = {
  summary: "run a SOCKS5 server",
  usage: "[OPTIONS]",
  goesOn: true,
  options: SERVE_OPTIONS,
  details: `
What no rule allows is denied. Loopback, private, link-local, CGNAT, metadata and other special addresses are denied
unless a rule names the address: --allow '*' allows public addresses, --allow 10.0.0.0/8 that network. The check is made
on the address that is then used. Conditions of a rule: user, realm, from, command, method, protection, enctype, port,
ticket-age, upstream. A value with a comma stands in quotation marks: user="Doe, John@EXAMPLE.COM". A rule that denies a
user fits every spelling of the name, one that allows fits it as it is written.

A client that asks for a level of protection that is not granted gets the strongest that is. --protection none lets
curl --socks5-gssapi in, which cannot protect data: anyone on the path can then read and change it.

A TIME is 500ms, 90s, 30m, 8h, 1d, never, or a number of milliseconds.

SIGHUP reads the configuration again; sessions continue. SIGTERM and SIGINT let sessions end until --drain-timeout.`,
  async run(args, io): Promise<number> {
    try {
      return await serve(args, io);
    } catch (error) {
      throw error instanceof ConfigError ? new UsageError(error.message) : error;
    }
  },
};

async function serve(args: ParsedArguments, io: CliIo): Promise<number> {
  const config = serverConfig(args);
  const ports = readPorts(config);
  if (args.has("check")) return check(args, config, io);
  const workers = config.workers === 0 ? navigator.hardwareConcurrency : config.workers ?? 1;
  // Deno has no other sign of the flag, and ends the process where it is missing.
  if (workers > 1 && !("listenDatagram" in Deno)) {
    throw new UsageError("--workers needs deno run --unstable-net, with which several threads may listen on one port");
  }
  const watch: OpenPorts = (take, faults) => openPorts(ports, take, { io, faults });
  return workers > 1
    ? await runWorkers({
      args: args.given,
      config,
      count: workers,
      io,
      watch,
      onListening: () => listening(args, config, io),
    })
    : await runAlone(args, config, io, watch);
}

/** Everything that can be looked at without listening anywhere. */
function check(args: ParsedArguments, config: ServerConfig, io: CliIo): number {
  const options = serveOptions(config);
  const keytab = typeof options.keytab === "string" ? options.keytab : undefined;
  if (keytab !== undefined) new KeytabFile(keytab);
  listenPlaces(config);
  tlsIdentity(config);
  checkShared(config.shared);
  checkEgress(config);
  for (const warning of warnings(options)) io.err(`${warning}\n`);
  const files = reloadFiles(args, config, keytab);
  const again = files.length === 0 ? "" : `SIGHUP has these files read again: ${files.join(", ")}\n`;
  io.out(`The configuration is good.\n${again}`);
  return ExitCode.Ok;
}

/** The server listens: what it does not need any more is given up, and what a reload will miss is said. */
async function listening(args: ParsedArguments, config: ServerConfig, io: CliIo): Promise<void> {
  await dropPermissions({ args, config, io });
  if (io.revoke === undefined) return;
  for (const line of reloadWarnings(reloadFiles(args, config))) io.err(`${line}\n`);
}

/** One server, in this thread. */
async function runAlone(
  args: ParsedArguments,
  config: ServerConfig,
  io: CliIo,
  watch: OpenPorts,
): Promise<number> {
  let started: ServerRun | undefined;
  let asked = false;
  // Before the first line is printed: SIGHUP would end the process.
  const stopReloading = io.onReload?.(() => started === undefined ? asked = true : started.reload());
  try {
    const options = serveOptions(config);
    await using run = await ServerRun.start({ args, config, options, io, listeners: await openListeners(config) });
    started = run;
    for (const { hostname, port } of run.addresses) {
      io.err(`Listening on ${port === 0 ? hostname : formatEndpoint({ hostname, port })}\n`);
    }
    await using _ports = watch(() => Promise.resolve(run.snapshot()), run.faults);
    await listening(args, config, io);
    if (asked) run.reload();
    await run.finished;
  } finally {
    stopReloading?.();
  }
  return ExitCode.Ok;
}
