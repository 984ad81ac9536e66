/**
 * Looks names up with this package's resolver and the C library's, and prints both results. Runs in namespaces of its
 * own, where `/etc` belongs to the test and a name server listens on port 53.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- a test reads it
import { serve } from "../../mod.ts";
import { systemResolver } from "../../socks/shell/system_resolver.ts";
import { run } from "./process.ts";
import { type Said, startNameServer } from "./name_server.ts";

const both = (name: string): Said[] => [[name, "A", "192.0.2.1"], [name, "AAAA", "2001:db8::1"]];
const ZONE: readonly Said[] = [
  // The C library reads the names of an answer in order.
  ["alias.corp.test", "CNAME", "www.corp.test"],
  ...both("www.corp.test"),
  ...both("absolute.test"),
  ...both("deep.corp.corp.test"),
  ["four.test", "A", "192.0.2.4"],
  ["six.test", "AAAA", "2001:db8::6"],
];

await using _server = await startNameServer((name, type) => {
  const alias = ZONE.find(([owner, kind]) => owner === name && kind === "CNAME");
  const owners = [name, alias?.[2]];
  const known = ZONE.some(([owner]) => owner === name);
  return {
    code: known ? 0 : 3,
    records: ZONE.filter(([owner, kind]) => owners.includes(owner) && [type, "CNAME"].includes(kind)),
  };
}, { port: 53 });

// As a server does that gives up permissions once it listens.
await using _proxy = serve({ port: 0, allowUnauthenticated: true });
for (const name of ["read", "sys"] as const) await Deno.permissions.revoke({ name });

/** Returns the addresses in the order of `getent`. */
async function getent(name: string): Promise<readonly string[]> {
  const { stdout } = await run("getent", ["ahosts", name]);
  const lines = stdout.split("\n").filter((line) => line.includes("STREAM"));
  return lines.map((line) => line.split(/\s+/)[0]!);
}

for (const name of Deno.args) {
  const ours = await systemResolver(name, {}).catch(() => ({ addresses: [], names: [] }));
  console.log(JSON.stringify({ name, ...ours, system: await getent(name) }));
}
