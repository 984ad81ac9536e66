/**
 * `gssocks bridge`.
 *
 * @module
 */
import { bridge } from "../mod.ts";
import { formatEndpoint } from "../socks/wire/address.ts";
import { type Command, exclude, ExitCode, UsageError } from "./command.ts";
import { eventPrinter, logFormat, troubleLine } from "./event_log.ts";
import { Faults } from "./guard.ts";
import { endpoint, PROXY_OPTIONS, proxyOptions } from "./options.ts";

/** The command. */
export const command: Command = {
  summary: "let programs on this machine use a Kerberos proxy",
  usage: "--proxy HOST:PORT [OPTIONS]",
  goesOn: true,
  options: {
    ...PROXY_OPTIONS,
    listen: { value: "HOST:PORT", short: "l", help: "Where to listen, a loopback address (default: 127.0.0.1:1080)" },
    json: { help: "Log events as JSON lines" },
    quiet: { short: "q", help: "Log nothing" },
  },
  details: `
Point programs at it as a SOCKS5 proxy without authentication, names to be looked up by the proxy:
  ALL_PROXY=socks5h://127.0.0.1:1080 git clone ...
Whoever can open a connection on this machine can use it, with the rights of your ticket.`,
  async run(args, io): Promise<number> {
    exclude(args, "quiet", "json");
    const options = proxyOptions(args);
    const listen = endpoint(args.value("listen") ?? "127.0.0.1:1080", 1080);
    let server;
    try {
      server = bridge({
        ...options,
        hostname: listen.hostname,
        port: listen.port,
        signal: io.signal,
        onEvent: eventPrinter(logFormat(args), io),
        onTrouble: (trouble) => io.err(troubleLine(trouble)),
        onListen: (address) => io.err(`Listening on ${formatEndpoint(address)}\n`),
      });
    } catch (error) {
      throw error instanceof TypeError ? new UsageError(error.message) : error;
    }
    // From here on nothing but the end of the bridge ends it.
    const unguard = io.onFault?.(new Faults((line) => io.err(line)).take);
    try {
      await server.finished;
    } finally {
      unguard?.();
    }
    return ExitCode.Ok;
  },
};
