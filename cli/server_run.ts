/**
 * One server of `gssocks serve` from its start to its end: events to the log, to the monitor and to telemetry; reload; drain.
 *
 * @module
 */
import { printable } from "../gss/printable.ts";
import { serve, type ServeOptions, type UpdatableServer } from "../mod.ts";
import type { SharedStore } from "../proxy/redis.ts";
import { telemetry } from "../proxy/telemetry.ts";
import { allowsMuch, ruleLine } from "../socks/rules/rules.ts";
import type { ServerEvent } from "../socks/server.ts";
import type { ConnectionListener } from "../socks/stream/deno.ts";
import type { Endpoint } from "../socks/wire/address.ts";
import { errorLine, type ParsedArguments } from "./command.ts";
import { serverConfig } from "./config/serve_arguments.ts";
import { serveOptions } from "./config/serve_options.ts";
import { openShared } from "./config/shared_store.ts";
import type { ServerConfig } from "./config/server_config.ts";
import { milliseconds } from "./config/units.ts";
import { eventPrinter } from "./event_log.ts";
import type { CliIo } from "./io.ts";
import { Monitor } from "./monitor/monitor.ts";
import type { Snapshot } from "./monitor/snapshot.ts";
import { changesOf, waitingFor } from "./reload.ts";

/** What a server is started with. */
export interface ServerRunOptions {
  /** The command line, for reading the configuration again. */
  readonly args: ParsedArguments;
  /** The configuration. */
  readonly config: ServerConfig;
  /** What it says. */
  readonly options: ServeOptions;
  /** Input and output. */
  readonly io: CliIo;
  /** Where to listen. */
  readonly listeners: readonly ConnectionListener[];
  /** What one of several servers has different. */
  readonly change?: ((options: ServeOptions) => ServeOptions) | undefined;
}

/** Time that sessions have to end when the server stops, where the configuration says nothing. */
const DRAIN = 10_000;

/** What each of the insecure knobs gives up. */
const WARNINGS = {
  insecureNecMode: "the level of protection is agreed upon in clear, and can be changed on its way",
  insecureWithoutMutual: "a recording of a client without mutual authentication may get in, here or at another server",
  insecureUnordered:
    "messages of a client without sequence detection can be left out, repeated and swapped on their way",
} as const;
const INSECURE = Object.keys(WARNINGS) as (keyof typeof WARNINGS)[];

const NO_CAPATHS = "Note: krb5.conf may not be read, so that [capaths] counts for nothing; allow it with " +
  "--allow-env=KRB5_CONFIG and --allow-read";

/** A server that runs. */
export class ServerRun {
  readonly #start: ServerRunOptions;
  readonly #server: UpdatableServer;
  readonly #monitor: Monitor;
  readonly #shared: SharedStore | undefined;
  #config: ServerConfig;
  #options: ServeOptions;
  /** Resolved when it has ended and everything is released. */
  readonly finished: Promise<void>;

  private constructor(start: ServerRunOptions, shared: SharedStore | undefined) {
    const { config, options, io, listeners } = start;
    this.#start = start;
    this.#shared = shared;
    this.#config = config;
    this.#options = options;
    this.#monitor = new Monitor();
    this.#server = serve({ ...this.#complete(start.options, config), listeners });
    this.finished = this.#run(io.signal);
    this.finished.catch(() => {}); // Whoever waits for it is told.
  }

  /** Starts one. */
  static async start(start: ServerRunOptions): Promise<ServerRun> {
    const { config: { shared }, io } = start;
    let store: SharedStore | undefined;
    try {
      if (shared !== undefined) {
        store = await openShared(
          shared,
          (up, reason) => io.err(`Shared store ${up ? "is there" : "is lost"}: ${printable(reason)}\n`),
        );
      }
      for (const warning of warnings(start.options)) io.err(`${warning}\n`);
      return new ServerRun(start, store);
    } catch (error) {
      await store?.[Symbol.asyncDispose]();
      for (const listener of start.listeners) listener.close();
      throw error;
    }
  }

  /** Where it listens. */
  get addresses(): readonly Endpoint[] {
    return this.#start.listeners.map(({ addr }) => addr);
  }

  /** The server as it is now. */
  snapshot(): Snapshot {
    return this.#monitor.snapshot();
  }

