/** The programs on a machine without any IPv4, not even 127.0.0.1. */
import assert from "node:assert/strict";
import { peerTest } from "../support/peers.ts";
import { Daemon, run } from "../support/process.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const GSSOCKS = [Deno.execPath(), "run", "-q", "-A", "--no-check", "-c", `${ROOT}deno.json`, `${ROOT}cli/mod.ts`];
const OWN_NETWORK = [
  "ip link set lo up",
  "ip addr del 127.0.0.1/8 dev lo",
  'mount --bind "$0" /etc/hosts',
  'exec "$@"',
].join(" && ");

peerTest(
  "IPv6 only: demo, KDC, kinit, server and bridge work where ::1 is the only address",
  ["curl"],
  async () => {
    const directory = await Deno.makeTempDir();
    try {
      const [hosts, conf, keytab] = ["hosts", "krb5.conf", "keytab"].map((name) => `${directory}/${name}`);
      await Deno.writeTextFile(hosts!, "::1 localhost\n");
      const own = ["-n", "-m", "sh", "-c", OWN_NETWORK, hosts!];
      if ((await run("unshare", [...own, "true"]).catch(() => ({ code: 1 }))).code !== 0) {
        // deno-lint-ignore no-console
        return console.log("skipped: no network and hosts file of its own to be had here (unshare -n -m)");
      }
      const demo = await run("unshare", [...own, ...GSSOCKS, "demo"]);
      assert.equal(demo.code, 0, demo.stderr);
      assert.match(demo.stdout, /all on ::1\n[^]*Done: every page came whole/);

      const names = ["--user", "alice", "-s", "rcmd/localhost", "-k", keytab!, "--krb5-conf", conf!];
      await using kdc = new Daemon("unshare", [...own, ...GSSOCKS, "kdc", ...names]);
      const password = (await kdc.waitFor(/Password of alice: (\S+)/))[1]!;
      await kdc.waitFor(/listens on \[::1\]:/);
      const environment = ["env", `KRB5_CONFIG=${conf}`, `KRB5CCNAME=FILE:${directory}/cc`];
      const there = (...program: string[]) => ["-t", String(kdc.pid), "-n", "-m", ...environment, ...program];
      const kinit = await run("nsenter", there(...GSSOCKS, "kinit", "alice"), { stdin: `${password}\n` });
      assert.equal(kinit.code, 0, kinit.stderr);
      const ports = ["--admin", "localhost:0", "--health", "localhost:0"];
      const serving = ["serve", "-l", "localhost:0", "-k", keytab!, "--allow", "localhost", ...ports];
      await using server = new Daemon("nsenter", there(...GSSOCKS, ...serving));
      const [, admin] = await server.waitFor(/Admin port on http:\/\/\[::1\]:(\d+)\//);
      const [, health] = await server.waitFor(/Health port on http:\/\/\[::1\]:(\d+)\//);
      const [, proxy] = await server.waitFor(/Listening on \[::1\]:(\d+)/);
      await using bridge = new Daemon(
        "nsenter",
        there(...GSSOCKS, "bridge", "-l", "localhost:0", "--proxy", `localhost:${proxy}`),
      );
      const [, local] = await bridge.waitFor(/\[::1\]:(\d+)/);
      const page = async (url: string, ...options: string[]) =>
        (await run("nsenter", there("curl", "-gsS", "-m", "20", ...options, url))).stdout;
      assert.match(await page(`http://localhost:${admin}/healthz`), /"status":"ok"/);
      assert.match(await page(`http://localhost:${health}/`), /ok/);
      const through = ["--socks5-hostname", `localhost:${local}`];
      assert.match(await page(`http://localhost:${health}/`, ...through), /ok/);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
);
