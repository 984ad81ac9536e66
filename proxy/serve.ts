/**
 * The server, put together: Kerberos behind SOCKS, rules in front of the network.
 *
 * @module
 */
import { spnegoAcceptor } from "../gss/spnego/acceptor.ts";
import { KerberosAcceptorCredential } from "../kerberos/mech/credentials.ts";
import { MemoryReplayCache } from "../kerberos/ap/replay/memory.ts";
import type { ReplayCache } from "../kerberos/ap/replay/cache.ts";
import type { Capaths } from "../kerberos/ap/transited.ts";
import type { Keytab } from "../kerberos/credentials/formats/keytab.ts";
import { KeytabFile } from "../kerberos/credentials/shell/stores.ts";
import type { KeytabNews } from "../kerberos/credentials/keytabs/reloading_keytab.ts";
import { gssapiServer, type GssapiServerOptions } from "../socks/auth/gssapi/server.ts";
import type { ServerAuthMethod } from "../socks/auth/method.ts";
import { noAuthentication } from "../socks/auth/none.ts";
import { type PasswordCheck, passwordServer } from "../socks/auth/password.ts";
import { AssociateCommand, type AssociationCount } from "../socks/server/commands/associate.ts";
import { bindDirectly } from "../socks/server/targets/listen.ts";
import type { OpenTarget } from "../socks/server/targets/target.ts";
import { resolveDirectly } from "../socks/server/targets/look_up.ts";
import { SocksReplyError } from "../socks/errors.ts";
import { checkNames } from "../socks/argument_checks.ts";
import { openUpstream } from "../socks/server/targets/upstream.ts";
import { readSystemNames, systemResolver, systemReverse } from "../socks/shell/system_resolver.ts";
import type { dialFrom } from "../socks/shell/dial_from.ts";
import type { UserLedger } from "../socks/server/limits/user_ledger.ts";
import { Nat64Prefixes } from "../socks/names/nat64_prefixes.ts";
import { openDirectly } from "../socks/server/targets/direct.ts";
import type { Cidr } from "../socks/wire/cidr.ts";
import { type ClientRule, ClientRuleSet, parseClientRuleText } from "../socks/rules/client_rules.ts";
import { parseRuleText } from "../socks/rules/parse_rule.ts";
import { RuleSet } from "../socks/rules/rule_set.ts";
import type { CommandName, Rule } from "../socks/rules/rule.ts";
import type { SocksServerOptions } from "../socks/server/options.ts";
import { timeoutsOf } from "../socks/server/limits/timeouts.ts";
import { SocksServer } from "../socks/server/server.ts";
import type { Dialer } from "../socks/stream/connection.ts";
import type { Resolver } from "../socks/names/resolver.ts";
import { withTimeLimit } from "../socks/names/timed_resolver.ts";
import { platform } from "../socks/shell/default_platform.ts";
import { checkOwnAddresses } from "../socks/stream/own_addresses.ts";
import { datagramsDirectly } from "../socks/server/datagrams/direct.ts";
import { withNat64 } from "../socks/server/datagrams/nat64.ts";
import { type ProxyOptions, upstreamOf } from "./proxy_options.ts";
import { withEnctypeNames } from "./rule_enctypes.ts";
import { checkDatagrams, type ListenerOptions, type RunningServer, start, withListeners } from "./running.ts";

