/**
 * One server of `gssocks serve` from its start to its end: events to the log, to the monitor and to telemetry; reload; drain.
 *
 * @module
 */
import { chooseCrypto } from "../../kerberos/crypto/core/choice.ts";
import { onAbort } from "../../base/deadline.ts";
import { printable } from "../../base/printable.ts";
import { type KeytabNews, serve, type ServeOptions, type UpdatableServer } from "../../mod.ts";
import type { SharedStore } from "../../proxy/shared/redis.ts";
import { telemetry } from "../../proxy/telemetry.ts";
import type { ServerEvent } from "../../socks/server/events.ts";
import type { TlsListener } from "../../socks/stream/tls.ts";
import type { ConnectionListener } from "../../socks/stream/listener.ts";
import { type Endpoint, formatEndpoint } from "../../socks/wire/address.ts";
import { parseRuleText } from "../../socks/rules/parse_rule.ts";
import { type Rule, ruleLine } from "../../socks/rules/rule.ts";
import { errorLine, type ParsedArguments } from "../command/command.ts";
import { tlsIdentity } from "../config/listeners.ts";
import { serverConfig } from "../config/serve_arguments.ts";
import { serveOptions } from "../config/serve_options.ts";
import { openShared, storeName, storeReason } from "../config/shared_store.ts";
import type { ServerConfig } from "../config/settings.ts";
import { sayTo, verboseEvents } from "../log/verbose.ts";
import { troubleLine } from "../log/event_log.ts";
import { type LogNote, ProgramLog } from "../log/program_log.ts";
import type { CliIo } from "../terminal/io.ts";
import { Monitor } from "../monitor/monitor.ts";
import type { WatchedServer } from "../monitor/ports.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { Faults } from "../log/guard.ts";
import { Handover } from "./handover.ts";
import { checkPermitted } from "./permissions.ts";
import { asStarted, changeLines, changesOf, compareConfigs } from "./reload.ts";
import { warnings } from "./warnings.ts";

/** What a server is started with. */
interface ServerRunOptions {
  /** The command line, for reading the configuration again. */
  readonly args: ParsedArguments;
  /** The configuration. */
  readonly config: ServerConfig;
  /** What it says. */
  readonly options: ServeOptions;
  /** Input and output. */
  readonly io: CliIo;
  /** Its log. */
  readonly log: ProgramLog;
  /** Where to listen. */
  readonly listeners: readonly ConnectionListener[];
  /** What one of several servers has different. */
  readonly change?: ((options: ServeOptions) => ServeOptions) | undefined;
}

/** Time that sessions have to end when the server stops, where the configuration says nothing. */
const DRAIN = 10_000;

/** A server that runs. */
export class ServerRun {
  readonly #start: ServerRunOptions;
  readonly #server: UpdatableServer;
  readonly #monitor: Monitor;
  readonly #shared: SharedStore | undefined;
  readonly #handover: Handover | undefined;
  readonly #unguard: (() => void) | undefined;
  #log: ProgramLog;
  #config: ServerConfig;
  #options: ServeOptions;
  /** Faults of this program. */
  readonly faults: Faults;
  /** Resolved when it has ended and everything is released. */
  readonly finished: Promise<void>;

