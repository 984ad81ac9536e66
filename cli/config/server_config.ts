/**
 * What a server's configuration file may say, and how it is checked. Every option of `gssocks serve` is here too.
 *
 * @module
 */
import { z } from "zod";
import type { RuleFields } from "../../socks/rules/rule_fields.ts";

/** A time: milliseconds, or `500ms`, `90s`, `30m`, `8h`, `1d`, `never`. */
export type Duration = number | string;
/** Bytes: a number, or `64KiB`, `10MiB`, `1GiB`. */
export type Size = number | string;
/** So many, or any number. */
export type Share = number | "any";

/** A proxy that rules may send connections through. */
export interface UpstreamConfig {
  readonly proxy: string;
  readonly service?: string | undefined;
  readonly protection?: string | undefined;
  readonly minimumProtection?: string | undefined;
  readonly ccache?: string | undefined;
  readonly user?: string | undefined;
  readonly passwordFile?: string | undefined;
  readonly unauthenticated?: boolean | undefined;
  readonly spnego?: boolean | undefined;
  readonly via?: string | undefined;
}

/** What several machines share, and through what. */
export interface SharedConfig {
  readonly redis?: string | readonly string[] | undefined;
  readonly kv?: string | undefined;
  readonly onLoss: "refuse" | "allow";
  readonly prefix?: string | undefined;
  readonly passwordFile?: string | undefined;
  readonly sentinelPasswordFile?: string | undefined;
  readonly caFile?: string | undefined;
  readonly replicas?: number | undefined;
}

/** A server's configuration file. */
export interface ServerConfig {
  readonly $schema?: string | undefined;
  readonly listen?: readonly string[] | undefined;
  readonly proxyProtocol?: readonly string[] | undefined;
  readonly reusePort?: boolean | undefined;
  readonly tls?: { readonly certificate: string; readonly key: string } | undefined;
  readonly methods?: readonly ("gssapi" | "password" | "none")[] | undefined;
  readonly preferGssapi?: boolean | undefined;
  readonly gssapi?: {
    readonly keytab?: string | undefined;
    readonly services?: readonly string[] | undefined;
    readonly protection?: readonly ("none" | "integrity" | "selective" | "confidentiality")[] | undefined;
    readonly ticketExpiry?: "keep" | "cut" | undefined;
    readonly insecureNecMode?: boolean | undefined;
    readonly insecureWithoutMutual?: boolean | undefined;
    readonly insecureUnordered?: boolean | undefined;
  } | undefined;
  readonly passwordFile?: string | undefined;
  readonly commands?: readonly ("connect" | "bind" | "udp" | "resolve")[] | undefined;
  readonly protocols?: readonly ("socks4" | "http")[] | undefined;
  readonly clients?: readonly string[] | undefined;
  readonly rules?: readonly (string | RuleFields)[] | undefined;
  readonly upstreams?: Readonly<Record<string, UpstreamConfig>> | undefined;
  readonly timeouts?: {
    readonly handshake?: Duration | undefined;
    readonly connect?: Duration | undefined;
    readonly idle?: Duration | undefined;
    readonly halfClose?: Duration | undefined;
    readonly udpIdle?: Duration | undefined;
    readonly drain?: Duration | undefined;
  } | undefined;
  readonly limits?: {
    readonly sessions?: number | undefined;
    readonly halfOpen?: number | undefined;
    readonly sessionsPerSource?: Share | undefined;
    readonly sessionsPerNetwork?: Share | undefined;
    readonly sessionsPerUser?: Share | undefined;
    readonly acceptsPerSecond?: number | undefined;
    readonly bandwidthPerSession?: Size | undefined;
    readonly bandwidthPerUser?: Size | undefined;
    readonly associations?: number | undefined;
    readonly destinations?: number | undefined;
  } | undefined;
  readonly egress?: readonly string[] | undefined;
  readonly nat64?: readonly string[] | undefined;
  readonly announce?: string | readonly string[] | undefined;
  readonly answersFromAnyPort?: boolean | undefined;
  readonly log?: "text" | "json" | "none" | undefined;
  readonly admin?: string | undefined;
  readonly health?: string | undefined;
  readonly shared?: SharedConfig | undefined;
  readonly workers?: number | undefined;
}

const TIME = "a time is wanted: 500ms, 90s, 30m, 8h, 1d, never, or a number of milliseconds";
const OCTETS = "bytes are wanted: 64KiB, 10MiB, 1GiB, or a number";
const duration = z.union([z.number().int().nonnegative(), z.string().regex(/^(\d{1,9}(ms|s|m|h|d)|never)$/, TIME)], {
  error: TIME,
}).describe("A time: 500ms, 90s, 30m, 8h, 1d, never, or a number of milliseconds");
const size = z.union([z.number().int().positive(), z.string().regex(/^\d{1,9}(KiB|MiB|GiB)$/, OCTETS)], {
  error: OCTETS,
}).describe("Bytes: 64KiB, 10MiB, 1GiB, or a number");
const count = z.number().int().positive();
const share = z.union([count, z.literal("any")], { error: "a number from 1 is wanted, or any" });
const texts = z.array(z.string()).nonempty();
const level = z.enum(["none", "integrity", "selective", "confidentiality"]);