/** What {@linkcode serve} takes. */
export interface ServeOptions extends ListenerOptions {
  /**
   * Keys of the service, or the file that they are in. Needed for GSS-API. Where a ticket comes that no key opens, the file is looked
   * at again, once a second at most, and read where it has changed; its keys are the only ones from then on. A file
   * that cannot be read then, or has no key, changes nothing.
   */
  readonly keytab?: Keytab | string | undefined;
  /** Told that the keytab's file was read again, or why it was not. What it throws is passed over. */
  readonly onKeytab?: ((news: KeytabNews) => void) | undefined;
  /** Names of the services accepted, such as `rcmd`. @default {every one that has a key} */
  readonly services?: readonly string[] | undefined;
  /** Levels of protection granted. @default {["confidentiality", "integrity", "selective"]} */
  readonly protection?: GssapiServerOptions["protection"] | undefined;
  /** Authenticators seen before; share one between servers with the same keys. @default {one in memory} */
  readonly replayCache?: ReplayCache | undefined;
  /**
   * Realms that may vouch for users of other realms where no KDC has judged that, such as `loadConfig().capaths`.
   *
   * @default {those between the two in the hierarchy of their names}
   */
  readonly capaths?: Capaths | undefined;
  /** What becomes of a session when the client's ticket expires. @default {"keep"} */
  readonly ticketExpiry?: "keep" | "cut" | undefined;
  /**
   * Whether the level of protection is agreed upon in clear, as NEC's reference code does. Whoever is on the way can
   * change it then. Level "none" is not granted in this mode until replays are surely noticed: with a cache in memory ten minutes
   * after the start, and other servers with the same keys must share it.
   *
   * @default {false}
   */
  readonly insecureNecMode?: boolean | undefined;
  /**
   * Whether clients are let in that did not ask for mutual authentication. What such a client has sent can be sent again to
   * another server with the same keys, unless it shares the `replayCache`.
   *
   * @default {false}
   */
  readonly insecureWithoutMutual?: boolean | undefined;
  /**
   * Whether levels with protection are granted without replay detection, and everything but datagrams carried without
   * sequence detection. Whoever is on the way can leave out, repeat and swap the messages of such a client.
   *
   * @default {false}
   */
  readonly insecureUnordered?: boolean | undefined;
  /** Says which passwords are right; with it the method "password" is accepted. */
  readonly passwords?: PasswordCheck | undefined;
  /** Whether clients that name nobody are accepted. @default {false} */
  readonly allowUnauthenticated?: boolean | undefined;
  /** Whether a client that offers GSS-API must use it although "none" would do. @default {false} */
  readonly preferGssapi?: boolean | undefined;
  /** What clients may ask for, where rules allow it. @default {["connect"]} */
  readonly commands?: readonly CommandName[] | undefined;
  /** Who may talk to the server at all: `"allow 10.0.0.0/8"`, `"deny *"`; who fits none may not. @default {everybody} */
  readonly clients?: readonly (string | ClientRule)[] | undefined;
  /**
   * Who may go where, the first that fits: `"allow 10.0.0.0/8:443"`, `"allow *"`; see `parseRule`. What fits none is
   * denied, and so are addresses that are not public unless a rule names them.
   *
   * @default {[]}
   */
  readonly rules?: readonly (string | Rule)[] | undefined;
  /** Proxies that rules may name, for what they allow to go through. */
  readonly upstreams?: Readonly<Record<string, ProxyOptions>> | undefined;
  /** Counts the sessions of users; share one between servers. @default {one in memory} */
  readonly userLedger?: UserLedger | undefined;
  /**
   * Looks names up. A name has a third of `timeouts.connect` for it, and 10 seconds at most.
   *
   * @default {the system's resolver, `systemResolver`}
   */
  readonly resolve?: Resolver | undefined;
  /**
   * Addresses of this machine's that targets are reached from, one of each family.
   *
   * @default {as the system routes}
   */
  readonly egress?: readonly string[] | undefined;
  /**
   * Prefixes of NAT64 translators (RFC 6052), such as `2001:db8:64::/96`, and `discover` for those that the resolver knows of
   * (RFC 7050). Rules for IPv4 addresses hold for the addresses under them, and an IPv4 address to which no way leads is reached under
   * them. `64:ff9b::/96` is known to rules without being told.
   *
   * @default {[]}
   */
  readonly nat64?: readonly string[] | undefined;
  /** Told of the NAT64 prefixes that `discover` has found, as soon as that is known, and of changes. What it throws is passed over. */
  readonly onNat64?: ((prefixes: readonly string[]) => void) | undefined;
  /** Connects to targets. @default {TCP} */
  readonly dial?: Dialer | undefined;
}