  private constructor(start: ServerRunOptions, shared: SharedStore | undefined) {
    const { config, options, io, log, listeners } = start;
    this.#start = start;
    this.#log = log;
    this.#shared = shared;
    this.#config = config;
    this.#options = options;
    this.faults = new Faults((text) => this.#log.note({ level: "error", event: "fault", text }));
    this.#monitor = new Monitor();
    this.#handover = config.reusePort ? new Handover() : undefined;
    const watched = listeners.map((listener) => this.#handover?.watched(listener) ?? listener);
    this.#server = serve({ ...this.#complete(start.options), listeners: watched });
    // From here on nothing but a session's end ends a session.
    this.#unguard = io.onFault?.(this.faults.take);
    this.finished = this.#run(io.signal);
    this.finished.catch(() => {}); // Reported to its awaiter.
  }

  /** Starts one. */
  static async start(start: ServerRunOptions): Promise<ServerRun> {
    const { config: { shared, crypto = "fastest" }, log } = start;
    chooseCrypto(crypto);
    let store: SharedStore | undefined;
    try {
      if (shared !== undefined) {
        store = await openShared(
          shared,
          (up, reason) =>
            log.note({
              level: up ? "info" : "error",
              event: up ? "store-up" : "store-lost",
              text: `Shared store ${storeName(shared)} ${up ? "is there" : "is lost"}: ${
                printable(storeReason(reason))
              }`,
            }),
        );
      }
      for (const text of warnings(start.options)) log.note({ event: "warning", text });
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
    return { ...this.#monitor.snapshot(), logDropped: this.#start.io.log?.dropped ?? 0 };
  }

  /** It as ports see it. */
  readonly watched: WatchedServer = {
    take: () => Promise.resolve(this.snapshot()),
    end: (session, reason) => Promise.resolve(this.endSession(session, reason)),
  };

  /** Ends a session, whose last event has the reason; `false` if there is none. */
  endSession(session: number, reason: string): boolean {
    return this.#server.endSession(session, new Error(reason));
  }

  /** Ends it at once, with all its sessions. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
    await this.finished;
  }

  #complete(options: ServeOptions): ServeOptions {
    const { replayCache, userLedger } = this.#shared ?? {};
    const observers: [string, (event: ServerEvent) => void][] = [
      ["log", (event) => this.#log.event(event)],
      ["monitor", this.#monitor.onEvent],
      ["telemetry", this.#measure()],
    ];
    if (this.#start.args.has("verbose")) observers.push(["verbose", verboseEvents(sayTo(this.#start.io))]);
    const onEvent = (event: ServerEvent) => {
      // A failing observer ends neither a session nor the other observers.
      for (const [name, tell] of observers) {
        try {
          tell(event);
        } catch (error) {
          this.faults.take(error, name);
        }
      }
    };
    const watched: ServeOptions = {
      ...options,
      gssapi: { ...options.gssapi, onKeytab: (news) => this.#log.note(keytabNote(news)) },
      egress: {
        ...options.egress,
        onNat64: (prefixes) => this.#log.note({ event: "nat64", text: foundNat64(prefixes), facts: { prefixes } }),
      },
      onEvent,
      onTrouble: (trouble) =>
        this.#log.note({ event: "trouble", text: troubleLine(trouble), facts: { kind: trouble.kind } }),
    };
    const changed = this.#start.change?.(watched) ?? watched;
    return {
      ...changed,
      gssapi: { ...changed.gssapi, replayCache: replayCache ?? changed.gssapi?.replayCache },
      userLedger: userLedger ?? changed.userLedger,
    };
  }

  /** An SDK that cannot even begin measures nothing. */
  #measure(): (event: ServerEvent) => void {
    try {
      return telemetry();
    } catch (error) {
      this.faults.take(error, "telemetry");
      return () => {};
    }
  }

  async #drain(): Promise<void> {
    this.#monitor.drain();
    const deadline = this.#config.timeouts?.drain ?? DRAIN;
    // Clients in the queue would be reset when the listener closes.
    await this.#handover?.end();
    await this.#server.shutdown({ deadline });
  }

  async #run(signal: AbortSignal): Promise<void> {
    const ended = new AbortController();
    using _draining = onAbort(signal, () => void this.#drain().catch((error) => this.faults.take(error, "end")));
    const shared = this.#shared;
    const watching = this.#monitor.watch({
      liveSessions: () => this.#server.liveSessions(),
      listeners: this.#start.listeners.map(placeOf),
      rules: () => (this.#options.rules ?? []).map(ruleText),
      shared: shared && (() => shared.state()),
      health: () => this.#server.health(),
      faults: () => this.faults.count,
      onFault: (error) => this.faults.take(error, "monitor"),
    }, ended.signal);
    try {
      await this.#server.finished;
    } finally {
      ended.abort();
      this.#unguard?.();
      await watching;
      await shared?.[Symbol.asyncDispose]();
    }
  }

  /**
   * Reads the configuration again. One that is not good changes nothing, nor does one for which this process may no longer
   * do what it could when it started: it would be another one than is written.
   */
  reload(): void {
    const { args, io, log } = this.#start;
    try {
      const config = serverConfig(args);
      if (io.revoke !== undefined) checkPermitted(args, this.#start.config, asStarted(config, this.#start.config));
      const options = serveOptions(config);
      if (options.keytab !== undefined && !options.gssapi?.capaths && this.#options.gssapi?.capaths) {
        throw new Error("krb5.conf may not be read any more, and its [capaths] would count for nothing");
      }
      const identity = tlsIdentity(config);
      this.#server.update(this.#complete(options));
      // Where to listen, and whether with TLS, waits for a restart: until then the certificate stays that there was.
      if (identity !== undefined) {
        for (const listener of this.#start.listeners) if (isTls(listener)) listener.update(identity);
      }
      const changes = compareConfigs(this.#start.config, this.#config, config);
      const notes = [...changeLines(changes), ...changesOf(this.#options, options)];
      [this.#config, this.#options] = [config, options];
      this.#log = new ProgramLog(config.log ?? "text", io, log.run);
      this.#log.note({ event: "reloaded", text: "Configuration read again", facts: { ...changes } });
      for (const text of notes) this.#log.note({ event: "changed", text });
      for (const text of warnings(options)) this.#log.note({ event: "warning", text });
    } catch (error) {
      const why = errorLine(error);
      const text = `Configuration not read again, the old one stays: ${why}`;
      this.#log.note({ level: "error", event: "not-reloaded", text, facts: { error: why } });
    }
  }
}

/** Where a listener is, as text. A path has no port. */
function placeOf(listener: ConnectionListener): string {
  const { addr } = listener;
  const place = addr.port === 0 ? addr.hostname : formatEndpoint(addr);
  return isTls(listener) ? `tls://${place}` : place;
}

function ruleText(rule: string | Rule): string {
  return ruleLine(typeof rule === "string" ? parseRuleText(rule) : rule);
}

function foundNat64(prefixes: readonly string[]): string {
  return prefixes.length === 0
    ? "The resolver knows of no NAT64 prefix now; it is asked again"
    : `NAT64 prefix of the resolver's: ${prefixes.join(", ")}`;
}

function keytabNote({ path, error }: KeytabNews): LogNote {
  return error === undefined
    ? { event: "keytab", text: `Keytab ${path} has changed, and was read again`, facts: { keytab: path } }
    : { level: "error", event: "keytab", text: `Keytab not read again, the old keys stay: ${errorLine(error)}` };
}

function isTls(listener: ConnectionListener): listener is TlsListener {
  return "update" in listener;
}
