/**
 * `gssocks bridge`.
 *
 * @module
 */
import { bridge } from "../../mod.ts";
import { type Endpoint, formatEndpoint } from "../../socks/wire/address.ts";
import { type Command, ExitCode, UsageError } from "../command/command.ts";
import { eventPrinter, troubleLine } from "../log/event_log.ts";
import { Faults } from "../log/guard.ts";
import { endpoint, LOG_OPTIONS, logFormat, PROXY_OPTIONS, proxyOptions, time } from "../command/options.ts";

/** The command. */
export const command: Command = {
  summary: "let programs on this machine use a Kerberos proxy",
  usage: "--proxy HOST:PORT [OPTIONS]",
  goesOn: true,
  options: {
    ...PROXY_OPTIONS,
    listen: { value: "HOST:PORT", short: "l", help: "Where to listen, a loopback address (default: 127.0.0.1:1080)" },
    forward: {
      value: "LOCAL=HOST:PORT",
      multiple: true,
      help: "Lead a local port to a target, for programs that know no proxy: 5432=db.example.com:5432, unix:PATH=...",
    },
    "handshake-timeout": { value: "TIME", help: "Time for the request of a program (default: 10s)" },
    "connect-timeout": { value: "TIME", help: "Time to reach a target through the proxy (default: 60s)" },
    "idle-timeout": {
      value: "TIME",
      help: "Close connections without a byte for this long, or never (default: 124m)",
    },
    "half-close-timeout": { value: "TIME", help: "The same once one side has ended (default: 10m)" },
    "udp-idle-timeout": { value: "TIME", help: "Close associations without a datagram for this long (default: 5m)" },
    ...LOG_OPTIONS,
  },
  details: `
Point programs at it as a SOCKS5 proxy without authentication, names to be looked up by the proxy:
  ALL_PROXY=socks5h://127.0.0.1:1080 git clone ...
Every user of this machine can use it, with the rights of your ticket.

A TIME is 500ms, 90s, 30m, 8h, 1d, never, or a number of milliseconds.`,
  async run(args, io): Promise<number> {
    const log = logFormat(args);
    const options = proxyOptions(args);
    const listen = args.value("listen");
    const timeout = (name: string) => {
      const given = args.value(name);
      return given === undefined ? undefined : time(`--${name}`, given);
    };
    let server;
    try {
      server = bridge({
        ...options,
        ...(listen === undefined ? {} : endpoint(listen, 1080)),
        forwards: args.ordered("forward").map(({ value }) => value),
        timeouts: {
          handshake: timeout("handshake-timeout"),
          connect: timeout("connect-timeout"),
          idle: timeout("idle-timeout"),
          halfClose: timeout("half-close-timeout"),
        },
        datagrams: { idleTimeout: timeout("udp-idle-timeout") },
        signal: io.signal,
        onEvent: eventPrinter(log, io),
        onTrouble: (trouble) => io.err(troubleLine(trouble)),
        onListen: (address, target) => io.err(listenLine(address, target)),
      });
    } catch (error) {
      throw error instanceof TypeError ? new UsageError(error.message) : error;
    }
    // From here on unhandled errors do not end it.
    const unguard = io.onFault?.(new Faults((line) => io.err(line)).take);
    try {
      await server.finished;
    } finally {
      unguard?.();
    }
    return ExitCode.Ok;
  },
};

/** The line about an address listened on: a port that leads to one target says to which. */
function listenLine(address: Endpoint, target: Endpoint | undefined): string {
  const { hostname, port } = address;
  const where = port === 0 ? hostname : formatEndpoint({ hostname, port });
  return target === undefined ? `Listening on ${where}\n` : `Forwarding ${where} to ${formatEndpoint(target)}\n`;
}
