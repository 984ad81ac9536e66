/**
 * Looks at the keytab: what is in it, and whether it has the service that clients will ask for.
 *
 * @module
 */
import { enctypeName, isSupported } from "../../kerberos/crypto/enctypes.ts";
import { KeytabFile, readKeytab } from "../../kerberos/credentials/shell/stores.ts";
import type { KeytabEntry } from "../../kerberos/credentials/formats/keytab.ts";
import { formatPrincipal } from "../../kerberos/principal.ts";
import { parseIp } from "../../socks/wire/ip.ts";
import { isLocalhost } from "../../socks/wire/host_name.ts";
import { type Finding, good, warning } from "./finding.ts";

/** What is to be looked at. */
interface KeytabCheck {
  /** Path of the keytab. */
  readonly keytab: string;
  /** Services accepted; all where this is missing. */
  readonly services: readonly string[] | undefined;
  /** Names that clients may know this machine by. */
  readonly hosts: readonly string[];
}

/** Service that clients ask for (RFC 1961 section 3.1). */
const SERVICE = "rcmd";

/**
 * Looks at a keytab.
 *
 * @throws {KerberosError} `BAD_FILE` when it cannot be read, or has no key.
 */
export function checkKeytab({ keytab, services, hosts }: KeytabCheck): Finding[] {
  // As the server opens it.
  new KeytabFile(keytab);
  const { entries } = readKeytab(keytab);
  const principals = new Map<string, KeytabEntry[]>();
  for (const entry of entries) {
    const name = formatPrincipal(entry.principal);
    principals.set(name, [...principals.get(name) ?? [], entry]);
  }
  const findings = [...principals].map(([principal, keys]) => keysOf(keytab, principal, keys));
  const wanted = services ?? [SERVICE];
  const names = [
    ...new Map(entries.map(({ principal: { components } }) => [components.join("/"), components])).values(),
  ];
  return [...findings, ...wanted.flatMap((service) => checkService({ service, keytab, names, hosts }))];
}

/** The keys of one principal. */
function keysOf(keytab: string, principal: string, keys: readonly KeytabEntry[]): Finding {
  const shown = keys.map(({ kvno, key }) => ({ kvno, enctype: enctypeName(key.enctype) }));
  const text = shown.map(({ kvno, enctype }) => `kvno ${kvno} ${enctype}`).join(", ");
  const facts = { keytab, principal, keys: shown };
  if (keys.some(({ key }) => isSupported(key.enctype))) {
    return good("keytab", `${keytab} has ${principal}: ${text}`, facts);
  }
  const what = `${keytab} has ${principal} with unsupported keys only (${text}); get keys of AES`;
  return warning("keytab", what, facts);
}

interface ServiceCheck {
  readonly service: string;
  readonly keytab: string;
  readonly names: readonly (readonly string[])[];
  readonly hosts: readonly string[];
}

/** Whether clients will find what they ask for. */
function checkService({ service, keytab, names, hosts }: ServiceCheck): Finding[] {
  const there = names.filter(([first, ...rest]) => first === service && rest.length === 1).map(([, host]) => host!);
  const has = names.map((components) => components.join("/")).join(", ");
  if (there.length === 0) {
    const text =
      `${keytab} has no key of ${service}/..., so that no client can authenticate to that service; it has ${has}`;
    return [warning("keytab", `${text}; add ${service}/${hosts[0] ?? "FQDN"}, or name its service in gssapi.services`)];
  }
  return hosts.map((host) => {
    const fits = there.find((name) => isHost(name, host));
    if (fits !== undefined) {
      return good("keytab", `clients that use the proxy as ${fits} ask for ${service}/${fits}, which is there`);
    }
    const use = there.map((name) => `${service}/${name}`).join(", ");
    return warning(
      "keytab",
      `clients that use the proxy as ${host} ask for ${service}/${host}, which is not there; it has ${use}: ` +
        `use the proxy by that name, add the key, or give clients --service`,
      { keytab, asked: `${service}/${host}` },
    );
  });
}

/** Whether a name of a keytab is that of a host, whose own name may be without its domain. */
function isHost(name: string, host: string): boolean {
  const [one, other] = [name.toLowerCase(), host.toLowerCase()];
  return one === other || (!other.includes(".") && one.startsWith(`${other}.`));
}

/** The names by which clients may know this machine: those that it listens at, or else its own. */
export function ownHosts(listening: readonly (string | undefined)[]): readonly string[] {
  const named = listening.filter((host) => host !== undefined && parseIp(host) === undefined && !isLocalhost(host));
  if (named.length > 0) return named as string[];
  // At loopback clients of this machine alone ask, for localhost.
  if (listening.every((host) => host === undefined || isLocalhost(host) || /^(?:127\.|::1$)/.test(host))) return [];
  try {
    return [Deno.hostname()];
  } catch {
    // Without --allow-sys=hostname its name is unknown.
    return [];
  }
}