/** A running server whose behaviour can be changed. */
export interface UpdatableServer extends RunningServer {
  /**
   * Behaves otherwise from now on; where it listens, and the signal, stay. So do `replayCache` and `userLedger` where no others are
   * given, and whatever is counted. Sessions under way go on as they began, but every datagram is judged by the new rules. Once
   * the server has ended this has no effect.
   *
   * @throws {TypeError} As {@linkcode serve}; nothing is changed then.
   * @throws {KerberosError} As {@linkcode serve}; nothing is changed then.
   */
  update(options: ServeOptions): void;
}

/**
 * Starts a SOCKS5 server, in the manner of `Deno.serve`.
 *
 * @throws {TypeError} When there is no method by which anybody could come in, a rule cannot be read, a time, a limit, a NAT64 prefix
 * or the port is none, an address of `egress` is none of this machine's, or `listeners` are given and a place to listen too.
 * @throws {Deno.errors.AddrInUse} When somebody else listens there; other errors of the system as `Deno.listen` has them.
 * @throws {KerberosError} `BAD_FILE` when the keytab cannot be read, or has no key.
 *
 * @example
 * ```ts
 * import { serve } from "@gssocks/gssocks";
 *
 * export async function main(): Promise<void> {
 *   const server = serve({ hostname: "0.0.0.0", keytab: "/etc/krb5.keytab", rules: ["allow 10.0.0.0/8"] });
 *   await server.finished;
 * }
 * ```
 */
export function serve(options: ServeOptions): UpdatableServer {
  return withListeners(options, () => startServer(options));
}

function startServer(options: ServeOptions): UpdatableServer {
  let nat64 = nat64Of(options);
  let rules = rulesOf(options, nat64);
  const { signal } = options;
  if (options.resolve === undefined) readSystemNames();
  const running: AssociationCount = { associations: 0 };
  // What was seen and counted before must stay known, whatever else changes.
  let kept: Kept = { replayCache: options.replayCache ?? new MemoryReplayCache(), userLedger: options.userLedger };
  const made = (wanted: ServeOptions, keep: Kept) =>
    serverOptions({ ...wanted, ...keep, signal }, { rules: () => rules, running });
  const server = new SocksServer(made(options, kept));
  const started = start(server, options);
  nat64.start();
  let ended = false;
  const end = () => {
    ended = true;
    nat64[Symbol.dispose]();
  };
  started.finished.then(end, end);
  return Object.assign(started, {
    update(changed: ServeOptions): void {
      const next64 = nat64Of(changed, nat64.found);
      const next = rulesOf(changed, next64);
      const keep: Kept = {
        replayCache: changed.replayCache ?? kept.replayCache,
        userLedger: changed.userLedger ?? kept.userLedger,
      };
      server.update(made(changed, keep));
      nat64[Symbol.dispose]();
      [rules, kept, nat64] = [next, keep, next64];
      if (!ended) nat64.start();
    },
  });
}

/** What stays where nothing else is given. */
interface Kept {
  readonly replayCache: ReplayCache;
  readonly userLedger: UserLedger | undefined;
}

function nat64Of(options: ServeOptions, found?: readonly Cidr[]): Nat64Prefixes {
  const { nat64: known = [], resolve = systemResolver, onNat64: onFound } = options;
  return new Nat64Prefixes({ known, resolve, onFound, found });
}

function rulesOf({ rules = [], upstreams = {} }: ServeOptions, nat64: Nat64Prefixes): RuleSet {
  const read = rules.map((rule) => withEnctypeNames(typeof rule === "string" ? parseRuleText(rule) : rule));
  for (const { text, upstream } of read) {
    if (upstream !== undefined && !Object.hasOwn(upstreams, upstream)) {
      throw new TypeError(`Cannot use rule "${text}": there is no upstream "${upstream}"`);
    }
  }
  return new RuleSet(read, undefined, { nat64 });
}

