/**
 * Options of `gssocks serve` on the command line, each of which is in the configuration file too. What is given on the command
 * line counts before what the file says.
 *
 * @module
 */
import { type OptionSpec, type ParsedArguments, UsageError } from "../command.ts";
import { count } from "../options.ts";
import { parseConfig, type ServerConfig } from "./server_config.ts";

/** The options. */
export const SERVE_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  config: { value: "FILE", short: "f", help: "Configuration, in JSON; options given here count before it" },
  check: { help: "Say whether the configuration is good, and stop" },
  listen: {
    value: "WHERE",
    short: "l",
    multiple: true,
    help: "HOST:PORT, tls://HOST:PORT or unix:PATH (default: 127.0.0.1:1080; port 0 for a free one)",
  },
  "proxy-protocol": {
    value: "SOURCES",
    help: "Balancers that say who their clients are (PROXY protocol), with commas between them",
  },
  "reuse-port": { help: "Let another server take the same ports and paths while this one ends" },
  "tls-certificate": { value: "FILE", help: "Certificate chain for tls://, in PEM" },
  "tls-key": { value: "FILE", help: "Its key" },
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
  "password-file": { value: "FILE", help: "Users for the method password; gssocks passwd writes it" },
  protection: {
    value: "LIST",
    help: "Levels granted (default: confidentiality,integrity,selective); none only by name",
  },
  "ticket-expiry": { value: "POLICY", help: "keep (default) or cut sessions whose ticket has expired" },
  "insecure-nec-mode": { help: "Agree on the level of protection in clear, as NEC's reference code does" },
  "insecure-without-mutual": {
    help: "Let clients in that do not ask for mutual authentication (RFC 1961 section 3.2)",
  },
  "insecure-unordered": {
    help: "Serve clients that do not ask for replay and sequence detection at levels above none",
  },
  command: { value: "LIST", help: "What clients may ask for: connect (default), udp, bind, resolve" },
  protocol: { value: "LIST", help: "Accepted beside SOCKS5: socks4, http; needs the method none" },
  "allow-client": { value: "SOURCES", multiple: true, help: "Let clients from these addresses in, and no others" },
  "deny-client": { value: "SOURCES", multiple: true, help: "Keep clients from these addresses out" },
  allow: { value: "RULE", multiple: true, help: "Allow DESTINATION[:PORTS][,user=WHO]...; rules count in their order" },
  deny: { value: "RULE", multiple: true, help: "Deny the same" },
  nat64: {
    value: "PREFIX",
    multiple: true,
    help: "Prefix of a NAT64 translator, or discover for what the resolver knows (RFC 7050)",
  },
  announce: {
    value: "ADDRESS",
    multiple: true,
    help: "Tell clients of UDP and BIND this address, for a server behind NAT; one of each family",
  },
  "handshake-timeout": { value: "TIME", help: "Time for greeting, authentication and request (default: 10s)" },
  "connect-timeout": { value: "TIME", help: "Time for reaching a target (default: 30s)" },
  "idle-timeout": { value: "TIME", help: "Close connections that are silent for so long, or never (default: 124m)" },
  "half-close-timeout": { value: "TIME", help: "The same once one side has ended (default: 10m)" },
  "udp-idle-timeout": { value: "TIME", help: "End associations that are silent for so long (default: 5m)" },
  "drain-timeout": { value: "TIME", help: "Time that sessions have to end when the server stops (default: 10s)" },
  "max-sessions": { value: "N", help: "Sessions at one time (default: 10000)" },
  "max-half-open": { value: "N", help: "Sessions that have not said what they want (default: 1000)" },
  "max-sessions-per-source": { value: "N", help: "Sessions from one address, or any (default: a quarter of all)" },
  "max-sessions-per-network": {
    value: "N",
    help: "Sessions from one /24, or /48 of IPv6, or any (default: half of all)",
  },
  "max-sessions-per-user": { value: "N", help: "Sessions of one user, or any (default: a tenth of all)" },
  "max-accepts": { value: "N", help: "Clients accepted in a second (default: any number)" },
  "max-associations": { value: "N", help: "UDP associations at one time (default: 1000)" },
  bandwidth: { value: "N", help: "Bytes of a session in a second, both ways (default: any number)" },
  "bandwidth-per-user": { value: "N", help: "The same of all sessions of a user" },
  redis: {
    value: "URL",
    multiple: true,
    help: "Share replay cache and limits with other machines; redis+sentinel://HOST,HOST/MASTER too",
  },
  "redis-loss": { value: "POLICY", help: "refuse (default) or allow clients while Redis is lost" },
  "redis-password-file": { value: "FILE", help: "Password of Redis, in the first line" },
  "redis-replicas": { value: "N", help: "Replicas that must have an authenticator before it counts (default: 0)" },
  workers: { value: "N", help: "Threads that serve, 0 for one a core (default: 1); Linux spreads the connections" },
  admin: { value: "HOST:PORT", help: "Status page, /healthz and /metrics on a loopback address (default: none)" },
  health: {
    value: "HOST:PORT",
    help: "Say ok, degraded, failing or draining there, to load balancers (default: none)",
  },
  json: { help: "Log events as JSON lines" },
  quiet: { short: "q", help: "Log nothing" },
};

