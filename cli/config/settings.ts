/**
 * Settings of `gssocks serve`: what the configuration file may have, with the option of the command line for each. This is the one
 * table of them; a new setting is a line here and a member of the options that use it.
 *
 * @module
 */
import type { CryptoChoice } from "../../kerberos/crypto/core/choice.ts";
import { parseClientRuleText } from "../../socks/rules/client_rules.ts";
import { parseNat64Prefix } from "../../socks/rules/nat64.ts";
import { parseIp } from "../../socks/wire/ip.ts";
import { readRule } from "./rule_text.ts";
import { COMMAND_NAMES } from "../../socks/rules/rule.ts";
import { OTHER_PROTOCOLS } from "../../socks/server/front/options.ts";
import { z } from "zod";
import { LOG_OPTIONS, logFormat } from "../command/options.ts";
import type { LogFormat } from "../log/event_log.ts";
import type { EgressOptions, GssapiOptions, ServeOptions, Timeouts } from "../../mod.ts";
import type { MethodName } from "../../socks/identity.ts";
import { PROTECTION_LEVELS, type ProtectionLevel } from "../../socks/protection.ts";
import type { RuleFields } from "../../socks/rules/rule_fields.ts";
import {
  amount,
  amountOrNone,
  atStart,
  choice,
  flag,
  group,
  list,
  many,
  readable,
  setting,
  type SettingOptions,
  type Settings,
  share,
  size,
  text,
  TEXTS,
  texts,
  time,
} from "./setting_kinds.ts";
import {
  ADMIN,
  type AdminConfig,
  METHODS,
  RULE,
  SHARED,
  type SharedConfig,
  UPSTREAM,
  type UpstreamConfig,
} from "./setting_objects.ts";

/** A server's configuration file, read: times are in milliseconds, sizes in bytes, and what has no limit is `Infinity`. */
export interface ServerConfig
  extends Pick<ServeOptions, "proxyProtocol" | "reusePort" | "commands" | "protocols" | "limits" | "datagrams"> {
  readonly $schema?: string | undefined;
  readonly listen?: readonly string[] | undefined;
  readonly tls?: TlsFiles | undefined;
  readonly methods?: readonly MethodName[] | undefined;
  readonly keytab?: string | undefined;
  readonly protection?: readonly ProtectionLevel[] | undefined;
  readonly gssapi?: GssapiConfig | undefined;
  readonly passwordFile?: string | undefined;
  readonly clients?: readonly string[] | undefined;
  readonly rules?: readonly (string | RuleFields)[] | undefined;
  readonly upstreams?: Readonly<Record<string, UpstreamConfig>> | undefined;
  readonly egress?: EgressConfig | undefined;
  readonly timeouts?: TimeoutsConfig | undefined;
  readonly shared?: SharedConfig | undefined;
  readonly workers?: number | undefined;
  readonly crypto?: CryptoChoice | undefined;
  readonly admin?: string | AdminConfig | undefined;
  readonly health?: string | undefined;
  readonly log?: LogFormat | undefined;
}

/** Settings of GSS-API that a file can have. */
export type GssapiConfig = Omit<GssapiOptions, "replayCache" | "capaths" | "enctypes" | "onKeytab" | "runtime">;
/** Settings of egress that a file can have. */
export type EgressConfig = Omit<EgressOptions, "onNat64">;

/** Timeouts, and the time for the end. */
export interface TimeoutsConfig extends Timeouts {
  readonly drain?: number | undefined;
}

/** PEM files of the listeners for TLS. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
}

/** Options for rules: `--allow X` is the rule `allow X`, in the order given. */
function ruleOptions(allow: string, deny: string, value: string, help: readonly [string, string]): SettingOptions {
  return {
    options: {
      [allow]: { value, multiple: true, help: help[0] },
      [deny]: { value, multiple: true, help: help[1] },
    },
    read: (args) => {
      const rules = args.ordered(allow, deny)
        .map(({ name, value }) => `${name === allow ? "allow" : "deny"} ${value}`);
      return rules.length === 0 ? undefined : rules;
    },
  };
}

const ADMIN_HELP = "Status page, /healthz and /metrics on a loopback address (default: none)";

