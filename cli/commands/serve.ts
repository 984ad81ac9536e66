/**
 * `gssocks serve`.
 *
 * @module
 */
import {
  type Command,
  errorLine,
  ExitCode,
  exitCodeFor,
  type ParsedArguments,
  UsageError,
} from "../command/command.ts";
import { check } from "../check/check.ts";
import { openListeners } from "../config/listeners.ts";
import { SERVE_OPTIONS, serverConfig } from "../config/serve_arguments.ts";
import { serveOptions } from "../config/serve_options.ts";
import { ConfigError } from "../config/config_error.ts";
import type { ServerConfig } from "../config/settings.ts";
import type { LogFormat } from "../log/event_log.ts";
import { ProgramLog } from "../log/program_log.ts";
import type { CliIo, ServiceManager } from "../terminal/io.ts";
import { type OpenPorts, openPorts, readPorts } from "../monitor/ports.ts";
import { formatEndpoint } from "../../socks/wire/address.ts";
import { dropPermissions, reloadFiles, reloadWarnings } from "../server/permissions.ts";
import { managed, tellReady } from "../server/managed.ts";
import { ServerRun } from "../server/server_run.ts";
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
    if (args.has("strict") && !args.has("check")) throw new UsageError("--strict needs --check");
    if (args.has("check")) return await check(args, io);
    let format: LogFormat = args.has("json") ? "json" : "text";
    try {
      const config = serverConfig(args);
      format = config.log ?? "text";
      return await serve(args, config, io);
    } catch (error) {
      if (format === "json") {
        const text = errorLine(error);
        new ProgramLog(format, io).note({ level: "error", event: "failed", text, facts: { error: text } });
      } else if (!(error instanceof ConfigError)) throw error;
      else if (!args.has("config")) throw new UsageError(error.message);
      // The help says nothing about a file.
      else io.err(`gssocks serve: ${errorLine(error)}\n`);
      return error instanceof ConfigError ? ExitCode.Usage : exitCodeFor(error);
    }
  },
};

async function serve(args: ParsedArguments, config: ServerConfig, io: CliIo): Promise<number> {
  const log = new ProgramLog(config.log ?? "text", io);
  using manager = io.service?.((text) => log.note({ event: "warning", text }));
  if (manager === undefined) return await serveWith({ args, config, io, log });
  using told = managed(io, manager);
  return await serveWith({ args, config, io: told, log, manager });
}

async function serveWith(starting: Starting): Promise<number> {
  const { args, config, io, log } = starting;
  const ports = readPorts(config);
  const workers = config.workers === 0 ? navigator.hardwareConcurrency : config.workers ?? 1;
  // Deno has no other sign of the flag, and ends the process where it is missing.
  if (workers > 1 && !("listenDatagram" in Deno)) {
    throw new UsageError("--workers needs deno run --unstable-net, with which several threads may listen on one port");
  }
  const watch: OpenPorts = (server, faults) => openPorts(ports, server, { log, faults });
  return workers > 1
    ? await runWorkers({
      args: args.given,
      config,
      count: workers,
      io,
      log,
      watch,
      onListening: () => listening(starting),
    })
    : await runAlone(starting, watch);
}

/** What a server starts with. */
interface Starting {
  readonly args: ParsedArguments;
  readonly config: ServerConfig;
  readonly io: CliIo;
  readonly log: ProgramLog;
  /** Who waits for its word, where somebody does. */
  readonly manager?: ServiceManager | undefined;
}

/** The server listens: what it does not need any more is given up, and what a reload will miss is said. */
async function listening({ args, config, io, log, manager }: Starting): Promise<void> {
  await dropPermissions({ args, config, io });
  tellReady(manager);
  if (io.revoke === undefined) return;
  for (const text of reloadWarnings(reloadFiles(args, config))) log.note({ event: "warning", text });
}

/** One server, in this thread. */
async function runAlone(starting: Starting, watch: OpenPorts): Promise<number> {
  const { args, config, io, log } = starting;
  let started: ServerRun | undefined;
  let asked = false;
  // Before the first line is printed: SIGHUP would end the process.
  const stopReloading = io.onReload?.(() => started === undefined ? asked = true : started.reload());
  try {
    const options = serveOptions(config);
    const listeners = await openListeners(config);
    await using run = await ServerRun.start({ args, config, options, io, log, listeners });
    started = run;
    for (const { hostname, port } of run.addresses) {
      const address = port === 0 ? hostname : formatEndpoint({ hostname, port });
      log.note({ event: "listening", text: `Listening on ${address}`, facts: { what: "proxy", address } });
    }
    await using _ports = watch(run.watched, run.faults);
    await listening(starting);
    if (asked) run.reload();
    await run.finished;
  } finally {
    stopReloading?.();
  }
  return ExitCode.Ok;
}
