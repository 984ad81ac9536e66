/**
 * Looks at the tickets with which upstreams are reached.
 *
 * @module
 */
import { systemRuntime } from "../../base/runtime.ts";
import { openCredentialCache, readKeytab } from "../../kerberos/credentials/shell/stores.ts";
import { formatPrincipal } from "../../kerberos/principal.ts";
import { defaultCcacheName, loadConfig } from "../../kerberos/system.ts";
import type { ServerConfig } from "../config/settings.ts";
import { type Finding, found, good, warning } from "./finding.ts";

/** Looks at the credential cache of each upstream that authenticates with Kerberos. */
export async function checkUpstreams({ upstreams = {} }: ServerConfig): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [name, { ccache, user, unauthenticated, keytab, principal = "" }] of Object.entries(upstreams)) {
    const what = `upstreams.${name}`;
    if (user !== undefined) findings.push(good(what, `authenticates as ${user} by password`));
    else if (unauthenticated) findings.push(good(what, "does not authenticate"));
    else if (keytab !== undefined) findings.push(...await found(what, () => [lookAtKeytab(what, keytab, principal)]));
    else findings.push(...await found(what, () => lookAtCache(what, ccache)));
  }
  return findings;
}

/** A principal without a realm is of the default realm, which the keytab does not tell. */
function lookAtKeytab(what: string, keytab: string, principal: string): Finding {
  const names = readKeytab(keytab).entries.map(({ principal }) => formatPrincipal(principal));
  const client = names.find((name) => name === principal || name.startsWith(`${principal}@`));
  return client === undefined
    ? warning(
      what,
      `${keytab} has no key of ${principal}: requests through it fail; it has ${[...new Set(names)].join(", ")}`,
    )
    : good(what, `${client} by its key in ${keytab}`, { keytab, client });
}

async function lookAtCache(what: string, ccache: string | undefined): Promise<Finding[]> {
  const cache = openCredentialCache(ccache ?? defaultCcacheName(loadConfig()));
  const data = await cache.load();
  if (data === undefined) {
    return [
      warning(
        what,
        `no credentials cache found (${cache.name}): requests through it fail until kinit -c ${cache.name} was run`,
      ),
    ];
  }
  const client = formatPrincipal(data.principal);
  const ends = Math.max(
    0,
    ...data.credentials.filter(({ server }) => server.components[0] === "krbtgt").map(({ endtime }) => endtime),
  );
  const facts = { cache: cache.name, client };
  if (ends <= systemRuntime.now()) {
    const text =
      `the ticket of ${client} in ${cache.name} has expired, or is missing: requests through it fail until kinit`;
    return [warning(what, text, facts)];
  }
  return [good(what, `${client} in ${cache.name}, until ${new Date(ends).toISOString()}`, facts)];
}
