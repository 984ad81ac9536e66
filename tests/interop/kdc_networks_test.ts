/** KDC names in a network without IPv4 on loopback, and with an IPv4 route that leads nowhere. */
import assert from "node:assert/strict";
import { peerTest } from "../support/peers.ts";
import { Daemon, freePort, run } from "../support/process.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const GSSOCKS = [Deno.execPath(), "run", "-q", "-A", "--no-check", "-c", `${ROOT}deno.json`, `${ROOT}cli/mod.ts`];
const HOSTS = "::1 localhost\n::1 six.test\n10.9.9.9 dual.test\n::1 dual.test\n";
const OWN_NETWORK = [
  "ip link set lo up",
  "ip addr del 127.0.0.1/8 dev lo",
  "ip link add hole type veth peer name end",
  "ip addr add 10.9.9.1/24 dev hole",
  "ip link set hole up",
  "ip link set end up",
  "ip neigh add 10.9.9.9 lladdr 02:00:00:00:00:01 dev hole",
  'mount --bind "$0" /etc/hosts',
  'exec "$@"',
].join(" && ");

peerTest("KDC addresses: IPv6 names, localhost without IPv4 and a dead IPv4 all work", [], async () => {
  const directory = await Deno.makeTempDir();
  try {
    const [hosts, conf] = [`${directory}/hosts`, `${directory}/krb5.conf`];
    await Deno.writeTextFile(hosts, HOSTS);
    const own = ["-n", "-m", "sh", "-c", OWN_NETWORK, hosts];
    if ((await run("unshare", [...own, "true"]).catch(() => ({ code: 1 }))).code !== 0) {
      // deno-lint-ignore no-console
      return console.log("skipped: no network and hosts file of its own to be had here (unshare -n -m)");
    }
    const port = freePort();
    await using kdc = new Daemon("unshare", [...own, ...GSSOCKS, "kdc", "-l", `[::]:${port}`, "--user", "alice"]);
    const password = (await kdc.waitFor(/Password of alice: (\S+)/))[1]!;
    await kdc.waitFor(/listens on/);
    const text = (await kdc.waitFor(/\[libdefaults\][\s\S]*localhost = \S+/))[0];
    assert.match(text, new RegExp(`kdc = 10\\.9\\.9\\.1:${port}\\n +kdc = \\[::1\\]:${port}\\n`));
    for (const host of ["six.test", "localhost", "dual.test"]) {
      for (const protocol of ["tcp", "udp"]) {
        await Deno.writeTextFile(conf, text.replace(/(?: +kdc = \S+\n)+/, `  kdc = ${protocol}/${host}:${port}\n`));
        const kinit = [...GSSOCKS, "kinit", "-c", `${directory}/cc`, "alice"];
        // In the KDC's network, with its hosts file.
        const args = ["-t", String(kdc.pid), "-n", "-m", "env", `KRB5_CONFIG=${conf}`, ...kinit];
        const started = performance.now();
        const { code, stderr } = await run("nsenter", args, { stdin: `${password}\n` });
        assert.equal(code, 0, `${protocol}/${host}: ${stderr}`);
        assert.ok(performance.now() - started < 4_000, `${protocol}/${host}`);
      }
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
