/**
 * Faults of servers: frozen, killed, restarted, reloaded, short of descriptors, or with a log that is not read.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Snapshot } from "../../../cli/snapshot/snapshot.ts";
import { fakeClock, NO_FAKE_CLOCK } from "../clock.ts";
import { type Fault, type FaultGroup, nothingWrong, pause, seconds } from "../fault.ts";
import { end } from "../network.ts";
import { countsOf, endsOf } from "../setup.ts";
import { DESCRIPTORS, DRAIN, RELOAD, RESTART, SECOND_SIGTERM, wholeOf } from "./threads.ts";

const S1 = { proxy: "s1.lab.test:1080" };

const faults: readonly Fault[] = [
  {
    name: "a server is frozen for 8 s (SIGSTOP) in 6 transfers of 6 MB each way",
    before: "6 of 6 whole",
    async run(lab): Promise<string> {
      const client = lab.client("c1", "alice", { ...S1, transfers: 6, together: 6, up: 6e6, down: 6e6, rate: 1e6 });
      await lab.underWay("s1", 6);
      Deno.kill(lab.daemon("s1").pid, "SIGSTOP");
      const [late] = await lab.clients("c2", "alice", { ...S1, timeout: 3_000 });
      await pause(5_000);
      Deno.kill(lab.daemon("s1").pid, "SIGCONT");
      await lab.allOf(client);
      const ends = endsOf(client);
      assert.deepEqual(countsOf(ends), { whole: 6 });
      assert.equal(late!.code, "HANDSHAKE_TIMEOUT");
      return `${wholeOf(ends)}; a new client fails after ${seconds(late!.took)}`;
    },
  },
  {
    name: "a server is killed (SIGKILL) in 6 transfers",
    before: "all clients notice within 36 ms",
    async run(lab): Promise<string> {
      const client = lab.client("c1", "alice", { ...S1, transfers: 6, together: 6, up: 1e6, down: 6e6, rate: 1e6 });
      await lab.underWay("s1", 6);
      await lab.stop("s1");
      const begun = performance.now();
      await lab.allOf(client);
      const took = performance.now() - begun;
      const ends = endsOf(client);
      nothingWrong(ends);
      assert.equal(ends.filter(({ end }) => end === "whole").length, 0);
      await lab.startServer("s1");
      return `all 6 clients notice within ${seconds(took)}`;
    },
  },
  {
    name: "one of two servers behind the balancer is frozen for 8 s under load; clients have 5 s",
    before: "6 of 719 failed",
    async run(lab): Promise<string> {
      const client = lab.client("c1", "alice", { seconds: 14, together: 6, up: 50_000, down: 50_000, timeout: 5_000 });
      await lab.until("transfers go", () => Promise.resolve(endsOf(client).length > 20));
      Deno.kill(lab.daemon("s2").pid, "SIGSTOP");
      await pause(8_000);
      Deno.kill(lab.daemon("s2").pid, "SIGCONT");
      await lab.allOf(client);
      const ends = endsOf(client);
      nothingWrong(ends);
      const failed = ends.filter(({ end }) => end !== "whole").length;
      assert.ok(failed <= 12, JSON.stringify(countsOf(ends)));
      await lab.until("it is back", async () => (await lab.health("s2")).startsWith("ok"));
      return `${failed} of ${ends.length} failed`;
    },
  },
  {
    name: "datagrams through the balancer",
    before: "never an echo",
    short: true,
    async run(lab): Promise<string> {
      const ends = await lab.clients("c1", "alice", { datagrams: true, transfers: 4 });
      assert.deepEqual(countsOf(ends), { whole: 4 });
      return "4 of 4 associations get their echo";
    },
  },
  {
    name: "the log's reader stops, under load",
    before: "nothing is relayed any more",
    short: true,
    async run(lab): Promise<string> {
      // The log's reader is stopped: a sleeping shell holds the server's standard error.
      await lab.stop("s1");
      const file = lab.file("s1.json");
      await Deno.writeTextFile(file, JSON.stringify(lab.config("s1")));
      const stuck = lab.host("s1").start("/bin/bash", [
        "-c",
        `exec "$@" 2> >(exec sleep 1000 >/dev/null 2>&1)`,
        "-",
        ...lab.serveCommand(file),
      ], {
        env: { KRB5_CONFIG: lab.file("krb5.conf") },
      });
      await lab.until("it serves", async () => (await lab.health("s1")).startsWith("ok"));
      const ends = await lab.clients("c1", "alice", { ...S1, transfers: 1_500, together: 8 });
      assert.deepEqual(countsOf(ends), { whole: 1_500 });
      const slowest = Math.max(...ends.map(({ took }) => took));
      const { logDropped } = await lab.status("s1") as unknown as Snapshot;
      assert.ok(logDropped > 0);
      Deno.kill(stuck.pid, "SIGTERM");
      const begun = performance.now();
      await stuck.ended;
      const ended = performance.now() - begun;
      assert.ok(ended < 12_000);
      await lab.startServer("s1");
      return `1,500 of 1,500 whole, the slowest ${seconds(slowest)}, ${logDropped} lines dropped; it ends ${
        seconds(ended)
      } after SIGTERM`;
    },
  },
  DESCRIPTORS,
  {
    name: "keys are rotated and the new keytab is in place, without a signal",
    before: "all fresh tickets are refused until SIGHUP",
    short: true,
    async run(lab): Promise<string> {
      await lab.realm.kadmin(`cpw -randkey -keepold rcmd/s1.lab.test`);
      await lab.kinit("c2", "alice");
      await lab.realm.ktadd("keytab");
      const fresh = await lab.clients("c2", "alice", { ...S1, transfers: 3 });
      const old = await lab.clients("c1", "alice", { ...S1, transfers: 3 });
      assert.deepEqual([countsOf(fresh), countsOf(old)], [{ whole: 3 }, { whole: 3 }]);
      return "fresh and old tickets accepted, 3 of 3 each";
    },
  },
  RELOAD,
  RESTART,
  DRAIN,
  SECOND_SIGTERM,
  {
    name: "a server's clock jumps by +240, +400, -240, -400 s while it serves",
    before: "a rate of 2 MB/s was 3.2 MB/s; uptime -3594 s",
    async run(lab): Promise<string> {
      const clock = await fakeClock(lab);
      if (clock === undefined) return NO_FAKE_CLOCK;
      await lab.stop("s1");
      await lab.startServer("s1", clock.env, {
        limits: { bandwidthPerSession: 2_000_000 },
      });
      const begun = performance.now();
      const client = lab.client("c1", "alice", { ...S1, up: 1_000, down: 16e6, limit: 60_000 });
      await lab.underWay("s1", 1);
      for (const jump of [240, 400, -240, -400, 0]) {
        await clock.set(jump);
        await pause(1_000);
        const { now, uptime } = await lab.status("s1") as unknown as Snapshot;
        assert.ok(Math.abs(now - Date.now() - 1_000 * jump) < 30_000, "its clock has jumped");
        assert.ok(uptime > 0 && uptime < 100_000, `uptime is ${uptime} ms`);
      }
      await lab.allOf(client);
      const took = performance.now() - begun;
      const ends = endsOf(client);
      assert.deepEqual(countsOf(ends), { whole: 1 });
      assert.ok(took > 6_500, `16 MB at 2 MB/s took ${seconds(took)}`);
      await lab.stop("s1");
      await lab.startServer("s1");
      return `16 MB at 2 MB/s in ${seconds(took)}, whole`;
    },
  },
  {
    name:
      "a user's machine loses power with 5 idle sessions and 2 downloads; the system's keep-alive is set (net.ipv4.tcp_keepalive_time=60, _intvl=10, _probes=6, tcp_retries2=8)",
    before: "still there after 40 s, the kernel's timer at 119 min",
    limit: 300,
    async run(lab): Promise<string> {
      const idle = lab.client("c2", "alice", { ...S1, transfers: 5, together: 5, hold: true });
      const busy = lab.client("c2", "alice", {
        ...S1,
        transfers: 2,
        together: 2,
        up: 10,
        down: 500e6,
        rate: 1e6,
        first: 50,
        limit: 1e6,
      });
      await lab.until("they are there", async () => await lab.connected("s1") === 7);
      await lab.host("c2").cut();
      await Promise.all([end(idle), end(busy)]);
      const took = await lab.empty("s1", 1_100);
      await lab.host("c2").heal();
      return `gone after ${seconds(took)} (${lab.reasons("s1")})`;
    },
  },
];

/** The faults of servers. */
export const SERVERS: FaultGroup = { name: "servers", lab: {}, faults };
