/**
 * A server with Kerberos on any machine: starts it and changes it while it runs.
 *
 * @module
 */
import { checkServePlaces } from "./moved_options.ts";
import { MemoryReplayCache } from "../kerberos/ap/replay/memory.ts";
import { Nat64Prefixes } from "../socks/names/nat64_prefixes.ts";
import type { Cidr } from "../socks/wire/cidr.ts";
import { parseRuleText } from "../socks/rules/parse_rule.ts";
import { RuleSet } from "../socks/rules/rule_set.ts";
import { SocksServer } from "../socks/server/server.ts";
import { withEnctypeNames } from "./rule_enctypes.ts";
import { type RunningServer, start, withListeners } from "./running.ts";
import type { ServeOptions } from "./serve_options.ts";
import { type KeptState, serverOptions } from "./server_options.ts";
import type { ProxySystem } from "./system.ts";

/** A running server whose options can be changed. */
export interface UpdatableServer extends RunningServer {
  /**
   * Replaces the options. Listeners and the signal stay, and so do `gssapi.replayCache` and `userLedger` if no others are given, and
   * everything counted. Sessions under way continue as they began, but every datagram is judged by the new rules. After the end of
   * the server this has no effect.
   *
   * @throws {TypeError} As `serve`; nothing is changed then.
   * @throws {KerberosError} As `serve`; nothing is changed then.
   */
  update(options: ServeOptions): void;
}

/** Starts a SOCKS5 server; see `serve`. */
export function serveOn(system: ProxySystem, options: ServeOptions): UpdatableServer {
  return withListeners(options, () => startServer(system, options));
}

function startServer(system: ProxySystem, options: ServeOptions): UpdatableServer {
  checkServePlaces(options);
  let nat64 = nat64Of(system, options);
  let rules = rulesOf(options, nat64);
  const { signal } = options;
  if (options.resolve === undefined) system.readNames();
  // What was seen and counted must stay known, whatever else changes.
  let kept: KeptState = {
    replayCache: options.gssapi?.replayCache ?? new MemoryReplayCache(),
    userLedger: options.userLedger,
    associations: { associations: 0 },
    rules: () => rules,
  };
  const server = new SocksServer(serverOptions(system, options, kept));
  const started = start(system, server, options);
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
      const next64 = nat64Of(system, changed, nat64.found);
      const next = rulesOf(changed, next64);
      const keep: KeptState = {
        ...kept,
        replayCache: changed.gssapi?.replayCache ?? kept.replayCache,
        userLedger: changed.userLedger ?? kept.userLedger,
      };
      server.update(serverOptions(system, { ...changed, signal }, keep));
      nat64[Symbol.dispose]();
      [rules, kept, nat64] = [next, keep, next64];
      if (!ended) nat64.start();
    },
  });
}

function nat64Of(system: ProxySystem, options: ServeOptions, found?: readonly Cidr[]): Nat64Prefixes {
  const { egress: { nat64: known = [], onNat64: onFound } = {}, resolve = system.resolve } = options;
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
