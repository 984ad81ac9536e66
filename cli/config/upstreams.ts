/**
 * Upstreams of a configuration: proxies that rules may name, which may be reached through one another.
 *
 * @module
 */
import { cacheNamed } from "../command/options.ts";
import { serviceAt } from "../../gss/names.ts";
import type { TicketSource } from "../../kerberos/credentials/ticket_source.ts";
import { systemTickets } from "../../kerberos/system.ts";
import { dialThrough, type ProxyOptions } from "../../mod.ts";
import { proxyEndpoint } from "../../proxy/proxy_options.ts";
import { noAuthentication } from "../../socks/auth/none.ts";
import { passwordClient } from "../../socks/auth/password.ts";
import { at, ConfigError } from "./config_error.ts";
import { firstLine } from "./read_text.ts";
import type { UpstreamConfig } from "./setting_objects.ts";

/**
 * Reads upstreams.
 *
 * @throws {ConfigError}
 */
export function readUpstreams(
  upstreams: Readonly<Record<string, UpstreamConfig>>,
): Readonly<Record<string, ProxyOptions>> {
  const made = new Map<string, ProxyOptions>();
  const read = (name: string, seen: readonly string[]): ProxyOptions => {
    const where = `upstreams.${name}`;
    const config = Object.hasOwn(upstreams, name) ? upstreams[name]! : undefined;
    if (config === undefined) throw new ConfigError(`upstreams.${seen.at(-1)}.via: there is no upstream "${name}"`);
    if (seen.includes(name)) throw new ConfigError(`${where}.via: goes around in a circle`);
    const options = made.get(name) ?? at(where, () => proxyOptions(config, (via) => read(via, [...seen, name])));
    made.set(name, options);
    return options;
  };
  for (const name of Object.keys(upstreams)) read(name, []);
  return Object.fromEntries(made);
}

function proxyOptions(config: UpstreamConfig, via: (name: string) => ProxyOptions): ProxyOptions {
  checkUpstream(config);
  const { proxy, service, spnego, protection, minimumProtection, ccache, keytab } = config;
  const { user, passwordFile, unauthenticated } = config;
  if ((user === undefined) !== (passwordFile === undefined)) throw new TypeError("user and passwordFile go together");
  const address = {
    proxy: proxyEndpoint(proxy),
    dial: config.via === undefined ? undefined : dialThrough(via(config.via)),
  };
  if (user !== undefined && passwordFile !== undefined) {
    const password = firstLine(passwordFile);
    return { ...address, auth: [passwordClient({ username: user, password })] };
  }
  if (unauthenticated) return { ...address, auth: [noAuthentication()] };
  const credentials = ccache === undefined && keytab === undefined ? undefined : ticketsOf(config);
  return { ...address, service, spnego, protection, minimumProtection, credentials };
}

/** Tickets of the server itself: out of a cache, or by a key, where the cache only keeps them. */
function ticketsOf({ ccache, keytab, principal }: UpstreamConfig): TicketSource {
  const cache = ccache === undefined ? undefined : cacheNamed(ccache);
  return keytab === undefined ? systemTickets({ cache }) : systemTickets({ cache, keytab, principal: principal! });
}

/** Nothing that is said of an upstream may be without effect, and nothing secret be said in the wrong place. */
function checkUpstream(config: UpstreamConfig): void {
  // What stands before it may be a password, so the text is in no error.
  if (config.proxy.includes("@")) {
    throw new TypeError("proxy: a user name is said in user, and a password in passwordFile");
  }
  const { ccache, keytab, principal, user, unauthenticated, service, spnego, protection, minimumProtection } = config;
  const given = (settings: Record<string, unknown>) =>
    Object.keys(settings).filter((name) => settings[name] !== undefined);
  if ((keytab === undefined) !== (principal === undefined)) throw new TypeError("keytab and principal go together");
  const kerberos = keytab === undefined ? { ccache } : { keytab };
  const ways = given({ ...kerberos, user, unauthenticated: unauthenticated || undefined });
  if (ways.length > 1) throw new TypeError(`${ways.join(" and ")} exclude each other`);
  if (service !== undefined) serviceAt(service, "localhost");
  const gssapi = given({ ccache, service, spnego, protection, minimumProtection });
  if (gssapi.length > 0 && (user !== undefined || unauthenticated)) {
    throw new TypeError(`${gssapi.join(", ")}: only GSS-API has this, and ${ways[0]} is in its place`);
  }
}