  /** Ends it at once, with all its sessions. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
    await this.finished;
  }

  #complete(options: ServeOptions, config: ServerConfig): ServeOptions {
    const print = eventPrinter(config.log ?? "text", this.#start.io);
    const measure = telemetry();
    const { replayCache, userLedger } = this.#shared ?? {};
    const onEvent = (event: ServerEvent) => {
      print(event);
      this.#monitor.onEvent(event);
      measure(event);
    };
    const onNat64 = (prefixes: readonly string[]) => this.#start.io.err(`${foundNat64(prefixes)}\n`);
    const watched = { ...options, onEvent, onNat64 };
    const changed = this.#start.change?.(watched) ?? watched;
    return {
      ...changed,
      ...(replayCache === undefined ? {} : { replayCache }),
      ...(userLedger === undefined ? {} : { userLedger }),
    };
  }

  async #run(signal: AbortSignal): Promise<void> {
    const ended = new AbortController();
    const drain = () => {
      this.#monitor.drain();
      const deadline = milliseconds(this.#config.timeouts?.drain ?? DRAIN);
      void this.#server.shutdown({ deadline });
    };
    if (signal.aborted) drain();
    else signal.addEventListener("abort", drain, { once: true });
    const shared = this.#shared;
    const watching = this.#monitor.watch({
      liveSessions: () => this.#server.liveSessions(),
      shared: shared && (() => shared.state()),
    }, ended.signal);
    try {
      await this.#server.finished;
    } finally {
      signal.removeEventListener("abort", drain);
      ended.abort();
      await watching;
      await shared?.[Symbol.asyncDispose]();
    }
  }

  /**
   * Reads the configuration again. One that is not good changes nothing, nor does one for which this process may no longer
   * do what it could when it started: it would be another one than is written.
   */
  reload(): void {
    const { args, io } = this.#start;
    try {
      const config = serverConfig(args);
      if (io.revoke !== undefined) checkPermitted(args, this.#start.config, config);
      const options = serveOptions(config);
      if (options.keytab !== undefined && options.capaths === undefined && this.#options.capaths !== undefined) {
        throw new Error("krb5.conf may not be read any more, and its [capaths] would count for nothing");
      }
      this.#server.update(this.#complete(options, config));
      const changes = [...changesOf(this.#options, options), ...waitingFor(this.#start.config, config)];
      [this.#config, this.#options] = [config, options];
      io.err(["Configuration read again", ...changes, ...warnings(options)].map((line) => `${line}\n`).join(""));
    } catch (error) {
      io.err(`Configuration not read again, the old one stays: ${errorLine(error)}\n`);
    }
  }
}

function foundNat64(prefixes: readonly string[]): string {
  return prefixes.length === 0
    ? "The resolver knows of no NAT64 prefix now; it is asked again"
    : `NAT64 prefix of the resolver's: ${prefixes.join(", ")}`;
}

/** What is dangerous, or of no use, and yet no error. */
export function warnings(options: ServeOptions): string[] {
  const { rules, keytab, capaths } = options;
  return [
    ...rules?.length === 0 ? ["Warning: there is no rule, so that nothing is allowed"] : [],
    ...muchAllowed(rules),
    ...keytab !== undefined && capaths === undefined ? [NO_CAPATHS] : [],
    ...INSECURE.filter((knob) => options[knob]).map((knob) => `Warning: ${WARNINGS[knob]}`),
  ];
}

/** Rules that allow less than they seem to. */
function muchAllowed(rules: ServeOptions["rules"] = []): string[] {
  return rules.flatMap((rule) =>
    typeof rule !== "string" && allowsMuch(rule)
      ? [
        `Warning: rule "${
          printable(ruleLine(rule))
        }" counts as "*": a block shorter than /8 opens no loopback, private or other special ` +
        "address; allow those by a rule that names them",
      ]
      : []
  );
}

/**
 * Gives up what is not needed any more, so that a fault of this program has less to do harm with. Reading and the
 * environment stay where a reload needs them, and what tickets need where an upstream has any.
 */
export async function dropPermissions(
  { args, config, io }: Pick<ServerRunOptions, "args" | "config" | "io">,
): Promise<void> {
  await io.revoke?.(unneeded(args, config));
}

/** Permissions that a server with this configuration can do without once it listens. */
function unneeded(args: ParsedArguments, { methods = ["gssapi"], upstreams = {} }: ServerConfig) {
  const names: Deno.PermissionName[] = ["run", "ffi"];
  if (Object.keys(upstreams).length > 0) return names;
  names.push("write", "sys");
  // A reload reads files anew, those that are named on the command line too: a keytab gets new keys.
  const files = args.value("config") !== undefined || methods.includes("gssapi") || methods.includes("password");
  if (!files) names.push("read");
  // krb5.conf says where the keytab is, and has [capaths].
  if (!methods.includes("gssapi")) names.push("env");
  return names;
}

/**
 * Refuses a configuration for which something is needed that was given up: what cannot be read then would be passed over,
 * or, on a terminal, Deno would ask for it and hold the server up until somebody answers.
 */
function checkPermitted(args: ParsedArguments, before: ServerConfig, after: ServerConfig): void {
  const needed = unneeded(args, before).filter((name) => !unneeded(args, after).includes(name));
  if (needed.length === 0) return;
  throw new Error(
    `it needs permissions that were given up when the server had started (${needed.join(", ")}); restart it`,
  );
}
