/**
 * Faults that are tried with servers of one thread and of several.
 *
 * @module
 */
import assert from "node:assert/strict";
import { peer } from "../../support/peers.ts";
import type { TransferEnd } from "../client.ts";
import { type Fault, nothingWrong, pause, seconds } from "../fault.ts";
import { end } from "../network.ts";
import { FLOOD } from "../programs.ts";
import { countsOf, endsOf } from "../setup.ts";

const S1 = { proxy: "s1.lab.test:1080" };
const S2 = { proxy: "s2.lab.test:1080" };

/** Formats a health message for a table cell. */
function oneLine(said: string): string {
  return said === "000" ? "nothing" : said.replace(/\s+/, " ");
}

/** Counts the complete transfers. */
export function wholeOf(ends: readonly TransferEnd[]): string {
  const whole = ends.filter(({ end }) => end === "whole").length;
  return `${whole} of ${ends.length} whole`;
}

/** Descriptors run out, and health is asked. */
export const DESCRIPTORS: Fault = {
  name: "descriptors run out: 60 for 110 silent connections, and health is asked",
  before: "the server ends with all its sessions",
  short: true,
  async run(lab): Promise<string> {
    await lab.stop("s1");
    await lab.startServer("s1", {}, {}, ["prlimit", "--nofile=60:60"]);
    const held = lab.client("c1", "alice", { ...S1, hold: true });
    await lab.until("it has a session", async () => await lab.connected("s1") === 1);
    const flood = lab.host("c2").start("python3", ["-c", FLOOD, lab.host("s1").address, "110"]);
    await flood.waitFor(/open/);
    const said = new Set<string>();
    for (let i = 0; i < 20; i++) {
      said.add(await lab.health("s1"));
      await lab.host("s1").run(peer("curl"), ["-s", "-m", "1", "http://127.0.0.1:9180/healthz"]);
    }
    assert.equal(endsOf(held).length, 0, "the honest session goes on");
    await end(flood);
    const back = await lab.until(
      "it serves again",
      async () => (await lab.clients("c2", "alice", { ...S1, timeout: 3_000 }))[0]?.end === "whole",
    );
    await lab.until("health is asked again", async () => /^(?:ok|degraded)/.test(await lab.health("s1")));
    assert.match(lab.daemon("s1").output, /descriptor|Too many open files/i);
    await lab.stop("s1");
    await lab.startServer("s1");
    return `server and session survive; health said ${[...said].map(oneLine).join(", ")}; serves ${
      seconds(back)
    } after`;
  },
};

/** The configuration is reloaded again and again. */
export const RELOAD: Fault = {
  name: "the configuration is reloaded 30 times in 9 s under load",
  before: "1,358 of 1,358 whole",
  async run(lab): Promise<string> {
    const client = lab.client("c1", "alice", { ...S1, seconds: 10, together: 6, up: 20_000, down: 20_000 });
    await client.waitFor(/"end":"whole"/);
    for (let i = 0; i < 30; i++) {
      Deno.kill(lab.daemon("s1").pid, "SIGHUP");
      await pause(300);
    }
    await lab.allOf(client);
    const ends = endsOf(client);
    assert.deepEqual(Object.keys(countsOf(ends)), ["whole"]);
    // Each worker logs it.
    assert.ok(lab.daemon("s1").output.match(/Configuration read again/g)!.length >= 30);
    assert.doesNotMatch(lab.daemon("s1").output, /not read again/);
    return wholeOf(ends);
  },
};

/** Two processes share the port for a while. */
export const RESTART: Fault = {
  name:
    "a server is restarted under load, the new process beside the old one (reusePort, and net.ipv4.tcp_migrate_req=1, without which the system resets waiting clients)",
  before: "an outage as long as the drain, 10.1 s",
  short: true,
  async run(lab): Promise<string> {
    await lab.stop("s1");
    await lab.startServer("s1", {}, { reusePort: true, admin: undefined, health: undefined });
    const client = lab.client("c1", "alice", {
      ...S1,
      seconds: 6,
      together: 6,
      up: 20_000,
      down: 20_000,
      timeout: 5_000,
    });
    await client.waitFor(/"end":"whole"/);
    let restarts = 0;
    for (; restarts < 3; restarts++) {
      const old = lab.daemon("s1");
      await lab.startServer("s1", {}, { reusePort: true, admin: undefined, health: undefined });
      Deno.kill(old.pid, "SIGTERM");
      await old.ended;
    }
    await lab.allOf(client);
    const ends = endsOf(client);
    assert.deepEqual(Object.keys(countsOf(ends)), ["whole"], JSON.stringify(countsOf(ends)));
    await lab.stop("s1");
    await lab.startServer("s1");
    return `${wholeOf(ends)} over ${restarts} restarts`;
  },
};

/** Draining: transfers that fit are completed. */
export const DRAIN: Fault = {
  name: "SIGTERM with transfers of 5 s and of 40 s under way (drain of 10 s)",
  before: "short transfers whole, 6 of 6, the longer ones cut",
  async run(lab): Promise<string> {
    await lab.restartServer("s2", { timeouts: { drain: "10s" } });
    const job = { ...S2, transfers: 3, together: 3, up: 1_000, rate: 1e6 };
    const [short, long] = [
      lab.client("c1", "alice", { ...job, down: 5e6 }),
      lab.client("c1", "bob", { ...job, down: 40e6, first: 100 }),
    ];
    await lab.underWay("s2", 6);
    const begun = performance.now();
    await end(lab.daemon("s2"), "SIGTERM");
    const took = performance.now() - begun;
    const ends = [...await lab.allOf(short), ...await lab.allOf(long)];
    nothingWrong(ends);
    await lab.startServer("s2");
    assert.deepEqual(ends.map(({ end }) => end === "whole"), [true, true, true, false, false, false]);
    assert.ok(!ends.some(({ end }) => end === "cut, reported as an end"), "no cut is reported as an end");
    assert.ok(took < 14_000, seconds(took));
    return `3 of 3 whole, 3 of 3 cut and reported as cut, ended after ${seconds(took)}`;
  },
};

/** A second SIGTERM ends the drain. */
export const SECOND_SIGTERM: Fault = {
  name: "SIGTERM under load, and a second one in the drain",
  before: "ends at once (412 ms after the first)",
  async run(lab): Promise<string> {
    const client = lab.client("c1", "alice", {
      ...S2,
      transfers: 6,
      together: 6,
      up: 1_000,
      down: 20e6,
      rate: 1e6,
      timeout: 5_000,
    });
    await lab.underWay("s2", 6);
    Deno.kill(lab.daemon("s2").pid, "SIGTERM");
    const draining = await lab.health("s2");
    await pause(400);
    const begun = performance.now();
    Deno.kill(lab.daemon("s2").pid, "SIGTERM");
    await lab.daemon("s2").ended;
    const took = performance.now() - begun;
    await lab.allOf(client);
    nothingWrong(endsOf(client));
    await lab.startServer("s2");
    assert.ok(took < 2_000);
    return `ends ${seconds(took)} after the second; health said ${oneLine(draining)}`;
  },
};
