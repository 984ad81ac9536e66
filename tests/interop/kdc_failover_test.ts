/**
 * The first KDC is gone, frozen, or behind a network that loses all packets; MIT's client runs at the same time
 * for comparison.
 */
import assert from "node:assert/strict";
import { peerTest } from "../support/peers.ts";
import type { Failover } from "../support/kdc_failover.ts";
import { run } from "../support/process.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const MIT = ["krb5kdc", "kdb5_util", "kadmin.local", "kinit", "kvno"];
/** In the test's network, packets to this address are lost. */
const BLACK_HOLE = "10.9.9.9";
const OWN_NETWORK = [
  "ip link set lo up",
  "ip link add hole type veth peer name end",
  "ip addr add 10.9.9.1/24 dev hole",
  "ip link set hole up",
  "ip link set end up",
  `ip neigh add ${BLACK_HOLE} lladdr 02:00:00:00:00:01 dev hole`,
  'exec "$0" "$@"',
].join(" && ");
/** Goals in milliseconds. A busy machine may take longer: the test asserts the order of magnitude. */
const GOALS: Record<string, number> = { well: 100, "process gone": 100, "host gone": 1_500, frozen: 1_500 };

peerTest("KDC failover: a first KDC that is gone costs little time, and only once", MIT, async () => {
  const script = [Deno.execPath(), "run", "-q", "-A", "--no-check", "-c", `${ROOT}deno.json`];
  const program = [...script, `${ROOT}tests/support/kdc_failover.ts`];
  const probe = ["-n", "sh", "-c", OWN_NETWORK];
  const own = (await run("unshare", [...probe, "true"]).catch(() => ({ code: 1 }))).code === 0;
  // deno-lint-ignore no-console
  if (!own) console.log("no network of its own to be had here (unshare -n): the host that is gone is left out");
  const { code, stdout, stderr } = own
    ? await run("unshare", [...probe, ...program, BLACK_HOLE], { timeout: 120_000 })
    : await run(program[0]!, program.slice(1), { timeout: 120_000 });
  assert.equal(code, 0, stderr);
  const measured: Failover[] = JSON.parse(stdout);
  assert.equal(measured.length, own ? 4 : 3);
  for (const { state, alone, together, mit } of measured) {
    const shown = Object.entries({ alone, together, mit }).map(([who, { initial, first, second }]) =>
      `${who} ${initial} + ${first} + ${second} ms`
    );
    // deno-lint-ignore no-console
    console.log(`first KDC ${state}: ${shown.join(", ")}`);
    const goal = GOALS[state]!;
    for (const time of Object.values(alone)) assert.ok(time < 2 * goal + 1_000, `${state}: ${time} ms`);
    // The KDC that is known to answer is asked first.
    for (const time of [together.first, together.second]) assert.ok(time < 1_000, `${state}: ${time} ms`);
  }
});
