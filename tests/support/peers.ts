/**
 * The real peers of interop tests, and tests that need them: skipped with a printed reason where they are missing, or
 * failed where `GSSOCKS_REQUIRE_PEERS` is set.
 *
 * @module
 */

const ROOT = Deno.env.get("GSSOCKS_PEERS") ?? `${Deno.env.get("HOME") ?? "/root"}/.cache/gssocks-peers`;

/** Returns the first candidate that is installed, or `undefined`. */
function find(...candidates: readonly string[]): string | undefined {
  return candidates.find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

function namespaces(): string | undefined {
  const unshare = find("/usr/bin/unshare");
  if (unshare === undefined || find("/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip") === undefined) return undefined;
  const made = new Deno.Command(unshare, { args: ["-rn", "true"], stdout: "null", stderr: "null" }).outputSync();
  return made.success ? unshare : undefined;
}

/** Whether root may mount a folder in the place of another one, for one program alone. */
function mounts(): boolean {
  if (Deno.uid() !== 0 || find("/usr/bin/unshare") === undefined) return false;
  const args = ["-m", "mount", "--bind", "/tmp", "/mnt"];
  return new Deno.Command("unshare", { args, stdout: "null", stderr: "null" }).outputSync().success;
}

/** Whether root may create network namespaces and filter packets between them. */
function networks(): boolean {
  if (Deno.uid() !== 0 || find("/usr/sbin/nft") === undefined || find("/usr/bin/unshare") === undefined) return false;
  const listed = new Deno.Command("unshare", { args: ["-n", "nft", "list", "tables"], stdout: "null", stderr: "null" });
  return listed.outputSync().success;
}

const PROGRAMS: Record<string, string | undefined> = {
  /** Dante's server and sshd change their user, which needs root. */
  "root's rights": Deno.uid() === 0 ? "/" : undefined,
  /** Unprivileged network namespaces: not all systems allow them. */
  get namespaces(): string | undefined {
    return namespaces();
  },
  kinit: find("/usr/bin/kinit"),
  klist: find("/usr/bin/klist"),
  kvno: find("/usr/bin/kvno"),
  kdestroy: find("/usr/bin/kdestroy"),
  kswitch: find("/usr/bin/kswitch"),
  ktutil: find("/usr/bin/ktutil"),
  kcm: find(`${ROOT}/heimdal/bin/kcm`, "/usr/sbin/kcm"),
  sssd: find("/usr/sbin/sssd"),
  sssd_kcm: find("/usr/libexec/sssd/sssd_kcm"),
  krb5kdc: find("/usr/sbin/krb5kdc"),
  kdb5_util: find("/usr/sbin/kdb5_util"),
  "kadmin.local": find("/usr/sbin/kadmin.local"),
  gss_peer: find(`${ROOT}/gss_peer`),
  profile_dump: find(`${ROOT}/profile_dump`),
  sockd: find(`${ROOT}/dante/sbin/sockd`),
  "libdsocks.so": find(`${ROOT}/dante/lib/libdsocks.so`),
  "curl-gssapi": find(`${ROOT}/curl/curl`),
  curl: find("/usr/bin/curl"),
  git: find("/usr/bin/git"),
  npm: find("/usr/bin/npm"),
  node: find("/usr/bin/node"),
  wget: find("/usr/bin/wget"),
  "apt-get": find("/usr/bin/apt-get"),
  nc: find("/bin/nc.openbsd", "/usr/bin/nc.openbsd"),
  ssh: find("/usr/bin/ssh"),
  sshd: find("/usr/sbin/sshd"),
  "ssh-keygen": find("/usr/bin/ssh-keygen"),
  chromium: find("/usr/bin/chromium"),
  listen_once: find(`${ROOT}/listen_once`),
  load: find(`${ROOT}/load`),
  ends: find(`${ROOT}/ends`),
  "heimdal ends": find(`${ROOT}/heimdal/bin/ends`),
  /** Folder that has the package, built. */
  "npm:kerberos": find(`${ROOT}/npm/node_modules/kerberos/build/Release/kerberos.node`) && `${ROOT}/npm`,
  openconnect: find("/usr/sbin/openconnect"),
  /** Folder of the packages that build the site. */
  vitepress: find(`${ROOT}/site/node_modules/vitepress/package.json`) && `${ROOT}/site/node_modules`,
  "node 22": find(`${ROOT}/runtimes/node22/node_modules/node/bin/node`),
  "node 24": find(`${ROOT}/runtimes/node24/node_modules/node/bin/node`),
  bun: find(`${ROOT}/runtimes/tools/node_modules/bun/bin/bun.exe`),
  workerd: find(`${ROOT}/runtimes/tools/node_modules/workerd/bin/workerd`),
  /** Folder of the packages of runtimes, and of vitest and TypeScript. */
  "runtimes": find(`${ROOT}/runtimes/tools/node_modules/deno/package.json`) && `${ROOT}/runtimes/tools`,
  microsocks: find("/usr/bin/microsocks"),
  v2ray: find("/usr/bin/v2ray"),
  openssl: find("/usr/bin/openssl"),
  "tor-resolve": find("/usr/bin/tor-resolve"),
  dnsmasq: find("/usr/sbin/dnsmasq"),
  script: find("/usr/bin/script"),
  "redis-server": find("/usr/bin/redis-server"),
  "redis-cli": find("/usr/bin/redis-cli"),
  "redis-sentinel": find("/usr/bin/redis-sentinel"),
  psql: find("/usr/lib/postgresql/15/bin/psql"),
  postgres: find("/usr/lib/postgresql/15/bin/postgres"),
  initdb: find("/usr/lib/postgresql/15/bin/initdb"),
  promtool: find(`${ROOT}/prometheus/usr/bin/promtool`, "/usr/bin/promtool"),
  mandoc: find(`${ROOT}/mandoc/usr/bin/mandoc`, "/usr/bin/mandoc"),
  man: find("/usr/bin/man"),
  "systemd-analyze": find("/usr/bin/systemd-analyze"),
  slapd: find("/usr/sbin/slapd"),
  slapadd: find("/usr/sbin/slapadd"),
  haproxy: find("/usr/sbin/haproxy"),
  nft: find("/usr/sbin/nft"),
  python3: find("/usr/bin/python3"),
  get "networks of hosts"(): string | undefined {
    return networks() ? "/" : undefined;
  },
  get mounts(): string | undefined {
    return mounts() ? "/" : undefined;
  },
  java: find("/usr/bin/java"),
  bash: find("/bin/bash", "/usr/bin/bash"),
  zsh: find("/usr/bin/zsh", "/bin/zsh"),
  fish: find("/usr/bin/fish"),
  "GssPeer.class": find(`${ROOT}/java/GssPeer.class`),
  heimdal: find(`${ROOT}/heimdal/bin/gss_peer`),
  "fail2ban-regex": find("/usr/bin/fail2ban-regex"),
  samba: find("/usr/sbin/samba"),
  "samba-tool": find("/usr/bin/samba-tool"),
  /** Folder of a provisioned domain. */
  "samba domain": find(`${ROOT}/samba/rcmd.keytab`) && `${ROOT}/samba`,
};

/** Returns the path of a peer; throws when it is missing. */
export function peer(name: string): string {
  const path = PROGRAMS[name];
  if (path === undefined) throw new Error(`Peer ${name} is not installed: run tests/interop/peers/build.sh`);
  return path;
}

/** Returns the path of one of Heimdal's programs, whose names are MIT's too. */
export function heimdal(program: string): string {
  return peer("heimdal").replace(/[^/]*$/, program);
}

/** Whether a peer is installed: benchmarks leave missing ones out. */
export function hasPeer(name: string): boolean {
  return PROGRAMS[name] !== undefined;
}

/** Registers a test that needs peers. */
export function peerTest(name: string, peers: readonly string[], body: (t: Deno.TestContext) => Promise<void>): void {
  const missing = peers.filter((wanted) => PROGRAMS[wanted] === undefined);
  const required = Deno.env.get("GSSOCKS_REQUIRE_PEERS") !== undefined;
  if (missing.length > 0 && !required) {
    // deno-lint-ignore no-console
    console.log(`skipped: ${name} (not installed: ${missing.join(", ")}; see tests/interop/peers/build.sh)`);
  }
  Deno.test({ name, ignore: missing.length > 0 && !required, fn: body });
}
