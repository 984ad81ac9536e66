/** Routes of a real system that forbid, drop or lead nowhere, and IPv4 through NAT64 on a machine without IPv4. */
import assert from "node:assert/strict";
import { peer, peerTest } from "../support/peers.ts";
import { run } from "../support/process.ts";

const ROUTES = `set -e
ip link set lo up
ip route add prohibit 10.9.1.0/24
ip route add blackhole 10.9.2.0/24
ip route add unreachable 10.9.3.0/24
ip -6 route add prohibit fd00:1::/64
ip -6 route add blackhole fd00:2::/64
ip -6 route add unreachable fd00:3::/64
ip -6 addr add 2a0b:64::2d4f:1e/128 dev lo
exec "$@"`;

const REFUSED = {
  "10.9.1.1": "HOST_UNREACHABLE",
  "10.9.2.1": "GENERAL_FAILURE",
  "10.9.3.1": "HOST_UNREACHABLE",
  "45.79.0.30": "NETWORK_UNREACHABLE",
  "fd00:1::1": "HOST_UNREACHABLE",
  "fd00:2::1": "GENERAL_FAILURE",
  "fd00:3::1": "HOST_UNREACHABLE",
  "2001:4860::1": "NETWORK_UNREACHABLE",
  "127.0.0.1": "CONNECTION_REFUSED",
};

peerTest("routes: network errors are reported as such, and NAT64 serves IPv4", ["namespaces"], async () => {
  const child = new URL("../support/routes_program.ts", import.meta.url).pathname;
  const config = new URL("../../deno.json", import.meta.url).pathname;
  // Both ways in which datagram sockets are created.
  for (const unstable of [["--unstable-net"], []]) {
    const deno = [Deno.execPath(), "run", "-q", "--no-check", "-A", ...unstable, "-c", config, child];
    const args = ["-rn", "/bin/sh", "-c", ROUTES, "sh", ...deno, ...Object.keys(REFUSED)];
    const { stdout, stderr } = await run(peer("namespaces"), args);
    assert.ok(stdout.startsWith("{"), stderr);
    assert.deepEqual(JSON.parse(stdout), {
      refused: REFUSED,
      literal: 1,
      direct: 1,
      local: 1,
      denied: "NOT_ALLOWED",
      answer: "45.79.0.30:PORT",
      addresses: ["2a0b:64::2d4f:1e", "2a0b:64::2d4f:1e", "127.0.0.1"],
    });
  }
});