const rule = z.strictObject({
  action: z.enum(["allow", "deny"]),
  destinations: texts.optional().describe("10.0.0.0/8, fd00::/8, host.example.com, .example.com, localhost or *"),
  ports: texts.optional().describe("443 or 8000-8999"),
  commands: z.array(z.enum(["connect", "bind", "udp", "resolve"])).nonempty().optional(),
  sources: texts.optional().describe("Addresses or blocks that clients come from"),
  methods: z.array(z.enum(["none", "password", "gssapi"])).nonempty().optional(),
  users: texts.optional().describe("Users or principals, with a * at one end of the name or realm for many"),
  realms: texts.optional().describe("Realms of principals, with a * in front or at the end for many"),
  enctypes: texts.optional().describe("Encryption types of security contexts"),
  protections: z.array(level).nonempty().optional(),
  maxTicketAge: z.string().optional().describe("Longest time since the initial ticket: 90s, 30m, 8h, 1d"),
  upstream: z.string().optional().describe("Name of the upstream that what is allowed goes through"),
});

const upstream = z.strictObject({
  proxy: z.string().describe("HOST, HOST:PORT or socks5h://HOST:PORT"),
  service: z.string().optional().describe("Service that the proxy runs as (rcmd)"),
  protection: level.optional(),
  minimumProtection: level.optional(),
  ccache: z.string().optional().describe("Credential cache with the server's own ticket"),
  user: z.string().optional().describe("User for the method password, with passwordFile"),
  passwordFile: z.string().optional().describe("File whose first line is the password of user"),
  unauthenticated: z.boolean().optional().describe("Use the method none"),
  spnego: z.boolean().optional().describe("Put SPNEGO around Kerberos"),
  via: z.string().optional().describe("Name of the upstream by which this one is reached"),
});

