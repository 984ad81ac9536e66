/**
 * Builds the options of a SOCKS server from those of `serve`: methods, rules, and what each command needs.
 *
 * @module
 */
import { COMMAND_NAMES, type CommandName } from "../socks/rules/rule.ts";
import { withTimeLimit } from "../socks/names/timed_resolver.ts";
import { checkOwnAddresses } from "../socks/stream/own_addresses.ts";
import { spnegoAcceptor } from "../gss/spnego/acceptor.ts";
import type { ReplayCache } from "../kerberos/ap/replay/cache.ts";
import { KerberosAcceptorCredential } from "../kerberos/mech/credentials.ts";
import { gssapiServer, type InsecureGssapiOptions } from "../socks/auth/gssapi/server.ts";
import { noAuthentication } from "../socks/auth/none.ts";
import type { ServerAuthMethod } from "../socks/auth/method.ts";
import { passwordServer } from "../socks/auth/password.ts";
import { SocksReplyError } from "../socks/errors.ts";
import { checkNames } from "../socks/argument_checks.ts";
import type { Resolver } from "../socks/names/resolver.ts";
import { ClientRuleSet, parseClientRuleText } from "../socks/rules/client_rules.ts";
import type { RuleSet } from "../socks/rules/rule_set.ts";
import { AssociateCommand, type AssociationCount } from "../socks/server/commands/associate.ts";
import { bindDirectly } from "../socks/server/targets/listen.ts";
import type { OpenTarget } from "../socks/server/targets/target.ts";
import { resolveDirectly } from "../socks/server/targets/look_up.ts";
import { datagramsDirectly } from "../socks/server/datagrams/direct.ts";
import { withNat64 } from "../socks/server/datagrams/nat64.ts";
import type { UserLedger } from "../socks/server/limits/user_ledger.ts";
import type { SocksServerOptions } from "../socks/server/options.ts";
import { checkLimit } from "../socks/server/limits/limits.ts";
import { timeoutsOf } from "../socks/server/limits/timeouts.ts";
import { openDirectly } from "../socks/server/targets/direct.ts";
import { openUpstream } from "../socks/server/targets/upstream.ts";
import { upstreamOf } from "./proxy_options.ts";
import { checkAssociations } from "./running.ts";
import type { ServeOptions } from "./serve_options.ts";
import type { ProxySystem } from "./system.ts";

/** State that stays when options change. */
export interface KeptState {
  /** Authenticators seen. */
  readonly replayCache: ReplayCache;
  /** Sessions of users. */
  readonly userLedger: UserLedger | undefined;
  /** Associations under way. */
  readonly associations: AssociationCount;
  /** The rules of now. */
  readonly rules: () => RuleSet;
}

/**
 * Builds the options of a SOCKS server.
 *
 * @throws {TypeError} When an option cannot be used.
 * @throws {KerberosError} When the keytab cannot be read.
 */
export function serverOptions(system: ProxySystem, options: ServeOptions, kept: KeptState): SocksServerOptions {
  const { commands = ["connect"], clients, gssapi = {} } = options;
  checkNames("commands", commands, COMMAND_NAMES);
  const clientRules = clients === undefined
    ? undefined
    : new ClientRuleSet(clients.map((rule) => typeof rule === "string" ? parseClientRuleText(rule) : rule));
  return {
    auth: methods(system, options, kept.replayCache),
    preferGssapi: gssapi.prefer,
    ticketExpiry: gssapi.ticketExpiry,
    protocols: options.protocols,
    clients: clientRules,
    timeouts: options.timeouts,
    limits: options.limits,
    userLedger: kept.userLedger,
    signal: options.signal,
    onEvent: options.onEvent,
    onTrouble: options.onTrouble,
    ...servedCommands(system, { ...options, commands }, clientRules, kept),
  };
}

