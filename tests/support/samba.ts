/**
 * A real domain controller of Samba's Active Directory, for the domain AD.TEST (NetBIOS name ADTEST), on a loopback address of
 * its own. Its accounts are made by tests/interop/peers/samba_accounts.py.
 *
 * @module
 */
import type { KerberosConfig } from "../../kerberos/config/krb5_conf.ts";
import { parseKrb5Conf } from "../../kerberos/config/parse.ts";
import { peer } from "./peers.ts";
import { Daemon, run } from "./process.ts";

/** Peers that {@linkcode startSamba} needs. */
export const SAMBA_PEERS: readonly string[] = ["root's rights", "samba", "samba-tool", "samba domain"];

/** A running domain controller. */
export interface SambaDomain extends AsyncDisposable {
  readonly directory: string;
  /** Its address, which no other domain controller of the tests has. */
  readonly address: string;
  /** Port of the KDC, for UDP and TCP. */
  readonly port: number;
  /** Port where passwords are changed. */
  readonly kpasswdPort: number;
  /** Environment for MIT's programs, with a credential cache of its own. */
  readonly env: Record<string, string>;
  readonly config: KerberosConfig;
  readonly krb5Conf: string;
  /** Keytab of `rcmd/localhost` and `socks/localhost` (account `svc-rcmd`), AES keys. */
  readonly keytab: string;
  /** Runs `samba-tool`; returns what it printed. */
  tool(...args: readonly string[]): Promise<string>;
  /** Attributes of an account or a group as the directory shows them: the first value of each. */
  attributes(kind: "user" | "group", name: string): Promise<ReadonlyMap<string, string>>;
}

/** Starts a domain controller. Its database is a copy, so that a test may change it. LDAP has port 389 of its address. */
export async function startSamba(
  { services = "kdc" }: { readonly services?: "kdc" | "kdc ldap" } = {},
): Promise<SambaDomain> {
  const directory = await Deno.makeTempDir({ prefix: "gssocks-samba-" });
  const copied = await run("cp", ["-a", `${peer("samba domain")}/.`, directory]);
  if (copied.code !== 0) throw new Error(`Cannot copy the domain: ${copied.stderr}`);
  for (const folder of ["run", "ncalrpc", "cache", "lock", "winbindd", "ntp", "bind-dns"]) {
    await Deno.mkdir(`${directory}/${folder}`, { recursive: true });
  }
  const address = loopbackAddress();
  const [port, kpasswdPort] = [freePortOf(address), freePortOf(address)];
  const conf = `${directory}/smb.conf`;
  await Deno.writeTextFile(conf, smbConf({ directory, address, port, kpasswdPort, services }));
  const krb5Conf = krb5ConfOf(address, port, kpasswdPort);
  await Deno.writeTextFile(`${directory}/krb5.conf`, krb5Conf);
  const daemon = new Daemon(
    peer("samba"),
    ["-s", conf, "--foreground", "--no-process-group", "--model=single", "--debug-stdout"],
    { group: true },
  );
  await waitForAddress(address, port, daemon);
  const tool = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await run(peer("samba-tool"), [...args, "-s", conf]);
    if (code !== 0) throw new Error(`samba-tool ${args.join(" ")} failed: ${stdout}${stderr}`);
    return stdout;
  };
  return {
    directory,
    address,
    port,
    kpasswdPort,
    env: {
      KRB5_CONFIG: `${directory}/krb5.conf`,
      KRB5CCNAME: `FILE:${directory}/cc`,
      KRB5RCACHENAME: "none:",
      LC_ALL: "C",
      TZ: "UTC",
    },
    config: parseKrb5Conf({ name: "krb5.conf", text: krb5Conf }),
    krb5Conf,
    keytab: `${directory}/rcmd.keytab`,
    tool,
    attributes: async (kind, name) =>
      readAttributes(await tool(kind, "show", name, "-H", `${directory}/private/sam.ldb`)),
    async [Symbol.asyncDispose](): Promise<void> {
      await daemon[Symbol.asyncDispose]();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

/** Lines `name: value` of LDIF; the first of each name counts. */
function readAttributes(ldif: string): ReadonlyMap<string, string> {
  const lines = [...ldif.matchAll(/^(\w+): (.*)$/gm)].reverse();
  return new Map(lines.map(([, name, value]) => [name!, value!]));
}

/** An address of 127.0.0.0/8 that nothing else has, since some ports of a domain controller are fixed. */
function loopbackAddress(): string {
  const [a, b, c] = crypto.getRandomValues(new Uint8Array(3));
  return `127.${a! % 200 + 20}.${b}.${c! % 250 + 2}`;
}

function freePortOf(hostname: string): number {
  using listener = Deno.listen({ hostname, port: 0 });
  return listener.addr.port;
}

/** Waits until the KDC accepts connections. */
async function waitForAddress(hostname: string, port: number, daemon: Daemon): Promise<void> {
  const deadline = AbortSignal.timeout(30_000);
  for (;;) {
    try {
      return (await Deno.connect({ hostname, port })).close();
    } catch {
      if (deadline.aborted) throw new Error(`Samba did not come up:\n${daemon.output}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

interface Settings {
  readonly directory: string;
  readonly address: string;
  readonly port: number;
  readonly kpasswdPort: number;
  readonly services: string;
}

function smbConf({ directory, address, port, kpasswdPort, services }: Settings): string {
  return `[global]
    netbios name = DC1
    realm = AD.TEST
    workgroup = ADTEST
    server role = active directory domain controller
    server services = ${services}
    interfaces = ${address}/8
    bind interfaces only = yes
    krb5 port = ${port}
    kpasswd port = ${kpasswdPort}
    private dir = ${directory}/private
    state directory = ${directory}/state
    cache directory = ${directory}/cache
    lock directory = ${directory}/lock
    pid directory = ${directory}/run
    ncalrpc dir = ${directory}/ncalrpc
    winbindd socket directory = ${directory}/winbindd
    ntp signd socket directory = ${directory}/ntp
    binddns dir = ${directory}/bind-dns
    ldap server require strong auth = no
    tls enabled = no
    load printers = no
    printing = bsd
    disable spoolss = yes
    dns update command = /bin/true
    spn update command = /bin/true
    samba kcc command = /bin/true
    gpo update command = /bin/true
    kerberos encryption types = all
[sysvol]
    path = ${directory}/state/sysvol
[netlogon]
    path = ${directory}/state/sysvol/ad.test/scripts
`;
}

function krb5ConfOf(address: string, port: number, kpasswdPort: number): string {
  return `[libdefaults]
  default_realm = AD.TEST
  dns_lookup_kdc = false
  dns_lookup_realm = false
  dns_canonicalize_hostname = false
  rdns = false
  forwardable = true
[realms]
  AD.TEST = {
    kdc = ${address}:${port}
    kpasswd_server = ${address}:${kpasswdPort}
  }
[domain_realm]
  localhost = AD.TEST
  ad.test = AD.TEST
  .ad.test = AD.TEST
`;
}
