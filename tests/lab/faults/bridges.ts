/**
 * Faults of bridges: the machine sleeps or moves, link, proxy or KDCs are gone, the ticket expires.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Daemon } from "../../support/process.ts";
import { peer } from "../../support/peers.ts";
import type { ClientJob } from "../client.ts";
import { type Fault, type FaultGroup, nothingWrong, pause, seconds } from "../fault.ts";
import { end } from "../network.ts";
import { countsOf, endsOf, type Lab } from "../setup.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;
const S1 = { proxy: "s1.lab.test:1080" };

/** Starts a bridge with alice's ticket on her machine. */
async function startBridge(lab: Lab, args: readonly string[] = [], cache = lab.cache("c1", "alice")): Promise<Daemon> {
  const program = ["run", "-q", "-A", "--unstable-net", "--no-check", "-c", `${ROOT}deno.json`, `${ROOT}cli/mod.ts`];
  const bridge = lab.host("c1").start(Deno.execPath(), [
    ...program,
    "bridge",
    "--proxy",
    S1.proxy,
    "-c",
    cache,
    ...args,
  ], {
    env: { KRB5_CONFIG: lab.file("krb5.conf") },
  });
  await bridge.waitFor(/Listening on/);
  return bridge;
}

const BRIDGE: Partial<ClientJob> = { proxy: "127.0.0.1:1080", bridge: true };

/** A fault of a bridge with 4 transfers under way. */
function bridgeFault(
  name: string,
  before: string,
  happens: (lab: Lab, bridge: Daemon) => Promise<unknown>,
  more: Partial<ClientJob> = {},
): Fault {
  return {
    name,
    before,
    async run(lab): Promise<string> {
      const bridge = await startBridge(lab);
      const client = lab.client("c1", "alice", {
        ...BRIDGE,
        transfers: 4,
        together: 4,
        up: 1e6,
        down: 6e6,
        rate: 1e6,
        ...more,
      });
      await lab.underWay("s1", 4);
      await happens(lab, bridge);
      const begun = performance.now();
      await lab.allOf(client);
      const took = performance.now() - begun;
      const ends = endsOf(client);
      assert.deepEqual(countsOf(ends), { whole: 4 });
      await end(bridge, "SIGTERM");
      return `4 of 4 whole, ${seconds(took)} after the end of the fault`;
    },
  };
}