function servedCommands(
  system: ProxySystem,
  options: ServeOptions & { readonly commands: readonly CommandName[] },
  clients: ClientRuleSet | undefined,
  { rules, associations }: KeptState,
): Pick<SocksServerOptions, "open" | "bind" | "associate" | "resolve"> {
  const { datagrams = {}, egress: { addresses } = {} } = options;
  checkAssociations(datagrams);
  checkLimit("datagrams.maxDestinations", datagrams.maxDestinations);
  if (addresses !== undefined) checkOwnAddresses(addresses, system.sockets.listen);
  const { announce, idleTimeout, maxAssociations, maxDestinations, answersFromAnyPort } = datagrams;
  const resolve = boundedResolver(system, options);
  const dial = options.dial ?? (addresses === undefined ? system.sockets.dial : system.sockets.dialFrom(addresses));
  const has = (command: CommandName) => options.commands.includes(command);
  return {
    open: has("connect")
      ? openDirectly({ rules, resolve, dial, upstreams: openUpstreams(system, options) })
      : refuseConnect,
    bind: has("bind")
      ? bindDirectly({ rules, resolve, listen: system.sockets.listen, egress: addresses, announce })
      : undefined,
    associate: has("udp")
      ? new AssociateCommand({
        announce,
        idleTimeout,
        maxAssociations,
        running: associations,
        mayMoveTo: (address) => clients?.judge(address).allowed ?? true,
        bind: system.sockets.bindDatagrams,
        open: datagramsDirectly({
          maxDestinations,
          answersFromAnyPort,
          egress: addresses,
          rules,
          resolve,
          bind: withNat64(system.sockets.bindDatagrams, () => rules().nat64, addresses),
        }),
      })
      : undefined,
    resolve: has("resolve") ? resolveDirectly({ rules, resolve, reverse: system.reverse }) : undefined,
  };
}

const refuseConnect: OpenTarget = () =>
  Promise.reject(new SocksReplyError("COMMAND_NOT_SUPPORTED", "Command connect is not supported"));

function openUpstreams(
  system: ProxySystem,
  { upstreams = {} }: ServeOptions,
): Readonly<Record<string, OpenTarget>> {
  const opened = Object.entries(upstreams).map(([name, proxy]) =>
    [name, openUpstream(upstreamOf(system, proxy))] as const
  );
  return Object.fromEntries(opened);
}

/** Longest time for a lookup, in milliseconds. */
const LOOKUP_TIME = 10_000;

/** A lookup gets a third of the time for the target, so that silent name servers are reported as such and not as a silent target. */
function boundedResolver(system: ProxySystem, options: ServeOptions): Resolver {
  const milliseconds = Math.min(LOOKUP_TIME, Math.ceil(timeoutsOf(options).connect / 3));
  return withTimeLimit(options.resolve ?? system.resolve, milliseconds);
}

/** Twice the clock skew: an authenticator made by a clock ahead of ours is valid for this long. */
const REPLAYABLE = 600_000;

function methods(system: ProxySystem, options: ServeOptions, replayCache: ReplayCache): ServerAuthMethod[] {
  const { keytab, protection, gssapi = {}, passwords } = options;
  const { services, capaths, enctypes, onKeytab, runtime } = gssapi;
  const insecure: InsecureGssapiOptions = gssapi;
  const accepted: ServerAuthMethod[] = [];
  if (keytab !== undefined) {
    const keys = typeof keytab === "string" ? system.keytabFile(keytab, { onNews: onKeytab }) : keytab;
    const credential = new KerberosAcceptorCredential({ keys, services, capaths, enctypes, replayCache, runtime });
    accepted.push(gssapiServer({
      ...insecure,
      credential: spnegoAcceptor(credential),
      protection,
      // A cache without ReplayCache.knowsSince has always known everything.
      replaysKnownFrom: () => (replayCache.knowsSince ?? -Infinity) + REPLAYABLE,
    }));
  }
  if (passwords !== undefined) accepted.push(passwordServer(passwords));
  if (options.allowUnauthenticated) accepted.push(noAuthentication());
  if (accepted.length === 0) {
    throw new TypeError(
      "Cannot serve: no client could authenticate; give a keytab, passwords or allowUnauthenticated",
    );
  }
  return accepted;
}
