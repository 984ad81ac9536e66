/**
 * Faults of peers: slow clients, resets by targets and clients, and wrong keys and keytabs.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Fault, type FaultGroup, seconds } from "../fault.ts";
import { end, signal } from "../network.ts";
import { SLOW } from "../programs.ts";
import { countsOf, type Lab } from "../setup.ts";

const S1 = { proxy: "s1.lab.test:1080" };

/** Makes a server reload its files, and waits for its message. */
async function reload(lab: Lab, said: RegExp): Promise<void> {
  const before = lab.daemon("s1").output.length;
  signal(lab.daemon("s1").pid, "SIGHUP");
  await lab.until(`the log has ${said}`, () => Promise.resolve(said.test(lab.daemon("s1").output.slice(before))));
}

/** Returns rules that answer each packet from or to these ports by a reset. */
function resetBy(ports: string): string {
  return `chain resets { type filter hook input priority 0; iif lo accept; tcp ${ports} reject with tcp reset; }`;
}

const faults: readonly Fault[] = [
  {
    name: "40 clients each that send nothing, one byte, part of a token, or a token slowly (3 s for the handshake)",
    before: "cut at 3.00-3.02 s; good clients 7 ms, at most 15",
    short: true,
    async run(lab): Promise<string> {
      await lab.restartServer("s1", { timeouts: { handshake: "3s" } });
      const slow = lab.host("c2").start("python3", ["-c", SLOW, lab.host("s1").address, "40"]);
      await slow.waitFor(/open/);
      const honest = await lab.clients("c1", "alice", { ...S1, transfers: 50 });
      const [, closed] = await slow.waitFor(/closed (.*)/);
      await end(slow);
      const ends: Record<string, [first: number, last: number]> = JSON.parse(closed!);
      await lab.restartServer("s1");
      assert.deepEqual(countsOf(honest), { whole: 50 });
      const all = Object.values(ends).flat();
      assert.ok(Math.min(...all) > 2.5 && Math.max(...all) < 6, closed);
      const took = honest.map(({ took }) => took).sort((a, b) => a - b);
      return `closed after ${Math.min(...all).toFixed(2)} to ${Math.max(...all).toFixed(2)} s; good clients ${
        seconds(took[25]!)
      }, at most ${seconds(took.at(-1)!)}`;
    },
  },
  {
    name: "the origin's connections are reset in the middle of 6 downloads",
    before: "reported as a clean end, 438 of 438",
    short: true,
    async run(lab): Promise<string> {
      const client = lab.client("c1", "alice", { ...S1, transfers: 6, together: 6, down: 60e6, rate: 1e6 });
      await lab.underWay("s1", 6);
      await lab.host("o").filter(resetBy("dport 7000"));
      const ends = await lab.allOf(client);
      await lab.host("o").heal();
      assert.ok(
        !ends.some(({ end }) => /whole|wrong|after the end|reported as an end/.test(end)),
        JSON.stringify(countsOf(ends)),
      );
      return `6 of 6 report a failure (${[...new Set(ends.map(({ end }) => end.split(":")[0]))].join(", ")})`;
    },
  },
  ...([["", undefined], [", with egress", ["0.0.0.0"]]] as const).map(([how, egress]): Fault => ({
    name: `the connections of 6 clients are reset in the middle of uploads${how}`,
    before: "the origin saw an end, 1,132 of 1,132",
    short: egress !== undefined,
    async run(lab): Promise<string> {
      await lab.restartServer("s1", egress === undefined ? {} : { egress: { addresses: egress } });
      const before = lab.daemon("o").output.length;
      const client = lab.client("c1", "alice", { ...S1, transfers: 6, together: 6, up: 600e6, down: 60e6, rate: 1e6 });
      await lab.underWay("s1", 6);
      await lab.host("c1").filter(resetBy("sport 1080"));
      const reported = () => lab.daemon("o").output.slice(before).match(/^(?:an end|a failure) in the middle/gm) ?? [];
      await lab.until("the origin sees all ends", () => Promise.resolve(reported().length === 6), 10);
      const ends = reported().filter((one) => one.startsWith("an end")).length;
      await end(client);
      await lab.host("c1").heal();
      await lab.restartServer("s1");
      if (egress !== undefined) assert.equal(ends, 0, "the origin sees that they are cut");
      return ends === 0
        ? "the origin sees a failure, 6 of 6"
        : `the origin sees an end, ${ends} of 6: Deno cannot reset sockets`;
    },
  })),
  {
    name:
      "keys are rotated under a server with a keytab and no configuration; SIGHUP with a broken, empty or missing keytab",
    before: "refused until a restart: SIGHUP had no permission, 34 of 34",
    async run(lab): Promise<string> {
      await lab.stop("s1");
      await lab.startServerBy("s1", [
        ...["serve", "--listen", "0.0.0.0:1080", "--keytab", lab.file("keytab"), "--service", "rcmd"],
        ...["--allow", "10.77.0.0/24", "--allow", ".lab.test", "--admin", "127.0.0.1:9180", "--json"],
      ]);
      await lab.realm.kadmin(`cpw -randkey -keepold rcmd/s1.lab.test`);
      await lab.kinit("c2", "alice");
      await lab.realm.ktadd("keytab");
      const fresh = await lab.clients("c2", "alice", { ...S1, transfers: 3 });
      assert.deepEqual(countsOf(fresh), { whole: 3 });
      await reload(lab, /read again/);
      await Deno.rename(lab.file("keytab"), lab.file("keytab.good"));
      for (const content of ["no keytab", "", undefined]) {
        if (content !== undefined) await Deno.writeTextFile(lab.file("keytab"), content);
        else await Deno.remove(lab.file("keytab"));
        await reload(lab, /not read again|cannot|could not/i);
        const still = await lab.clients("c2", "alice", { ...S1, transfers: 2 });
        assert.deepEqual(countsOf(still), { whole: 2 }, `with a keytab of ${content}`);
      }
      await Deno.rename(lab.file("keytab.good"), lab.file("keytab"));
      await reload(lab, /read again/);
      await lab.restartServer("s1");
      return "accepted without a signal, 3 of 3; SIGHUP reads the keytab; a bad one is reported, and the old one stays, 3 of 3";
    },
  },
];

/** The faults of peers and keys. */
export const PEERS_AND_KEYS: FaultGroup = { name: "peers", lab: {}, faults };
