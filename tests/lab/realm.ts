/**
 * The realm of the lab: the databases of two MIT KDCs, and their principals.
 *
 * @module
 */
import { peer } from "../support/peers.ts";
import { run } from "../support/process.ts";
import { DOMAIN } from "./network.ts";

/** Name of the realm. */
export const REALM = "LAB.TEST";
/** The proxy's name that clients use: the balancer. */
export const PROXY: string = `proxy.${DOMAIN}`;

/** The files of the realm, and operations on them. */
export class Realm {
  readonly #file: (name: string) => string;

  /**
   * Creates a realm without files.
   *
   * @param file Returns the path of a file of the lab.
   */
  constructor(file: (name: string) => string) {
    this.#file = file;
  }

  /** Creates the databases of both KDCs (the second is a copy), and the service's keytab. */
  async make(): Promise<void> {
    await Deno.writeTextFile(this.#file("krb5.conf"), this.krb5Conf(["10.77.0.31", "10.77.0.32"]));
    for (const name of ["k1", "k2"]) {
      await Deno.mkdir(this.#file(name));
      await Deno.writeTextFile(
        this.#file(`${name}/kdc.conf`),
        `[kdcdefaults]
  kdc_listen = 88
  kdc_tcp_listen = 88
[realms]
  ${REALM} = {
    database_name = ${this.#file(name)}/principal
    key_stash_file = ${this.#file(name)}/stash
    acl_file = ${this.#file(name)}/acl
    supported_enctypes = aes256-cts-hmac-sha1-96:normal aes128-cts-hmac-sha1-96:normal
    max_life = 24h
    max_renewable_life = 7d
  }
[logging]
  kdc = FILE:${this.#file(name)}/kdc.log
`,
      );
    }
    await this.#admin("k1", peer("kdb5_util"), ["-r", REALM, "create", "-s", "-P", "masterpw"]);
    await this.kadmin(
      "addprinc -pw alicepw +requires_preauth alice",
      "addprinc -pw bobpw +requires_preauth bob",
      'addprinc -pw shortpw -maxlife "150 seconds" short',
      `addprinc -randkey rcmd/${PROXY}`,
      ...["s1", "s2"].map((name) => `addprinc -randkey rcmd/${name}.${DOMAIN}`),
    );
    await this.ktadd("keytab");
    await this.#admin("k1", peer("kdb5_util"), ["-r", REALM, "dump", this.#file("dump")]);
    await this.#admin("k2", peer("kdb5_util"), ["-r", REALM, "load", this.#file("dump")]);
    await Deno.copyFile(this.#file("k1/stash"), this.#file("k2/stash"));
  }

  /** Writes a krb5.conf with these KDCs, in this order. */
  krb5Conf(kdcs: readonly string[], more = ""): string {
    return `[libdefaults]
  default_realm = ${REALM}
  dns_lookup_kdc = false
  dns_lookup_realm = false
  dns_canonicalize_hostname = false
  rdns = false
  forwardable = true
  udp_preference_limit = 1
[realms]
  ${REALM} = {
${kdcs.map((kdc) => `    kdc = ${kdc}\n`).join("")}${more}  }
[domain_realm]
  .${DOMAIN} = ${REALM}
`;
  }

  async #admin(kdc: string, command: string, args: readonly string[], stdin?: string): Promise<string> {
    const env = { KRB5_CONFIG: this.#file("krb5.conf"), KRB5_KDC_PROFILE: this.#file(`${kdc}/kdc.conf`), LC_ALL: "C" };
    const { code, stdout, stderr } = await run(command, args, { env, ...(stdin === undefined ? {} : { stdin }) });
    if (code !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
    return stdout + stderr;
  }

  /** Runs commands of `kadmin.local` on the first KDC's database. */
  async kadmin(...commands: readonly string[]): Promise<string> {
    return await this.#admin("k1", peer("kadmin.local"), ["-r", REALM], `${commands.join("\n")}\n`);
  }

  /** Writes the service's current keys into a new keytab. */
  async ktadd(name: string): Promise<void> {
    const file = this.#file(name);
    await Deno.remove(`${file}.new`).catch(() => {});
    const services = [PROXY, `s1.${DOMAIN}`, `s2.${DOMAIN}`].map((host) => `rcmd/${host}`).join(" ");
    await this.kadmin(`ktadd -k ${file}.new -norandkey ${services}`);
    await Deno.rename(`${file}.new`, file);
  }
}
