/**
 * `gssocks bridge`.
 *
 * @module
 */
import { bridge } from "../../mod.ts";
import { formatEndpoint } from "../../socks/wire/address.ts";
import { type Command, exclude, ExitCode, UsageError } from "../command/command.ts";
import { eventPrinter, troubleLine } from "../log/event_log.ts";
import { Faults } from "../log/guard.ts";
import { sayTo, verboseProxy } from "../log/verbose.ts";
import {
  endpoint,
  LOG_OPTIONS,
  logFormat,
  PROXY_OPTIONS,
  proxyOptions,
  time,
  VERBOSE_OPTION,
} from "../command/options.ts";

/** The command. */
export const command: Command = {
  summary: "let programs on this machine use a Kerberos proxy",
  usage: "--proxy HOST:PORT [OPTIONS]",
  goesOn: true,
  options: {
    ...PROXY_OPTIONS,
    listen: { value: "HOST:PORT", short: "l", help: "Where to listen, a loopback address (default: 127.0.0.1:1080)" },
    "handshake-timeout": { value: "TIME", help: "Time for the request of a program (default: 10s)" },
    "connect-timeout": { value: "TIME", help: "Time to reach a target through the proxy (default: 60s)" },
    "idle-timeout": {
      value: "TIME",
      help: "Close connections without a byte for this long, or never (default: 124m)",
    },
    "half-close-timeout": { value: "TIME", help: "The same once one side has ended (default: 10m)" },
    "udp-idle-timeout": { value: "TIME", help: "Close associations without a datagram for this long (default: 5m)" },
    ...LOG_OPTIONS,
    ...VERBOSE_OPTION,
  },
  details: `
Point programs at it as a SOCKS5 proxy without authentication, names to be looked up by the proxy:
  ALL_PROXY=socks5h://127.0.0.1:1080 git clone ...
Every user of this machine can use it, with the rights of your ticket.

A TIME is 500ms, 90s, 30m, 8h, 1d, never, or a number of milliseconds.`,
  async run(args, io): Promise<number> {
    const log = logFormat(args);
    exclude(args, "verbose", "json", "quiet");
    const options = args.has("verbose") ? verboseProxy(proxyOptions(args), sayTo(io)) : proxyOptions(args);
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
        onListen: (address) => io.err(`Listening on ${formatEndpoint(address)}\n`),
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
