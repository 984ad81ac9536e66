/**
 * A real MIT KDC with its own database in a temporary folder.
 *
 * @module
 */
import type { KerberosConfig } from "../../kerberos/config/krb5_conf.ts";
import { parseKrb5Conf } from "../../kerberos/config/parse.ts";
import { Daemon, freePort, run, waitForPort } from "./process.ts";
import { peer } from "./peers.ts";

/** A running MIT KDC. */
export interface MitKdc extends AsyncDisposable {
  readonly directory: string;
  readonly port: number;
  readonly env: Record<string, string>;
  readonly config: KerberosConfig;
  readonly krb5Conf: string;
  /** Runs commands of `kadmin.local`. */
  kadmin(...commands: readonly string[]): Promise<string>;
  /** Exports keys to a keytab without changing them. */
  ktadd(file: string, ...principals: readonly string[]): Promise<string>;
}

const ENCTYPES = [
  "aes256-cts-hmac-sha1-96",
  "aes128-cts-hmac-sha1-96",
  "aes256-cts-hmac-sha384-192",
  "aes128-cts-hmac-sha256-128",
];

/** Starts the KDC of a realm; alice (password `alicepw`) needs no pre-authentication, carol does. */
export async function startMitKdc(realm = "MIT.TEST", udpLimit = 0): Promise<MitKdc> {
  const directory = await Deno.makeTempDir({ prefix: "gssocks-mit-" });
  const port = freePort();
  const krb5Conf = `[libdefaults]
  default_realm = ${realm}
  dns_lookup_kdc = false
  dns_lookup_realm = false
  dns_canonicalize_hostname = false
  rdns = false
  forwardable = true
  udp_preference_limit = ${udpLimit}
  permitted_enctypes = ${ENCTYPES.join(" ")}
[realms]
  ${realm} = {
    kdc = 127.0.0.1:${port}
  }
[domain_realm]
  localhost = ${realm}
`;
  await Deno.writeTextFile(`${directory}/krb5.conf`, krb5Conf);
  await Deno.writeTextFile(
    `${directory}/kdc.conf`,
    `[kdcdefaults]
  kdc_listen = 127.0.0.1:${port}
  kdc_tcp_listen = 127.0.0.1:${port}
[realms]
  ${realm} = {
    database_name = ${directory}/principal
    key_stash_file = ${directory}/stash
    acl_file = ${directory}/acl
    kdc_listen = 127.0.0.1:${port}
    kdc_tcp_listen = 127.0.0.1:${port}
    supported_enctypes = ${ENCTYPES.map((name) => `${name}:normal`).join(" ")}
    max_life = 24h
    max_renewable_life = 7d
  }
[logging]
  kdc = FILE:${directory}/kdc.log
`,
  );
  const env = {
    KRB5_CONFIG: `${directory}/krb5.conf`,
    KRB5_KDC_PROFILE: `${directory}/kdc.conf`,
    KRB5CCNAME: `FILE:${directory}/cc`,
    KRB5RCACHENAME: "none:",
    LC_ALL: "C",
    TZ: "UTC",
  };
  const created = await run(peer("kdb5_util"), ["-r", realm, "create", "-s", "-P", "masterpw"], { env });
  if (created.code !== 0) throw new Error(`kdb5_util failed: ${created.stderr}`);
  const kadmin = async (...commands: readonly string[]) => {
    const { stdout, stderr } = await run(peer("kadmin.local"), ["-r", realm], {
      env,
      stdin: `${commands.join("\n")}\n`,
    });
    return stdout + stderr;
  };
  await kadmin(
    "addprinc -pw alicepw alice",
    "addprinc -pw carolpw +requires_preauth carol",
    "addprinc -pw lockedpw +requires_preauth -allow_tix locked",
    "addprinc -randkey rcmd/localhost",
    "addprinc -randkey socks/localhost",
    "addprinc -randkey host/localhost",
    ...ENCTYPES.flatMap((name, i) => [
      `addprinc -e ${name}:normal -randkey one${i}/localhost`,
      `setstr one${i}/localhost session_enctypes ${name}`,
    ]),
  );
  const daemon = new Daemon(peer("krb5kdc"), ["-n", "-r", realm], { env });
  await waitForPort(port);
  return {
    directory,
    port,
    env,
    krb5Conf,
    config: parseKrb5Conf({ name: "krb5.conf", text: krb5Conf }),
    kadmin,
    ktadd: (file, ...principals) => kadmin(`ktadd -k ${file} -norandkey ${principals.join(" ")}`),
    async [Symbol.asyncDispose](): Promise<void> {
      await daemon[Symbol.asyncDispose]();
      await Deno.remove(directory, { recursive: true });
    },
  };
}