/** What file and command line say together, checked. Throws `ConfigError` or `UsageError`. */
export function serverConfig(args: ParsedArguments): ServerConfig {
  const file = args.value("config");
  const written = file === undefined ? {} : parseConfig(Deno.readTextFileSync(file), file);
  const given = fromArguments(args);
  const merged: ServerConfig = {
    ...written,
    ...given,
    tls: given.tls ?? written.tls,
    gssapi: { ...written.gssapi, ...given.gssapi },
    timeouts: { ...written.timeouts, ...given.timeouts },
    limits: { ...written.limits, ...given.limits },
    rules: [...given.rules ?? [], ...written.rules ?? []],
  };
  return merged;
}

function fromArguments(args: ParsedArguments): ServerConfig {
  const one = (name: string) => args.value(name);
  const number = (name: string) => one(name) === undefined ? undefined : count(`--${name}`, one(name)!);
  // The configuration's own forms are good here too; what is none of them is its check's to say.
  const time = (name: string) => /^\d+$/.test(one(name) ?? "") ? number(name) : one(name);
  const numberOr = (word: string, name: string) => one(name) === word ? word : number(name);
  const many = (name: string) => {
    const values = args.ordered(name).map(({ value }) => value);
    return values.length === 0 ? undefined : values;
  };
  const list = (name: string) => {
    const items = one(name)?.split(",").map((item) => item.trim()).filter((item) => item !== "");
    if (items?.length === 0) throw new UsageError(`--${name} "${one(name)}" is an empty list`);
    return items;
  };
  const rules = (...names: readonly string[]) =>
    args.ordered(...names).map(({ name, value }) => `${name.startsWith("allow") ? "allow" : "deny"} ${value}`);
  const [certificate, key] = [one("tls-certificate"), one("tls-key")];
  if ((certificate === undefined) !== (key === undefined)) {
    throw new UsageError("--tls-certificate and --tls-key go together");
  }
  const clients = rules("allow-client", "deny-client");
  const redis = many("redis");
  const values = {
    listen: many("listen"),
    proxyProtocol: list("proxy-protocol"),
    reusePort: args.has("reuse-port") || undefined,
    tls: certificate === undefined ? undefined : { certificate, key },
    methods: list("method"),
    preferGssapi: args.has("prefer-gssapi") || undefined,
    gssapi: defined({
      keytab: one("keytab"),
      services: many("service"),
      protection: list("protection"),
      ticketExpiry: one("ticket-expiry"),
      insecureNecMode: args.has("insecure-nec-mode") || undefined,
      insecureWithoutMutual: args.has("insecure-without-mutual") || undefined,
      insecureUnordered: args.has("insecure-unordered") || undefined,
    }),
    passwordFile: one("password-file"),
    commands: list("command"),
    protocols: list("protocol"),
    clients: clients.length === 0 ? undefined : clients,
    rules: rules("allow", "deny"),
    nat64: many("nat64"),
    announce: many("announce"),
    timeouts: defined({
      handshake: time("handshake-timeout"),
      connect: time("connect-timeout"),
      idle: time("idle-timeout"),
      halfClose: time("half-close-timeout"),
      udpIdle: time("udp-idle-timeout"),
      drain: time("drain-timeout"),
    }),
    limits: defined({
      sessions: number("max-sessions"),
      halfOpen: number("max-half-open"),
      sessionsPerSource: numberOr("any", "max-sessions-per-source"),
      sessionsPerNetwork: numberOr("any", "max-sessions-per-network"),
      sessionsPerUser: numberOr("any", "max-sessions-per-user"),
      acceptsPerSecond: number("max-accepts"),
      associations: number("max-associations"),
      bandwidthPerSession: number("bandwidth"),
      bandwidthPerUser: number("bandwidth-per-user"),
    }),
    shared: redis === undefined ? undefined : defined({
      redis,
      onLoss: one("redis-loss") ?? "refuse",
      passwordFile: one("redis-password-file"),
      replicas: number("redis-replicas"),
    }),
    workers: number("workers"),
    admin: one("admin"),
    health: one("health"),
    log: args.has("quiet") ? "none" : args.has("json") ? "json" : undefined,
  };
  // One check for both: what the command line says is as a file would say it.
  return parseConfig(JSON.stringify(defined(values)), "command line");
}

function defined(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