const RULE_WANTED = "a rule is wanted: text, or an object with an action";

function checkIp(text: string): void {
  if (parseIp(text) === undefined) throw new TypeError(`"${text}" is not an address`);
}

/** The settings: path, schema, help, option of the command line, and `atStart` where a reload does not take it. */
export const SETTINGS: Settings<ServerConfig> = {
  $schema: z.string().optional(),
  listen: atStart(texts("HOST:PORT, tls://HOST:PORT or unix:PATH (default: 127.0.0.1:1080; port 0 for a free one)", {
    name: "listen",
    value: "WHERE",
    short: "l",
  })),
  proxyProtocol: atStart(
    list(undefined, "Addresses and blocks of balancers that send the PROXY protocol (default: none)", {
      name: "proxy-protocol",
      value: "SOURCES",
    }),
  ),
  reusePort: atStart(
    flag("Let another server take the same ports and paths while this one ends", { name: "reuse-port" }),
  ),
  tls: group<TlsFiles>({
    certificate: text("Certificate chain for tls://, in PEM", { name: "tls-certificate", value: "FILE" }),
    key: text("Its private key, in PEM", { name: "tls-key", value: "FILE" }),
  }, "PEM files for the listeners that begin with tls://"),
  keytab: text("Keys of the service (default: KRB5_KTNAME, krb5.conf, /etc/krb5.keytab)", {
    name: "keytab",
    value: "FILE",
    short: "k",
  }),
  methods: list(METHODS, "Methods accepted: gssapi (default), password, none", {
    name: "method",
    value: "LIST",
    short: "m",
  }),
  protection: list(
    PROTECTION_LEVELS,
    "Protection levels granted (default: confidentiality,integrity,selective, but not none)",
    { name: "protection", value: "LIST" },
  ),
  gssapi: group<GssapiConfig>({
    services: texts("Accept tickets for this service only, such as rcmd (default: every service with a key)", {
      name: "service",
      value: "NAME",
    }),
    prefer: flag("Require GSS-API of clients that offer it, even where none would be accepted", {
      name: "prefer-gssapi",
    }),
    ticketExpiry: choice<"keep" | "cut">(
      ["keep", "cut"],
      "Whether to keep (default) or cut sessions whose ticket has expired",
      {
        name: "ticket-expiry",
        value: "POLICY",
      },
    ),
    insecureNecMode: flag("Negotiate the protection level in clear, as NEC's reference code does", {
      name: "insecure-nec-mode",
    }),
    insecureWithoutMutual: flag("Accept clients that do not ask for mutual authentication (RFC 1961 section 3.2)", {
      name: "insecure-without-mutual",
    }),
    insecureUnordered: flag("Accept clients without replay and sequence detection at levels above none", {
      name: "insecure-unordered",
    }),
  }, "How clients authenticate with GSS-API"),
  passwordFile: text("Users for the method password; gssocks passwd writes it", {
    name: "password-file",
    value: "FILE",
  }),
  commands: list(COMMAND_NAMES, "Commands that clients may request: connect (default), udp, bind, resolve", {
    name: "command",
    value: "LIST",
  }),
  protocols: list(OTHER_PROTOCOLS, "Accepted beside SOCKS5: socks4, http; needs the method none", {
    name: "protocol",
    value: "LIST",
    mayBeEmpty: true,
  }),
  clients: setting(
    z.array(readable(z.string(), parseClientRuleText)),
    "Rules for client addresses, first match wins: allow SOURCES, deny SOURCES",
    ruleOptions("allow-client", "deny-client", "SOURCES", [
      "Accept clients from these addresses, and no others",
      "Refuse clients from these addresses",
    ]),
  ),
  rules: setting(
    z.array(readable(z.union([z.string(), RULE], { error: RULE_WANTED }), readRule)),
    "Rules for requests, first match wins; what no rule matches is denied",
    ruleOptions("allow", "deny", "RULE", [
      "Allow DESTINATION[:PORTS][,user=WHO]...; rules apply in their order",
      "Deny the same",
    ]),
  ),
  upstreams: setting(z.record(z.string(), UPSTREAM), "Proxies that rules may name"),
  egress: group<EgressConfig>({
    addresses: texts("Local addresses from which targets are reached, one of each family", undefined, checkIp),
    nat64: texts("Prefix of a NAT64 translator, or discover for those that the resolver knows (RFC 7050)", {
      name: "nat64",
      value: "PREFIX",
    }, (prefix) => prefix === "discover" || parseNat64Prefix(prefix)),
  }, "How targets are reached"),
  datagrams: group<NonNullable<ServerConfig["datagrams"]>>({
    announce: setting(
      z.union([z.string(), TEXTS], { error: "a host is wanted, or a list of one of each family" }),
      "Address to tell clients of UDP and BIND, for a server behind NAT; one of each family",
      {
        options: {
          announce: {
            value: "ADDRESS",
            multiple: true,
            help: "Address to tell clients of UDP and BIND, for a server behind NAT; one of each family",
          },
        },
        read: (args) => many(args, "announce"),
      },
    ),
    idleTimeout: time("Close associations without a datagram for this long (default: 5m)", {
      name: "udp-idle-timeout",
    }),
    maxAssociations: amount("UDP associations at one time (default: 1000)", { name: "max-associations" }),
    maxDestinations: amount("Targets that an association remembers (default: 256)"),
    answersFromAnyPort: flag("Let a target answer from any of its ports, as TFTP does"),
  }, "How datagrams are relayed"),
  timeouts: group<TimeoutsConfig>({
    handshake: time("Time for greeting, authentication and request (default: 10s)", { name: "handshake-timeout" }),
    connect: time("Time to reach a target (default: 30s)", { name: "connect-timeout" }),
    idle: time("Close connections without a byte for this long, or never (default: 124m)", { name: "idle-timeout" }),
    halfClose: time("The same once one side has ended (default: 10m)", { name: "half-close-timeout" }),
    drain: time("Time for sessions to end when the server stops (default: 10s)", { name: "drain-timeout" }),
  }, "How long each step may take"),
  limits: group<NonNullable<ServerConfig["limits"]>>({
    sessions: amount("Sessions at one time (default: 10000)", { name: "max-sessions" }),
    halfOpen: amount("Sessions still in the handshake (default: 1000)", { name: "max-half-open" }),
    sessionsPerSource: share("Sessions from one address, or any (default: a quarter of all)", {
      name: "max-sessions-per-source",
    }),
    sessionsPerNetwork: share("Sessions from one /24, or /48 of IPv6, or any (default: half of all)", {
      name: "max-sessions-per-network",
    }),
    sessionsPerUser: share("Sessions of one user, or any (default: a tenth of all)", { name: "max-sessions-per-user" }),
    acceptsPerSecond: amount("Clients accepted per second (default: no limit)", { name: "max-accepts" }),
    bandwidthPerSession: size("Bytes per second of a session, both ways (default: no limit)", { name: "bandwidth" }),
    bandwidthPerUser: size("The same for all sessions of a user", { name: "bandwidth-per-user" }),
  }, "How much of the server one client, source and user may have"),
  shared: atStart(setting(SHARED, "Replay cache and limits that several machines share")),
  workers: atStart(amountOrNone("Threads that serve, 0 for one a core (default: 1); Linux spreads the connections", {
    name: "workers",
    maximum: 256,
  })),
  crypto: atStart(choice<CryptoChoice>(
    ["fastest", "webcrypto"],
    "What seals and signs: this program's own WebAssembly for short messages, or only the runtime's WebCrypto (default: fastest)",
  )),
  admin: atStart(setting(
    z.union([z.string(), ADMIN], { error: "HOST:PORT is wanted, or an object with listen" }),
    ADMIN_HELP,
    {
      options: { admin: { value: "HOST:PORT", help: ADMIN_HELP } },
      read: (args) => args.value("admin"),
    },
  )),
  health: atStart(text("Answer ok, degraded, failing or draining there, for load balancers (default: none)", {
    name: "health",
    value: "HOST:PORT",
  })),
  log: setting(z.enum(["text", "json", "none"]), "How events are logged (default: text)", {
    options: LOG_OPTIONS,
    read: (args) => args.has("json") || args.has("quiet") ? logFormat(args) : undefined,
  }),
};
