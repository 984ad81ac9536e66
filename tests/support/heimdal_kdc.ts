/**
 * A real Heimdal KDC with its own database in a temporary folder.
 *
 * @module
 */
import type { KerberosConfig } from "../../kerberos/config/krb5_conf.ts";
import { parseKrb5Conf } from "../../kerberos/config/parse.ts";
import { Daemon, freePort, run, waitForPort } from "./process.ts";
import { heimdal } from "./peers.ts";

/** A running Heimdal KDC. */
export interface HeimdalKdc extends AsyncDisposable {
  readonly directory: string;
  readonly port: number;
  /** Environment of Heimdal's programs. */
  readonly env: Record<string, string>;
  readonly config: KerberosConfig;
  readonly krb5Conf: string;
}

const ENCTYPES = [
  "aes256-cts-hmac-sha1-96",
  "aes128-cts-hmac-sha1-96",
  "aes256-cts-hmac-sha384-192",
  "aes128-cts-hmac-sha256-128",
] as const;

/** krb5.conf for Heimdal's programs: its KDC and its clients read the same file. */
export function heimdalConf(realm: string, port: number, more = "", enctypes: readonly string[] = ENCTYPES): string {
  return `[libdefaults]
  default_realm = ${realm}
  dns_lookup_kdc = false
  dns_lookup_realm = false
  dns_canonicalize_hostname = false
  rdns = false
  forwardable = true
  default_etypes = ${enctypes.join(" ")}
[realms]
  ${realm} = {
    kdc = 127.0.0.1:${port}
  }
[domain_realm]
  localhost = ${realm}
${more}`;
}

/** Returns the commands of kadmin that make a database. */
function population(realm: string, keytab: string): string {
  const ones = ENCTYPES.flatMap((kept, i) => [
    `add --use-defaults --random-key one${i}/localhost`,
    ...ENCTYPES.filter((name) => name !== kept).map((name) => `del_enctype one${i}/localhost ${name}`),
  ]);
  return [
    `init --realm-max-ticket-life=1day --realm-max-renewable-life=7days ${realm}`,
    "add --use-defaults --password=harrypw harry",
    "add --use-defaults --password=sallypw --attributes=requires-pre-auth sally",
    "add --use-defaults --password=gonepw --attributes=disallow-all-tix gone",
    "add --use-defaults --random-key rcmd/localhost",
    ...ones,
    `ext_keytab -k ${keytab} rcmd/localhost ${ENCTYPES.map((_, i) => `one${i}/localhost`).join(" ")}`,
    `ext_keytab -k ${keytab}.harry harry`,
    "",
  ].join("\n");
}

/**
 * Starts the KDC of a realm; harry (password `harrypw`) needs no pre-authentication, sally does. The keytab `kt` in its folder
 * has `rcmd/localhost`, and `one0/localhost` to `one3/localhost` with one enctype each; `kt.harry` has harry's keys.
 */
export async function startHeimdalKdc(realm = "HEIMDAL.TEST"): Promise<HeimdalKdc> {
  const directory = await Deno.makeTempDir({ prefix: "gssocks-heimdal-" });
  const port = freePort();
  const krb5Conf = heimdalConf(
    realm,
    port,
    `[kdc]
  database = {
    dbname = ${directory}/heimdal
    realm = ${realm}
    mkey_file = ${directory}/m-key
    acl_file = ${directory}/acl
    log_file = ${directory}/log
  }
  addresses = 127.0.0.1
  ports = ${port}/udp ${port}/tcp
  require-preauth = false
  enable-http = false
[kadmin]
  default_keys = ${ENCTYPES.map((name) => `${name}:pw-salt`).join(" ")}
[logging]
  default = 0-/FILE:${directory}/heimdal.log
`,
  );
  await Deno.writeTextFile(`${directory}/krb5.conf`, krb5Conf);
  const env = {
    KRB5_CONFIG: `${directory}/krb5.conf`,
    KRB5CCNAME: `FILE:${directory}/cc`,
    KRB5_KTNAME: `FILE:${directory}/kt`,
    LC_ALL: "C",
    TZ: "UTC",
  };
  const stash = await run(heimdal("kstash"), ["--random-key", `--key-file=${directory}/m-key`], { env });
  if (stash.code !== 0) throw new Error(`kstash failed: ${stash.stderr}`);
  const stdin = population(realm, `${directory}/kt`);
  const made = await run(heimdal("kadmin"), ["-l", "-r", realm], { env, stdin });
  if (made.code !== 0 || made.stderr !== "") throw new Error(`kadmin failed: ${made.stderr}`);
  const daemon = new Daemon(heimdal("kdc"), [`--config-file=${directory}/krb5.conf`], { env });
  await waitForPort(port);
  return {
    directory,
    port,
    env,
    krb5Conf,
    config: parseKrb5Conf({ name: "krb5.conf", text: krb5Conf }),
    async [Symbol.asyncDispose](): Promise<void> {
      await daemon[Symbol.asyncDispose]();
      await Deno.remove(directory, { recursive: true });
    },
  };
}
