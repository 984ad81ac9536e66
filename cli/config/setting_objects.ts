/**
 * Objects inside the configuration: rules, upstreams, and the shared store.
 *
 * @module
 */
import { COMMAND_NAMES } from "../../socks/rules/rule.ts";
import { z } from "zod";
import type { GssapiProxyOptions } from "../../mod.ts";
import type { MethodName } from "../../socks/identity.ts";
import { PROTECTION_LEVELS } from "../../socks/protection.ts";
import type { RuleFields } from "../../socks/rules/rule_fields.ts";
import { amountOrNone, choice, flag, list, many, required, setting, text, TEXTS } from "./setting_kinds.ts";

/** A proxy that rules may name. */
export interface UpstreamConfig
  extends Pick<GssapiProxyOptions, "service" | "protection" | "minimumProtection" | "spnego"> {
  readonly proxy: string;
  readonly ccache?: string | undefined;
  readonly keytab?: string | undefined;
  readonly principal?: string | undefined;
  readonly user?: string | undefined;
  readonly passwordFile?: string | undefined;
  readonly unauthenticated?: boolean | undefined;
  readonly via?: string | undefined;
}

/** The store that several machines share. */
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

/** The admin port, and what more it may do. */
export interface AdminConfig {
  readonly listen: string;
  readonly endSessions?: string | undefined;
}

/** Methods of authentication. */
export const METHODS: readonly MethodName[] = ["gssapi", "password", "none"];

/** A rule. */
export const RULE: z.ZodType<RuleFields> = z.strictObject(
  {
    action: z.enum(["allow", "deny"]),
    destinations: setting(TEXTS, "10.0.0.0/8, fd00::/8, host.example.com, .example.com, localhost or *"),
    ports: setting(TEXTS, "443, 8000-8999 or https"),
    commands: list(COMMAND_NAMES, "Commands requested"),
    sources: setting(TEXTS, "Addresses or blocks of clients"),
    methods: list(METHODS, "Methods by which clients authenticated"),
    users: setting(TEXTS, "Users or principals; a * at one end of the name or realm matches any text"),
    realms: setting(TEXTS, "Realms of principals; a * at one end matches any text"),
    accounts: setting(TEXTS, "Accounts of Active Directory by their stored names, such as alice@corp.example"),
    sids: setting(TEXTS, "SIDs of accounts or of their groups"),
    groups: setting(TEXTS, "Groups by SID, or by a well-known name such as Domain Users@corp.example"),
    enctypes: setting(TEXTS, "Encryption types of security contexts"),
    protections: list(PROTECTION_LEVELS, "Protection levels of sessions"),
    maxTicketAge: text("Longest time since the initial ticket: 90s, 30m, 8h, 1d"),
    upstream: text("Name of the upstream through which allowed requests go"),
  } satisfies Record<keyof RuleFields, z.ZodType>,
);

/** An upstream. */
export const UPSTREAM: z.ZodType<UpstreamConfig> = z.strictObject(
  {
    proxy: z.string().describe("HOST, HOST:PORT or socks5h://HOST:PORT"),
    service: text("Service name of the proxy (default: rcmd), or NAME@HOST with the host in its keytab"),
    protection: choice(PROTECTION_LEVELS, "Protection level requested (default: confidentiality)"),
    minimumProtection: choice(PROTECTION_LEVELS, "Weakest protection level accepted (default: the one requested)"),
    ccache: text(
      "Credential cache with the server's own ticket; with keytab, where tickets are kept (default: in memory)",
    ),
    keytab: text("Keytab with a key of principal, with which the server gets tickets itself"),
    principal: text("Whose tickets the server gets with keytab"),
    user: text("User for the method password, with passwordFile"),
    passwordFile: text("File whose first line is the password of user"),
    unauthenticated: flag("Use the method none"),
    spnego: flag("Wrap Kerberos in SPNEGO"),
    via: text("Name of the upstream through which this one is reached"),
  } satisfies Record<keyof UpstreamConfig, z.ZodType>,
);

/** The admin port. */
export const ADMIN: z.ZodType<AdminConfig> = z.strictObject(
  {
    listen: z.string().describe("HOST:PORT on a loopback address"),
    endSessions: text("File of names and tokens, NAME TOKEN in each line: who has one may end sessions there"),
  } satisfies Record<keyof AdminConfig, z.ZodType>,
);

/** The shared store. */
export const SHARED: z.ZodType<SharedConfig> = z.strictObject(
  {
    redis: setting(
      z.union([z.string(), TEXTS]),
      "redis://HOST:PORT, several of which one is the master, or redis+sentinel://HOST:PORT,HOST:PORT/MASTER; rediss for TLS",
      {
        options: {
          redis: {
            value: "URL",
            multiple: true,
            help: "Share replay cache and limits with other machines; redis+sentinel://HOST,HOST/MASTER too",
          },
        },
        read: (args) => many(args, "redis"),
      },
    ),
    kv: text("Instead of Redis: file or https:// of Deno KV, with --unstable-kv"),
    onLoss: required(
      z.enum(["refuse", "allow"]),
      "Whether to refuse or allow clients while the store takes no writes; allow lets replays in",
      {
        options: { "redis-loss": { value: "POLICY", help: "refuse (default) or allow clients while Redis is lost" } },
        read: (args) => args.value("redis-loss") ?? (args.has("redis") ? "refuse" : undefined),
      },
    ),
    prefix: text("Prefix of all keys (default: gssocks:)"),
    passwordFile: text("File whose first line is the password of Redis", {
      name: "redis-password-file",
      value: "FILE",
    }),
    sentinelPasswordFile: text("File whose first line is the password of the sentinels"),
    caFile: text("Certificates of trusted authorities for rediss, in PEM (default: the system's)"),
    replicas: amountOrNone("Replicas that must have an authenticator before its client is accepted (default: 0)", {
      name: "redis-replicas",
    }),
  } satisfies Record<keyof SharedConfig, z.ZodType>,
);
