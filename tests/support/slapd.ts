/**
 * A real OpenLDAP server with one entry, on a free port.
 *
 * @module
 */
import type { Certificate } from "./certificate.ts";
import { peer } from "./peers.ts";
import { Daemon, freePort, run } from "./process.ts";

/** A running slapd. */
export interface LdapServer extends AsyncDisposable {
  readonly port: number;
  /** Port of `ldaps:`, where it has a certificate. */
  readonly tlsPort: number;
  /** Name and password of its administrator. */
  readonly admin: readonly [dn: string, password: string];
}

const SUFFIX = "dc=corp,dc=test";
const ADMIN = [`cn=admin,${SUFFIX}`, "secret"] as const;
const ENTRIES = `dn: ${SUFFIX}
objectClass: dcObject
objectClass: organization
dc: corp
o: Corp

dn: cn=alice,${SUFFIX}
objectClass: person
cn: alice
sn: Liddell
`;

/** Starts a server whose folder has nothing but its configuration, its certificate and alice. */
export async function startSlapd(certificate?: Certificate): Promise<LdapServer> {
  const folder = await Deno.makeTempDir({ prefix: "gssocks-slapd-" });
  const config = `${folder}/slapd.conf`;
  await Deno.mkdir(`${folder}/data`);
  await Deno.writeTextFile(`${folder}/entries.ldif`, ENTRIES);
  const files = { TLSCertificateFile: `${folder}/cert.pem`, TLSCertificateKeyFile: `${folder}/key.pem` };
  if (certificate !== undefined) {
    await Deno.writeTextFile(files.TLSCertificateFile, certificate.cert);
    await Deno.writeTextFile(files.TLSCertificateKeyFile, certificate.key);
  }
  const tls = certificate === undefined ? [] : Object.entries(files).map((words) => words.join(" "));
  await Deno.writeTextFile(
    config,
    `include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile ${folder}/pid
${tls.join("\n")}
database mdb
suffix "${SUFFIX}"
rootdn "${ADMIN[0]}"
rootpw ${ADMIN[1]}
directory ${folder}/data
`,
  );
  const { code, stderr } = await run(peer("slapadd"), ["-f", config, "-l", `${folder}/entries.ldif`]);
  if (code !== 0) throw new Error(stderr);
  const [port, tlsPort] = [freePort(), freePort()];
  const urls = [`ldap://127.0.0.1:${port}/`, ...certificate === undefined ? [] : [`ldaps://127.0.0.1:${tlsPort}/`]];
  // With a level of debugging it stays in the foreground.
  const daemon = new Daemon(peer("slapd"), ["-f", config, "-h", urls.join(" "), "-d", "256"]);
  await daemon.waitFor(/slapd starting/);
  return {
    port,
    tlsPort,
    admin: ADMIN,
    async [Symbol.asyncDispose](): Promise<void> {
      await daemon[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}
