/**
 * Faults of networks: lost packets, resets, names without answers, password guesses.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Snapshot } from "../../../cli/snapshot/snapshot.ts";
import type { ClientJob, TransferEnd } from "../client.ts";
import { type Fault, type FaultGroup, nothingWrong, pause, seconds } from "../fault.ts";
import { type BadCable, DOMAIN, end } from "../network.ts";
import { GUESSES, SILENT } from "../programs.ts";
import { countsOf, endsOf } from "../setup.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;
const S1 = { proxy: "s1.lab.test:1080" };

/** Rules that drop random packets in both directions. */
const LOSS = (percent: number) => [
  `chain in { type filter hook input priority 0; iif lo accept; numgen random mod 100 < ${percent} drop; }`,
  `chain out { type filter hook output priority 0; oif lo accept; numgen random mod 100 < ${percent} drop; }`,
];

/** A fault of transfers over a bad cable: packet filters, or real effects of a cable. */
function cable(
  name: string,
  before: string,
  job: Partial<ClientJob>,
  bad: readonly string[] | BadCable,
  least: number,
): Fault {
  return {
    name,
    before,
    limit: 300,
    async run(lab): Promise<string> {
      let ends: readonly TransferEnd[];
      const spoilt = bad instanceof Array ? lab.host("c1").filter(...bad) : lab.spoil("c1", bad);
      const mended = await spoilt;
      try {
        ends = await lab.clients("c1", "alice", { ...S1, timeout: 60_000, limit: 90_000, ...job });
      } finally {
        if (mended) await mended[Symbol.asyncDispose]();
        await lab.host("c1").heal();
      }
      nothingWrong(ends);
      const whole = ends.filter(({ end }) => end === "whole").length;
      assert.ok(whole >= least, JSON.stringify(countsOf(ends)));
      const silent = ends.filter(({ end }) => end === "cut, reported as an end").length;
      assert.equal(silent, 0, "no cut is reported as an end");
      // Connections whose end the server has not noticed end with its keep-alive.
      const empty = await lab.empty("s1", 130);
      const slowest = seconds(Math.max(...ends.map(({ took }) => took)));
      const left = empty < 1_000 ? "" : `, the last session at the server gone ${seconds(empty)} after`;
      return `${whole} of ${ends.length} whole, ${ends.length - whole} failed loudly, the slowest ${slowest}${left}`;
    },
  };
}

