/**
 * `gssocks bridge`.
 *
 * @module
 */
import { bridge, type BridgeOptions } from "../../mod.ts";
import { forwardOf } from "../../proxy/forwards.ts";
import type { ProxyOptions } from "../../proxy/proxy_options.ts";
import { keepTickets } from "../../kerberos/credentials/tickets/keep_tickets.ts";
import { type Endpoint, formatEndpoint } from "../../socks/wire/address.ts";
import { type Command, exclude, ExitCode, type ParsedArguments, UsageError } from "../command/command.ts";
import { CREDENTIAL_OPTIONS, credentialsFrom, firstTicket } from "../command/credentials.ts";
import { bridgePrinter } from "../log/bridge_log.ts";
import { troubleLine } from "../log/event_log.ts";
import { Faults } from "../log/guard.ts";
import { ProgramLog } from "../log/program_log.ts";
import { ticketPrinter } from "../log/ticket_log.ts";
import { sayTo, verboseProxy } from "../log/verbose.ts";
import {
  endpoint,
  LOG_OPTIONS,
  logFormat,
  PROXY_OPTIONS,
  proxyOptions,
  time,
  usable,
  VERBOSE_OPTION,
} from "../command/options.ts";

/** The command. */
export const command: Command = {
  summary: "let programs on this machine use a Kerberos proxy",
  usage: "--proxy HOST:PORT [OPTIONS]",
  goesOn: true,
  options: {
    ...PROXY_OPTIONS,
    ...CREDENTIAL_OPTIONS,
    listen: { value: "HOST:PORT", short: "l", help: "Where to listen, a loopback address (default: 127.0.0.1:1080)" },
    forward: {
      value: "LOCAL=HOST:PORT",
      multiple: true,
      help: "Lead a local port (or unix:PATH) to a target, for programs that know no proxy",
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
    ...VERBOSE_OPTION,
  },
  details: `
Point programs at it as a SOCKS5 proxy without authentication, names to be looked up by the proxy, or as an HTTP proxy:
  ALL_PROXY=socks5h://127.0.0.1:1080 git clone ...
  http_proxy=http://127.0.0.1:1080 https_proxy=http://127.0.0.1:1080 apt-get update
Programs that know no proxy connect to a port with a fixed target:
  gssocks bridge --proxy proxy.example.com --forward 5432=db.example.com:5432

The ticket is renewed in the background where that is possible, or with --keytab or a password requested anew, when half of
its time is over. A KDC that cannot be reached is asked again; a ticket that is still good stays in use.

Every user of this machine can use it, with the rights of your ticket.

A TIME is 500ms, 90s, 30m, 8h, 1d, never, or a number of milliseconds.`,
  async run(args, io): Promise<number> {
    const log = logFormat(args);
    exclude(args, "verbose", "json", "quiet");
    // Wrong arguments are an error before a password is asked for.
    const [options, listening] = [proxyOptions(args), listeningOptions(args)];
    const tickets = await credentialsFrom(args, io);
    await firstTicket(tickets, io.signal);
    const proxied: ProxyOptions = { ...options, credentials: tickets };
    const program = new ProgramLog(log, io);
    let server;
    try {
      server = bridge({
        ...(args.has("verbose") ? verboseProxy(proxied, sayTo(io)) : proxied),
        ...listening,
        signal: io.signal,
        onEvent: bridgePrinter(log, io, program.run),
        onTrouble: (trouble) => program.note({ level: "error", event: "trouble", text: troubleLine(trouble) }),
        onListen: (address, target) => program.note({ event: "listening", text: listenLine(address, target) }),
      });
    } catch (error) {
      throw error instanceof TypeError ? new UsageError(error.message) : error;
    }
    // From here on unhandled errors do not end it.
    const unguard = io.onFault?.(new Faults((text) => program.note({ level: "error", event: "fault", text })).take);
    const stop = new AbortController();
    const onNews = ticketPrinter(log, io);
    const keeping = keepTickets(tickets, { signal: stop.signal, onNews, renew: !args.has("no-renew") });
    try {
      await server.finished;
    } finally {
      stop.abort();
      await keeping;
      unguard?.();
    }
    return ExitCode.Ok;
  },
};

/** Reads where to listen, and for how long. */
function listeningOptions(
  args: ParsedArguments,
): Pick<BridgeOptions, "hostname" | "port" | "forwards" | "timeouts" | "datagrams"> {
  const listen = args.value("listen");
  const timeout = (name: string) => {
    const given = args.value(name);
    return given === undefined ? undefined : time(`--${name}`, given);
  };
  const forwards = args.ordered("forward").map(({ value }) => value);
  for (const forward of forwards) usable(() => forwardOf(forward));
  return {
    ...(listen === undefined ? {} : endpoint(listen, 1080)),
    forwards,
    timeouts: {
      handshake: timeout("handshake-timeout"),
      connect: timeout("connect-timeout"),
      idle: timeout("idle-timeout"),
      halfClose: timeout("half-close-timeout"),
    },
    datagrams: { idleTimeout: timeout("udp-idle-timeout") },
  };
}

/** The line about an address listened on: a port that leads to one target says to which. */
function listenLine(address: Endpoint, target: Endpoint | undefined): string {
  const { hostname, port } = address;
  const where = port === 0 ? hostname : formatEndpoint({ hostname, port });
  return target === undefined ? `Listening on ${where}` : `Forwarding ${where} to ${formatEndpoint(target)}`;
}
