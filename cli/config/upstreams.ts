/**
 * Upstreams of a configuration: proxies that rules may name, which may be reached through one another.
 *
 * @module
 */
import { cacheNamed } from "../command/options.ts";
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
  const { proxy, service, spnego, protection, minimumProtection, ccache, user, passwordFile, unauthenticated } = config;
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
  const credentials = ccache === undefined ? undefined : systemTickets({ cache: cacheNamed(ccache) });
  return { ...address, service, spnego, protection, minimumProtection, credentials };
}

/** Nothing that is said of an upstream may be without effect, and nothing secret be said in the wrong place. */
function checkUpstream(config: UpstreamConfig): void {
  // What stands before it may be a password, so the text is in no error.
  if (config.proxy.includes("@")) {
    throw new TypeError("proxy: a user name is said in user, and a password in passwordFile");
  }
  const { ccache, user, unauthenticated, service, spnego, protection, minimumProtection } = config;
  const given = (settings: Record<string, unknown>) =>
    Object.keys(settings).filter((name) => settings[name] !== undefined);
  const ways = given({ ccache, user, unauthenticated: unauthenticated || undefined });
  if (ways.length > 1) throw new TypeError(`${ways.join(" and ")} exclude each other`);
  const gssapi = given({ service, spnego, protection, minimumProtection });
  if (gssapi.length > 0 && (user !== undefined || unauthenticated)) {
    throw new TypeError(`${gssapi.join(", ")}: only GSS-API has this, and ${ways[0]} is in its place`);
  }
}