function serverOptions(
  options: ServeOptions & Kept,
  { rules, running }: { readonly rules: () => RuleSet; readonly running: AssociationCount },
): SocksServerOptions {
  const { commands = ["connect"], datagrams = {}, clients, egress } = options;
  const resolve = withTimeLimit(options.resolve ?? systemResolver, lookUpTime(options));
  const dial = options.dial ?? (egress === undefined ? platform.dial : platform.dialFrom(egress));
  const upstreams = Object.fromEntries(
    Object.entries(options.upstreams ?? {}).map((
      [name, proxy],
    ): [string, OpenTarget] => [name, openUpstream(upstreamOf(proxy))]),
  );
  checkNames("commands", commands, COMMANDS);
  checkDatagrams(options.datagrams);
  if (egress !== undefined) checkOwnAddresses(egress, platform.listen);
  const clientRules = clients === undefined
    ? undefined
    : new ClientRuleSet(clients.map((rule) => typeof rule === "string" ? parseClientRuleText(rule) : rule));
  const has = (command: CommandName) => commands.includes(command);
  const refused: OpenTarget = () =>
    Promise.reject(new SocksReplyError("COMMAND_NOT_SUPPORTED", "Command connect is not supported"));
  return {
    ...options,
    auth: serverMethods(options),
    clients: clientRules,
    open: has("connect") ? openDirectly({ rules, resolve, dial, upstreams }) : refused,
    bind: has("bind")
      ? bindDirectly({ rules, resolve, listen: platform.listen, egress, announce: datagrams.announce })
      : undefined,
    associate: has("udp")
      ? new AssociateCommand({
        ...datagrams,
        running,
        mayMoveTo: (address) => clientRules?.judge(address).allowed ?? true,
        bind: platform.bindDatagrams,
        open: datagramsDirectly({
          ...datagrams,
          egress,
          rules,
          resolve,
          bind: withNat64(platform.bindDatagrams, () => rules().nat64, egress),
        }),
      })
      : undefined,
    resolve: has("resolve") ? resolveDirectly({ rules, resolve, reverse: systemReverse }) : undefined,
  };
}

/** Longest time for a look-up, in milliseconds. */
const LOOK_UP_TIME = 10_000;

/** A name whose servers are silent is told as such, and not as a target that is: within a third of the time for the whole. */
function lookUpTime(options: ServeOptions): number {
  return Math.min(LOOK_UP_TIME, Math.ceil(timeoutsOf(options).connect / 3));
}
/** Commands that there are: a name may come out of JavaScript, and nothing that is meant to be served may be left out unsaid. */
const COMMANDS: readonly CommandName[] = ["connect", "bind", "udp", "resolve"];

/** Twice the clock skew: for so long an authenticator is good that was made by a clock ahead of ours. */
const REPLAYABLE = 600_000;

function serverMethods(options: ServeOptions & Kept): ServerAuthMethod[] {
  const { keytab, services, protection, replayCache, passwords } = options;
  const { insecureNecMode = false, insecureWithoutMutual = false, insecureUnordered = false } = options;
  const methods: ServerAuthMethod[] = [];
  if (keytab !== undefined) {
    const credential = new KerberosAcceptorCredential({
      keys: typeof keytab === "string" ? new KeytabFile(keytab, { onNews: options.onKeytab }) : keytab,
      services,
      capaths: options.capaths,
      replayCache,
    });
    methods.push(gssapiServer({
      credential: spnegoAcceptor(credential),
      ...(protection === undefined ? {} : { protection }),
      insecureNecMode,
      // A cache that does not say since when it knows everything always has (ReplayCache.knowsSince).
      replaysKnownFrom: () => (replayCache.knowsSince ?? -Infinity) + REPLAYABLE,
      insecureWithoutMutual,
      insecureUnordered,
    }));
  }
  if (passwords !== undefined) methods.push(passwordServer(passwords));
  if (options.allowUnauthenticated) methods.push(noAuthentication());
  if (methods.length === 0) {
    throw new TypeError("Cannot serve: a keytab, passwords or allowUnauthenticated is needed for anybody to come in");
  }
  return methods;
}