const faults: readonly Fault[] = [
  bridgeFault("a bridge is suspended for 20 s (SIGSTOP)", "whole, 1 s after (120 s)", async (_, bridge) => {
    Deno.kill(bridge.pid, "SIGSTOP");
    await pause(20_000);
    Deno.kill(bridge.pid, "SIGCONT");
  }),
  ...[3, 20].map((time) =>
    bridgeFault(`the link of a bridge's machine is down for ${time} s`, "whole, 1.7 to 13.8 s after", async (lab) => {
      await lab.host("c1").cut();
      await pause(1_000 * time);
      await lab.host("c1").heal();
    })
  ),
  {
    name: "the bridge's proxy is killed, and back after 2 s",
    before: "old sessions end at once, new ones work at once",
    short: true,
    async run(lab): Promise<string> {
      const bridge = await startBridge(lab);
      const client = lab.client("c1", "alice", { ...BRIDGE, transfers: 4, together: 4, up: 1e6, down: 6e6, rate: 1e6 });
      await lab.underWay("s1", 4);
      await lab.stop("s1");
      const begun = performance.now();
      await lab.allOf(client);
      const took = performance.now() - begun;
      nothingWrong(endsOf(client));
      const { stdout } = await lab.host("c1").run(peer("curl"), [
        ...["-s", "-o", "/dev/null", "-p", "-x", "http://127.0.0.1:1080", "-m", "5", "-w", "%{http_connect}"],
        "http://origin.lab.test:7000/",
      ]);
      assert.equal(stdout, "502");
      await lab.startServer("s1");
      const ends = await lab.clients("c1", "alice", { ...BRIDGE, transfers: 3 });
      assert.deepEqual(countsOf(ends), { whole: 3 });
      await end(bridge, "SIGTERM");
      assert.ok(took < 5_000);
      return `old sessions end after ${seconds(took)}, 502 meanwhile, new ones work at once`;
    },
  },
  {
    name: "the KDCs are gone, for a bridge with and without a service ticket",
    before: "well / refused after 20.0 s",
    async run(lab): Promise<string> {
      await lab.kinit("c1", "alice");
      const bridge = await startBridge(lab);
      const known = await lab.clients("c1", "alice", { ...BRIDGE, transfers: 1 });
      for (const kdc of ["k1", "k2"]) await lab.host(kdc).cut();
      const withTicket = await lab.clients("c1", "alice", { ...BRIDGE, transfers: 3 });
      await end(bridge, "SIGTERM");
      for (const kdc of ["k1", "k2"]) await lab.host(kdc).heal();
      await lab.kinit("c1", "alice");
      const fresh = await startBridge(lab);
      for (const kdc of ["k1", "k2"]) await lab.host(kdc).cut();
      const [without] = await lab.clients("c1", "alice", { ...BRIDGE, transfers: 1, timeout: 90_000, limit: 90_000 });
      for (const kdc of ["k1", "k2"]) await lab.host(kdc).heal();
      const [back] = await lab.clients("c1", "alice", { ...BRIDGE, transfers: 1 });
      await end(fresh, "SIGTERM");
      assert.deepEqual([known[0]!.end, countsOf(withTicket), back!.end], ["whole", { whole: 3 }, "whole"]);
      assert.notEqual(without!.end, "whole");
      return `with: 3 of 3 whole; without: refused after ${seconds(without!.took)}; well at once when they are back`;
    },
  },
  {
    name: "a bridge's ticket of 150 s expires under a transfer of 166 s",
    before: "whole; new ones refused from 90 s on",
    limit: 400,
    async run(lab): Promise<string> {
      await lab.kinit("c1", "short");
      const bridge = await startBridge(lab, [], lab.cache("c1", "short"));
      const client = lab.client("c1", "alice", { ...BRIDGE, up: 1_000, down: 16.6e6, rate: 1e5, limit: 300_000 });
      await lab.underWay("s1", 1);
      let refusedAfter = 0;
      const begun = performance.now();
      while (performance.now() - begun < 160_000) {
        const [one] = await lab.clients("c1", "alice", { ...BRIDGE });
        if (one!.end !== "whole") {
          refusedAfter ||= performance.now() - begun;
          break;
        }
        await pause(5_000);
      }
      await lab.kinit("c1", "short");
      const [again] = await lab.clients("c1", "alice", { ...BRIDGE });
      await lab.allOf(client);
      assert.deepEqual([countsOf(endsOf(client)), again!.end], [{ whole: 1 }, "whole"]);
      await end(bridge, "SIGTERM");
      return `whole; new ones refused ${
        refusedAfter === 0 ? "never" : `from ${seconds(refusedAfter)} on`
      }, well after kinit`;
    },
  },
  {
    name: "a bridge's machine changes its address under 4 transfers (keep-alive and tcp_retries2 as above)",
    before: "stuck for longer than 75 s, and their sessions for 118 min",
    limit: 600,
    async run(lab): Promise<string> {
      const bridge = await startBridge(lab);
      const client = lab.client("c1", "alice", {
        ...BRIDGE,
        transfers: 4,
        together: 4,
        up: 1e6,
        down: 600e6,
        rate: 1e6,
        limit: 1_100_000,
      });
      await lab.underWay("s1", 4);
      await lab.host("c1").move(63);
      const [now] = await lab.clients("c1", "alice", { ...BRIDGE });
      const took = await lab.empty("s1", 1_200);
      await end(client);
      await lab.host("c1").move(61);
      await end(bridge, "SIGTERM");
      assert.equal(now!.end, "whole");
      return `new sessions work at once; the old ones end after ${seconds(took)} (${lab.reasons("s1")})`;
    },
  },
];

/** The faults of bridges. */
export const BRIDGES: FaultGroup = { name: "bridges", lab: {}, faults };
