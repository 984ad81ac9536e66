/**
 * `gssocks serve`.
 *
 * @module
 */
import { defaultKeytabName, loadConfig } from "../kerberos/config/load.ts";
import { serve, type ServeOptions } from "../mod.ts";
import { fixedPasswords } from "../socks/auth/password.ts";
import { parseRule } from "../socks/rules/parse_rule.ts";
import type { Rule, RuleAction } from "../socks/rules/rules.ts";
import { type Endpoint, formatEndpoint } from "../socks/wire/address.ts";
import { type Command, ExitCode, type ParsedArguments, UsageError } from "./command.ts";
import { eventPrinter } from "./event_log.ts";
import type { CliIo } from "./io.ts";
import { count, endpoint, level } from "./options.ts";
import { runWorkers } from "./workers.ts";

/** The command. */
export const command: Command = {
  summary: "run a SOCKS5 server",
  usage: "[OPTIONS]",
  options: {
    listen: {
      value: "HOST:PORT",
      short: "l",
      help: "Where to listen (default: 127.0.0.1:1080; port 0 for a free one)",
    },
    keytab: {
      value: "FILE",
      short: "k",
      help: "Keys of the service (default: KRB5_KTNAME, krb5.conf, /etc/krb5.keytab)",
    },
    service: {
      value: "NAME",
      multiple: true,
      help: "Accept tickets for this service only, such as rcmd (default: any key)",
    },
    method: { value: "LIST", short: "m", help: "Methods accepted: gssapi (default), password, none" },
    "prefer-gssapi": { help: "Hold clients that offer GSS-API to it where none would do too" },
    "password-file": { value: "FILE", help: "Lines of user:password, for the method password" },
    protection: {
      value: "LIST",
      help: "Levels granted (default: confidentiality,integrity,selective); none only by name",
    },
    allow: { value: "RULE", multiple: true, help: "Allow DESTINATION[:PORTS][,user=WHO]; rules count in their order" },
    deny: { value: "RULE", multiple: true, help: "Deny the same" },
    "handshake-timeout": { value: "MS", help: "Time for greeting, authentication and request (default: 10000)" },
    "connect-timeout": { value: "MS", help: "Time for reaching a target (default: 30000)" },
    "idle-timeout": { value: "MS", help: "Close connections that are silent for so long (default: never)" },
    workers: { value: "N", help: "Threads that serve, 0 for one a core (default: 1); Linux spreads the connections" },
    "max-sessions": { value: "N", help: "Sessions at one time (default: 10000)" },
    json: { help: "Log events as JSON lines" },
    quiet: { short: "q", help: "Log nothing" },
  },
  details: `
Everybody who authenticates may reach public addresses. Loopback, private, link-local, CGNAT, metadata and other
special addresses are denied unless a rule names the address: --allow 10.0.0.0/8, --allow localhost:8080. The check is
made on the address that is then dialled. --deny '*' as the last rule denies everything that no rule before it allows.

A client that asks for a level of protection that is not granted gets the strongest that is. --protection none lets
curl --socks5-gssapi in, which cannot protect data: anybody on the way can read and change it then.`,
  async run(args, io): Promise<number> {
    const workers = count("workers", args.value("workers") ?? "1", 256) || navigator.hardwareConcurrency;
    if (workers > 1) {
      // Deno has no other sign of the flag, and ends the process where it is missing.
      if (!("listenDatagram" in Deno)) {
        throw new UsageError(
          "--workers needs deno run --unstable-net, with which several threads may listen on one port",
        );
      }
      return await runWorkers(args.given, workers, io);
    }
    return await runServer(args, io, {
      change: (options) => options,
      onListen: (address) => io.err(`Listening on ${formatEndpoint(address)}\n`),
    });
  },
};

/** What one of several servers has different. */
export interface RunServerOptions {
  /** Changes what the arguments say. */
  readonly change: (options: ServeOptions) => ServeOptions;
  /** Told where the server listens. */
  readonly onListen: (address: Endpoint) => void;
}

/** Runs one server in this thread until it is told to stop. */
export async function runServer(args: ParsedArguments, io: CliIo, options: RunServerOptions): Promise<number> {
  const { change, onListen } = options;
  const server = serve({
    ...change({ ...serveOptions(args), onEvent: eventPrinter(args, io) }),
    signal: io.signal,
    onListen,
  });
  await server.finished;
  return ExitCode.Ok;
}

function serveOptions(args: ParsedArguments): ServeOptions {
  const listen = endpoint(args.value("listen") ?? "127.0.0.1:1080", 1080);
  const methods = list(args.value("method") ?? "gssapi");
  for (const method of methods) {
    if (!["gssapi", "password", "none"].includes(method)) throw new UsageError(`"${method}" is no method`);
  }
  const protection = args.value("protection");
  const services = args.ordered("service").map(({ value }) => value);
  const milliseconds = (name: string) => {
    const text = args.value(name);
    return text === undefined ? undefined : count(name, text);
  };
  const [handshakeTimeout, connectTimeout, idleTimeout, maxSessions] = [
    milliseconds("handshake-timeout"),
    milliseconds("connect-timeout"),
    milliseconds("idle-timeout"),
    milliseconds("max-sessions"),
  ];
  return {
    hostname: listen.hostname,
    port: listen.port,
    ...(methods.includes("gssapi") ? { keytab: args.value("keytab") ?? defaultKeytabName(loadConfig()) } : {}),
    ...(methods.includes("password") ? { passwords: fixedPasswords(readPasswords(args)) } : {}),
    allowUnauthenticated: methods.includes("none"),
    preferGssapi: args.has("prefer-gssapi"),
    ...(services.length === 0 ? {} : { services }),
    ...(protection === undefined ? {} : { protection: list(protection).map(level) }),
    rules: args.ordered("allow", "deny").map(({ name, value }) => rule(name as RuleAction, value)),
    ...(handshakeTimeout === undefined ? {} : { handshakeTimeout }),
    ...(connectTimeout === undefined ? {} : { connectTimeout }),
    ...(idleTimeout === undefined ? {} : { idleTimeout }),
    ...(maxSessions === undefined ? {} : { maxSessions }),
  };
}

function list(text: string): string[] {
  const items = text.split(",").map((item) => item.trim()).filter((item) => item !== "");
  if (items.length === 0) throw new UsageError(`"${text}" is an empty list`);
  return items;
}

function rule(action: RuleAction, text: string): Rule {
  try {
    return parseRule(action, text);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function readPasswords(args: ParsedArguments): Record<string, string> {
  const path = args.value("password-file");
  if (path === undefined) throw new UsageError("--method password needs --password-file");
  const users: Record<string, string> = Object.create(null);
  for (const [i, line] of Deno.readTextFileSync(path).split(/\r?\n/).entries()) {
    if (line === "" || line.startsWith("#")) continue;
    const colon = line.indexOf(":");
    if (colon < 1) throw new UsageError(`${path}, line ${i + 1}: user:password wanted`);
    users[line.slice(0, colon)] = line.slice(colon + 1);
  }
  return users;
}
