/**
 * A server with Kerberos: starts it and changes it while it runs.
 *
 * @module
 */
import { checkServePlaces } from "./moved_options.ts";
import { MemoryReplayCache } from "../kerberos/ap/replay/memory.ts";
import { readSystemNames, systemResolver } from "../socks/shell/system_resolver.ts";
import { Nat64Prefixes } from "../socks/names/nat64_prefixes.ts";
import type { Cidr } from "../socks/wire/cidr.ts";
import { parseRuleText } from "../socks/rules/parse_rule.ts";
import { RuleSet } from "../socks/rules/rule_set.ts";
import { SocksServer } from "../socks/server/server.ts";
import { withEnctypeNames } from "./rule_enctypes.ts";
import { type RunningServer, start, withListeners } from "./running.ts";
import type { ServeOptions } from "./serve_options.ts";
import { type KeptState, serverOptions } from "./server_options.ts";

/** A running server whose options can be changed. */
export interface UpdatableServer extends RunningServer {
  /**
   * Replaces the options. Listeners and the signal stay, and so do `gssapi.replayCache` and `userLedger` if no others are given, and
   * everything counted. Sessions under way continue as they began, but every datagram is judged by the new rules. After the end of
   * the server this has no effect.
   *
   * @throws {TypeError} As {@linkcode serve}; nothing is changed then.
   * @throws {KerberosError} As {@linkcode serve}; nothing is changed then.
   */
  update(options: ServeOptions): void;
}

/**
 * Starts a SOCKS5 server, in the manner of `Deno.serve`.
 *
 * @throws {TypeError} When no method is accepted, a rule cannot be read, a time, a limit, a NAT64 prefix or the port is invalid, an option
 * has moved into a group, this machine does not have an address of `egress`, or both `listeners` and a place to listen are given.
 * @throws {Deno.errors.AddrInUse} When the port is in use; other errors of the system as `Deno.listen` has them.
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
  checkServePlaces(options);
  let nat64 = nat64Of(options);
  let rules = rulesOf(options, nat64);
  const { signal } = options;
  if (options.resolve === undefined) readSystemNames();
  // What was seen and counted must stay known, whatever else changes.
  let kept: KeptState = {
    replayCache: options.gssapi?.replayCache ?? new MemoryReplayCache(),
    userLedger: options.userLedger,
    associations: { associations: 0 },
    rules: () => rules,
  };
  const server = new SocksServer(serverOptions(options, kept));
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
      checkServePlaces(changed);
      const next64 = nat64Of(changed, nat64.found);
      const next = rulesOf(changed, next64);
      const keep: KeptState = {
        ...kept,
        replayCache: changed.gssapi?.replayCache ?? kept.replayCache,
        userLedger: changed.userLedger ?? kept.userLedger,
      };
      server.update(serverOptions({ ...changed, signal }, keep));
      nat64[Symbol.dispose]();
      [rules, kept, nat64] = [next, keep, next64];
      if (!ended) nat64.start();
    },
  });
}

function nat64Of(options: ServeOptions, found?: readonly Cidr[]): Nat64Prefixes {
  const { egress: { nat64: known = [], onNat64: onFound } = {}, resolve = systemResolver } = options;
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