const faults: readonly Fault[] = [
  cable(
    "a cable that loses 10 % of the packets each way",
    "8 of 8 whole",
    { transfers: 8, together: 2, up: 20_000, down: 100_000 },
    LOSS(10),
    8,
  ),
  cable(
    "a cable that loses 30 % of the packets each way",
    "5 of 6 whole",
    { transfers: 6, together: 6, up: 10_000, down: 10_000 },
    LOSS(30),
    4,
  ),
  cable(
    "one packet of 40 is answered by a reset",
    "74 of 150 whole, 76 failed loudly",
    { transfers: 150, together: 4, up: 30_000, down: 60_000, timeout: 5_000 },
    ["chain out { type filter hook output priority 0; oif lo accept; tcp dport 1080 numgen random mod 40 < 1 reject with tcp reset; }"],
    30,
  ),
  cable(
    "a cable of 120 +- 60 ms that reorders packets, loses 1 % and doubles 1 %",
    "12 of 12 whole",
    { transfers: 12, together: 6, up: 100_000, down: 200_000 },
    { delay: 120, jitter: 60, loss: 1, twice: 1 },
    12,
  ),
  cable(
    "a cable of 256 kbit/s",
    "3 of 3 whole",
    { transfers: 3, together: 3, up: 50_000, down: 150_000 },
    { delay: 20, rate: 256 },
    3,
  ),
  {
    name: "an MTU of 1280 at the client",
    before: "10 of 10 whole",
    async run(lab): Promise<string> {
      await lab.host("c1").run("ip", ["link", "set", "eth0", "mtu", "1280"]);
      const ends = await lab.clients("c1", "alice", { ...S1, transfers: 10, together: 2, up: 500_000, down: 500_000 });
      await lab.host("c1").run("ip", ["link", "set", "eth0", "mtu", "1500"]);
      assert.deepEqual(countsOf(ends), { whole: 10 });
      return "10 of 10 whole";
    },
  },
  {
    name:
      "no name server answers: 300 names of one user, and another user's transfers by address and by a name of the hosts file",
    before: "29 s of silence for all clients",
    short: true,
    async run(lab): Promise<string> {
      // A name server that accepts every query and does not answer.
      const silent = lab.host("dns").start("python3", ["-c", SILENT]);
      await silent.waitFor(/there/);
      const flood = lab.client("c1", "bob", {
        ...S1,
        target: `nobody.${DOMAIN}`,
        transfers: 300,
        together: 60,
        timeout: 30_000,
      });
      await lab.until("they are asked for", async () => await lab.sessions("s1") >= 50, 10);
      const addressed = await lab.clients("c2", "alice", {
        ...S1,
        transfers: 20,
        target: lab.host("o").address,
        down: 500_000,
      });
      const named = await lab.clients("c2", "alice", { ...S1, transfers: 20 });
      const waiting = await lab.sessions("s1");
      await end(flood);
      await end(silent, "SIGTERM");
      assert.ok(waiting >= 50, `${waiting} lookups were still pending`);
      assert.deepEqual([countsOf(addressed), countsOf(named)], [{ whole: 20 }, { whole: 20 }]);
      const slowest = (ends: readonly TransferEnd[]) => seconds(Math.max(...ends.map(({ took }) => took)));
      await lab.empty("s1", 10);
      return `the slowest by address ${slowest(addressed)}, by name ${
        slowest(named)
      }, with ${waiting} names waited for; the flood is forgotten with its client`;
    },
  },
  {
    name: "the name server is up for 0.7 s and down for 0.7 s, 3 clients ask 60 times",
    before: "52 of 60 whole, 8 HOST_UNREACHABLE",
    async run(lab): Promise<string> {
      const client = lab.client("c1", "alice", {
        ...S1,
        target: `by-dns.${DOMAIN}`,
        transfers: 60,
        together: 3,
        pause: 100,
        timeout: 20_000,
      });
      let over = false;
      void lab.allOf(client).then(() => over = true);
      while (!over) {
        const server = lab.startNames(`by-dns.${DOMAIN}`, lab.host("o").address);
        await pause(700);
        await end(server, "SIGTERM");
        await pause(700);
      }
      const ends = endsOf(client);
      const whole = ends.filter(({ end }) => end === "whole").length;
      assert.ok(whole >= 40, JSON.stringify(countsOf(ends)));
      return `${whole} of ${ends.length} whole, the others ${
        JSON.stringify([...new Set(ends.map(({ code }) => code).filter((code) => code !== undefined))])
      }`;
    },
  },
  {
    name: "an unknown client guesses passwords: 400 at once, each closed at once",
    before: "a user is cut at 10 s, and logs in 28 s later",
    short: true,
    async run(lab): Promise<string> {
      await lab.stop("s1");
      const passwords = lab.file("passwords");
      const made = await lab.host("s1").run(Deno.execPath(), [
        ...["run", "-q", "-A", "--no-check", "-c", `${ROOT}deno.json`, `${ROOT}cli/mod.ts`],
        ...["passwd", passwords, "carol"],
      ], { stdin: "carolpw\n" });
      assert.equal(made.code, 0, made.stderr);
      await lab.startServer("s1", {}, { methods: ["gssapi", "password"], passwordFile: passwords });
      const guessing = lab.host("c2").start("python3", ["-c", GUESSES, lab.host("s1").address, "400", "0.05"]);
      await guessing.waitFor(/guessing/);
      const ends = await lab.clients("c1", "alice", { ...S1, password: ["carol", "carolpw"], transfers: 5 });
      await end(guessing);
      const { refused } = await lab.status("s1") as unknown as Snapshot;
      await lab.restartServer("s1");
      assert.deepEqual(countsOf(ends), { whole: 5 });
      const slowest = Math.max(...ends.map(({ took }) => took));
      assert.ok(slowest < 5_000, seconds(slowest));
      return `a user with the right password logs in 5 of 5 times, the slowest ${
        seconds(slowest)
      }; ${refused.LOST} guesses were not checked, since their clients had gone`;
    },
  },
];

/** The faults of networks. */
export const NETWORK: FaultGroup = { name: "network", lab: {}, faults };