const SCHEMA: z.ZodType<ServerConfig> = z.strictObject({
  $schema: z.string().optional(),
  listen: texts.optional().describe("HOST:PORT, tls://HOST:PORT or unix:PATH (127.0.0.1:1080)"),
  proxyProtocol: texts.optional()
    .describe("Addresses and blocks of balancers that say with the PROXY protocol who their clients are (none)"),
  reusePort: z.boolean().optional()
    .describe("Let another server take the same ports and paths while this one ends (false)"),
  tls: z.strictObject({ certificate: z.string(), key: z.string() }).optional()
    .describe("PEM files for the listeners that begin with tls://"),
  methods: z.array(z.enum(["gssapi", "password", "none"])).nonempty().optional().describe("Methods accepted (gssapi)"),
  preferGssapi: z.boolean().optional().describe("Hold clients that offer GSS-API to it where none would do too"),
  gssapi: z.strictObject({
    keytab: z.string().optional().describe("Keys of the service (KRB5_KTNAME, krb5.conf, /etc/krb5.keytab)"),
    services: texts.optional().describe("Services accepted, such as rcmd (any that has a key)"),
    protection: z.array(level).nonempty().optional()
      .describe("Levels granted (confidentiality, integrity, selective); none only by name"),
    ticketExpiry: z.enum(["keep", "cut"]).optional().describe(
      "What becomes of a session when the ticket expires (keep)",
    ),
    insecureNecMode: z.boolean().optional().describe("Agree on the level in clear, as NEC's reference code does"),
    insecureWithoutMutual: z.boolean().optional()
      .describe("Let clients in that do not ask for mutual authentication; a recording of one gets in elsewhere too"),
    insecureUnordered: z.boolean().optional()
      .describe("Serve clients whose messages may be left out, repeated and swapped on their way unnoticed"),
  }).optional(),
  passwordFile: z.string().optional().describe("Users and hashes as gssocks passwd writes them"),
  commands: z.array(z.enum(["connect", "bind", "udp", "resolve"])).nonempty().optional()
    .describe("What clients may ask for where rules allow it (connect)"),
  protocols: z.array(z.enum(["socks4", "http"])).optional().describe(
    "Accepted beside SOCKS5; their clients name nobody",
  ),
  clients: z.array(z.string()).optional().describe("Who may talk to the server at all: allow SOURCES, deny SOURCES"),
  rules: z.array(z.union([z.string(), rule], { error: "a rule is wanted: text, or an object with an action" }))
    .optional()
    .describe("Who may go where, the first that fits; what none fits is denied"),
  upstreams: z.record(z.string(), upstream).optional().describe("Proxies that rules may name"),
  timeouts: z.strictObject({
    handshake: duration.optional().describe("Greeting, authentication and request (10s)"),
    connect: duration.optional().describe("Reaching a target, and a target that is to connect (30s)"),
    idle: duration.optional().describe("Silence after which a connection is closed (124m)"),
    halfClose: duration.optional().describe("The same once one side has ended (10m)"),
    udpIdle: duration.optional().describe("Silence after which an association ends (5m)"),
    drain: duration.optional().describe("Time that sessions have to end when the server stops (10s)"),
  }).optional(),
  limits: z.strictObject({
    sessions: count.optional().describe("Sessions at one time (10000)"),
    halfOpen: count.optional().describe("Sessions that have not said what they want (1000)"),
    sessionsPerSource: share.optional().describe("Sessions from one address, or any (a quarter of sessions: 2500)"),
    sessionsPerNetwork: share.optional()
      .describe("Sessions from one /24 of IPv4 or /48 of IPv6, or any (half of sessions: 5000)"),
    sessionsPerUser: share.optional().describe("Sessions of one user, or any (a tenth of sessions: 1000)"),
    acceptsPerSecond: count.optional(),
    bandwidthPerSession: size.optional().describe("Bytes in a second, both ways together"),
    bandwidthPerUser: size.optional().describe("Bytes in a second, both ways together"),
    associations: count.optional().describe("Associations at one time (1000)"),
    destinations: count.optional().describe("Targets that an association remembers (256)"),
  }).optional(),
  egress: texts.optional().describe("Addresses of this machine's that targets are reached from, one of each family"),
  nat64: texts.optional().describe(
    "Prefixes of NAT64 translators, and discover for what the resolver knows (RFC 7050)",
  ),
  announce: z.union([z.string(), texts], { error: "a host is wanted, or a list of one of each family" }).optional()
    .describe("Address told to clients for UDP and BIND, for a server behind NAT, or one of each family"),
  answersFromAnyPort: z.boolean().optional()
    .describe("Let a target answer datagrams from any of its ports, as TFTP does (false)"),
  log: z.enum(["text", "json", "none"]).optional().describe("How events are logged (text)"),
  admin: z.string().optional().describe("Loopback HOST:PORT of the status page, /healthz and /metrics (none)"),
  health: z.string().optional().describe(
    "HOST:PORT that says ok, degraded, failing or draining, and nothing else (none)",
  ),
  shared: z.strictObject({
    redis: z.union([z.string(), texts]).optional().describe(
      "redis://HOST:PORT that all servers of the service share, several of which one is the master, or " +
        "redis+sentinel://HOST:PORT,HOST:PORT/MASTER; rediss for TLS",
    ),
    kv: z.string().optional().describe("Instead of Redis: file or https:// of Deno KV, with --unstable-kv"),
    onLoss: z.enum(["refuse", "allow"])
      .describe("What becomes of clients while the store takes nothing that is written; allow lets replays in"),
    prefix: z.string().optional().describe("Beginning of all keys (gssocks:)"),
    passwordFile: z.string().optional().describe("File whose first line is the password of Redis"),
    sentinelPasswordFile: z.string().optional().describe("File whose first line is the password of the sentinels"),
    caFile: z.string().optional().describe("Certificates of authorities to trust for rediss, in PEM (the system's)"),
    replicas: z.number().int().nonnegative().optional()
      .describe("Replicas that must have an authenticator before its client is let in (0)"),
  }).optional().describe("Replay cache and limits shared by several machines"),
  workers: z.number().int().nonnegative().max(256).optional().describe("Threads that serve, 0 for one a core (1)"),
}).describe("Configuration of gssocks serve");

/** Thrown for a configuration that cannot be used: a line for each thing that is wrong. */
export class ConfigError extends Error {
  /** Name of the class. */
  override readonly name = "ConfigError";
}

/**
 * Reads a configuration.
 *
 * @param text JSON.
 * @param source Where it is from, for errors.
 * @throws {ConfigError} With the path and the reason of each thing that is wrong.
 */
export function parseConfig(text: string, source: string): ServerConfig {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // The engine quotes what stands around, which may be a secret.
    throw new ConfigError(`${source}: ${(error as Error).message.replace(/"[^]*" is not valid/, "it is not valid")}`);
  }
  const result = SCHEMA.safeParse(value);
  if (result.success) return result.data;
  throw new ConfigError(
    result.error.issues.map((issue) => `${source}: ${pathText(issue.path)}${issue.message}`).join("\n"),
  );
}

function pathText(path: readonly PropertyKey[]): string {
  if (path.length === 0) return "";
  return `${path.map((part) => typeof part === "number" ? `[${part}]` : `.${String(part)}`).join("").slice(1)}: `;
}

/** The schema as JSON Schema, for editors. */
export function configJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(SCHEMA) as Record<string, unknown>;
}
