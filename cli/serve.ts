/**
 * `gssocks serve`.
 *
 * @module
 */
import { type Command, exclude, ExitCode, type ParsedArguments, UsageError } from "./command.ts";
import { listenPlaces, openListeners } from "./config/listeners.ts";
import { SERVE_OPTIONS, serverConfig } from "./config/serve_arguments.ts";
import { checkEgress, serveOptions } from "./config/serve_options.ts";
import { checkShared } from "./config/shared_store.ts";
import { ConfigError, type ServerConfig } from "./config/server_config.ts";
import type { CliIo } from "./io.ts";
import { adminEndpoint, type AdminServer, startAdmin, type TakeSnapshot } from "./monitor/admin.ts";
import { formatEndpoint } from "../socks/wire/address.ts";
import { dropPermissions, ServerRun, warnings } from "./server_run.ts";
import { runWorkers } from "./workers.ts";

/** The command. */
export const command: Command = {
  summary: "run a SOCKS5 server",
  usage: "[OPTIONS]",
  options: SERVE_OPTIONS,
  details: `
What no rule allows is denied. Loopback, private, link-local, CGNAT, metadata and other special addresses are denied
unless a rule names the address: --allow '*' allows public addresses, --allow 10.0.0.0/8 that network. The check is made
on the address that is then used. Conditions of a rule: user, realm, from, command, method, protection, enctype, port,
ticket-age, upstream. A value with a comma stands in quotation marks: user="Doe, John@EXAMPLE.COM". A rule that denies a
user fits every spelling of the name, one that allows fits it as it is written.

A client that asks for a level of protection that is not granted gets the strongest that is. --protection none lets
curl --socks5-gssapi in, which cannot protect data: anybody on the way can read and change it then.

SIGHUP has the configuration read again; sessions go on. SIGTERM and SIGINT let sessions end until --drain-timeout.`,
  async run(args, io): Promise<number> {
    try {
      return await serve(args, io);
    } catch (error) {
      throw error instanceof ConfigError ? new UsageError(error.message) : error;
    }
  },
};

async function serve(args: ParsedArguments, io: CliIo): Promise<number> {
  exclude(args, "quiet", "json");
  for (const name of ["redis-loss", "redis-password-file", "redis-replicas"]) {
    if (args.has(name) && !args.has("redis")) throw new UsageError(`--${name} needs --redis`);
  }
  const config = serverConfig(args);
  const admin = config.admin === undefined ? undefined : adminAt(config.admin);
  if (args.has("check")) {
    const options = serveOptions(config);
    listenPlaces(config);
    checkShared(config.shared);
    checkEgress(config);
    for (const warning of warnings(options)) io.err(`${warning}\n`);
    io.out("The configuration is good.\n");
    return ExitCode.Ok;
  }
  const workers = config.workers === 0 ? navigator.hardwareConcurrency : config.workers ?? 1;
  // Deno has no other sign of the flag, and ends the process where it is missing.
  if (workers > 1 && !("listenDatagram" in Deno)) {
    throw new UsageError("--workers needs deno run --unstable-net, with which several threads may listen on one port");
  }
  const watch = (take: TakeSnapshot) => admin === undefined ? undefined : opened(startAdmin(admin, take), io);
  return workers > 1
    ? await runWorkers({
      args: args.given,
      count: workers,
      io,
      watch,
      onListening: () => dropPermissions({ args, config, io }),
    })
    : await runAlone(args, config, io, watch);
}

function adminAt(text: string) {
  try {
    return adminEndpoint(text);
  } catch (error) {
    throw new ConfigError(`admin: ${(error as Error).message}`);
  }
}

function opened(admin: AdminServer, io: CliIo): AdminServer {
  io.err(`Admin port on http://${formatEndpoint(admin.addr)}/\n`);
  return admin;
}

/** One server, in this thread. */
async function runAlone(
  args: ParsedArguments,
  config: ServerConfig,
  io: CliIo,
  watch: (take: TakeSnapshot) => AdminServer | undefined,
): Promise<number> {
  let started: ServerRun | undefined;
  let asked = false;
  // Before anybody can know that it runs: the signal would end the process.
  const stopReloading = io.onReload?.(() => started === undefined ? asked = true : started.reload());
  try {
    const options = serveOptions(config);
    await using run = await ServerRun.start({ args, config, options, io, listeners: await openListeners(config) });
    started = run;
    for (const { hostname, port } of run.addresses) {
      io.err(`Listening on ${port === 0 ? hostname : formatEndpoint({ hostname, port })}\n`);
    }
    await using _admin = watch(() => Promise.resolve(run.snapshot()));
    await dropPermissions({ args, config, io });
    if (asked) run.reload();
    await run.finished;
  } finally {
    stopReloading?.();
  }
  return ExitCode.Ok;
}
