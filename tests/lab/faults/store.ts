/**
 * Faults of Redis: frozen, cut off, killed, replaced or full; `s1` refuses meanwhile, `s2` allows.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { TransferEnd } from "../client.ts";
import { type Fault, type FaultGroup, seconds } from "../fault.ts";
import { end } from "../network.ts";
import { PROXY } from "../realm.ts";
import { countsOf, endsOf, type Lab } from "../setup.ts";

const S1 = { proxy: "s1.lab.test:1080" };
const S2 = { proxy: "s2.lab.test:1080" };
/** The answers of two servers to an authenticator that was accepted before. */
const REFUSED = ["KRB-ERROR", "KRB-ERROR"];

/** Logs in at both servers every quarter of a second during an action. */
async function during(lab: Lab, happens: () => Promise<void>): Promise<Record<"s1" | "s2", TransferEnd[]>> {
  const job = { seconds: 3_600, pause: 250, timeout: 20_000 };
  const [one, two] = [
    lab.client("c1", "alice", { ...S1, ...job }),
    lab.client("c1", "bob", { ...S2, ...job, first: 100_000 }),
  ];
  await Promise.all([one, two].map((client) => client.waitFor(/"end":"whole"/)));
  await happens();
  const ends = { s1: endsOf(one), s2: endsOf(two) };
  await Promise.all([end(one), end(two)]);
  return ends;
}

/** Waits until a login at a server works; returns the time. */
async function untilLogin(lab: Lab, server: { proxy: string }, limit: number): Promise<number> {
  return await lab.until(`logins at ${server.proxy} work`, async () => {
    const [end] = await lab.clients("c2", "alice", { ...server, transfers: 1, timeout: 5_000 });
    return end?.end === "whole";
  }, limit);
}

/** Waits until a server reports that it is unhealthy; returns its message. */
async function untilUnhealthy(lab: Lab, server: string, limit: number): Promise<string> {
  let said = "";
  const took = await lab.until(`${server} reports that it is unhealthy`, async () => {
    said = await lab.health(server);
    return !said.startsWith("ok");
  }, limit);
  return `${said} after ${seconds(took)}`;
}

function summary({ s1, s2 }: Record<"s1" | "s2", readonly TransferEnd[]>): string {
  const of = (ends: readonly TransferEnd[]) => {
    const whole = ends.filter(({ end }) => end === "whole");
    const slowest = Math.max(...ends.map(({ took }) => took));
    return `${whole.length} of ${ends.length} accepted, the slowest answer ${seconds(slowest)}`;
  };
  return `refuse: ${of(s1)}; allow: ${of(s2)}`;
}

/** A fault of Redis: refusing and allowing servers answer at once, both report it, both recover soon. */
function redisFault(
  name: string,
  before: string,
  how: { begin(lab: Lab): Promise<unknown>; end(lab: Lab): Promise<unknown>; milliseconds: number; short?: boolean },
): Fault {
  return {
    name,
    before,
    short: how.short ?? false,
    async run(lab): Promise<string> {
      await settled(lab);
      let said: string[] = [];
      const ends = await during(lab, async () => {
        await how.begin(lab);
        said = await Promise.all([untilUnhealthy(lab, "s1", 6), untilUnhealthy(lab, "s2", 6)]);
        await new Promise((resolve) => setTimeout(resolve, how.milliseconds));
        await how.end(lab);
      });
      const back = await Promise.all([untilLogin(lab, S1, 10), untilLogin(lab, S2, 10)]);
      await lab.until("both are well", () => bothWell(lab), 10);
      assert.match(said[0]!, /503/);
      assert.match(said[1]!, /200/);
      assert.deepEqual(Object.keys(countsOf(ends.s2)), ["whole"], "allow accepts all clients");
      assert.ok(Math.max(...ends.s1.map(({ took }) => took)) < 4_500, "refusals take little time");
      assert.ok(Math.max(...ends.s2.map(({ took }) => took)) < 4_500, "accepted logins take little time");
      return `${summary(ends)}; ${said.map((one) => one.replace(/\s+/, " ")).join(" and ")}; well ${
        seconds(Math.max(...back))
      } after`;
    },
  };
}

const faults: readonly Fault[] = [
  redisFault("Redis and its replica are frozen for some 5 s (SIGSTOP)", "health said ok; allow took 4.0 s per login", {
    short: true,
    milliseconds: 3_000,
    begin: (lab) => signalStore(lab, "SIGSTOP"),
    end: (lab) => signalStore(lab, "SIGCONT"),
  }),
  redisFault("the network to Redis and its replica is cut for 45 s", "health said ok; well 9 s after, or 36", {
    milliseconds: 40_000,
    begin: async (lab) => await cutStore(lab),
    end: async (lab) => await healStore(lab),
  }),
  redisFault("the network to Redis and its replica is cut for 110 s", "well 36 s after, up to 2 min", {
    milliseconds: 105_000,
    begin: async (lab) => await cutStore(lab),
    end: async (lab) => await healStore(lab),
  }),
  redisFault("Redis is full (maxmemory, noeviction)", "health said ok; well when there is room", {
    milliseconds: 2_000,
    begin: async (lab) => await redisCli(lab, "CONFIG", "SET", "maxmemory", "1mb"),
    end: async (lab) => await redisCli(lab, "CONFIG", "SET", "maxmemory", "0"),
  }),
  {
    name: "an authenticator is replayed to the other server and to the same one",
    before: "refused 3 of 3",
    short: true,
    async run(lab): Promise<string> {
      await settled(lab);
      for (let i = 0; i < 3; i++) {
        const { answers } = await lab.play(["s1", "s2", "s1"]);
        assert.deepEqual(answers, ["AP-REP", ...REFUSED]);
      }
      return "refused 3 of 3 at the other server, 3 of 3 at the same";
    },
  },
  {
    name: "Redis and its replica (no persistence) are both restarted, and an earlier authenticator is replayed",
    before: "accepted (AP-REP) at the other server",
    async run(lab): Promise<string> {
      await settled(lab);
      const { token, answers } = await lab.play(["s2"]);
      const anew = async () => {
        for (const name of ["redis1", "redis2"]) await lab.stop(name);
        await lab.startRedis("redis1", []);
        await lab.startRedis("redis2", ["--replicaof", lab.host("r1").address, "6379"]);
      };
      await anew();
      const back = await untilLogin(lab, S1, 15);
      // Whether the store knew it is unknown: the client gets no answer.
      const again = await lab.play(["s1", "s2"], token);
      assert.deepEqual([answers, again.answers], [["AP-REP"], ["abort", "KRB-ERROR"]]);
      assert.match(lab.daemon("s1").output, /SHARED_STORE/);
      const fresh = await lab.play(["s1", "s2"]);
      assert.deepEqual(fresh.answers, ["AP-REP", REFUSED[0]]);
      return `refused by both; new ones are accepted ${seconds(back)} later, and are remembered`;
    },
  },
  {
    name: "10 sessions per user, 30 at once over both servers; then a server is killed",
    before: "exactly 10; dead sessions expire after 29 s",
    limit: 150,
    async run(lab): Promise<string> {
      await settled(lab);
      for (const name of ["s1", "s2"]) await lab.restartServer(name, { limits: { sessionsPerUser: 10 } });
      await lab.balanced();
      const held = lab.client("c1", "alice", { transfers: 30, together: 30, hold: true });
      const refused = await lab.until("20 are refused", () => Promise.resolve(endsOf(held).length >= 20), 20);
      assert.equal(endsOf(held).length, 20);
      const [one, two] = [await lab.connected("s1"), await lab.connected("s2")];
      assert.equal(one + two, 10);
      assert.ok(one > 0, "the killed server has some");
      await lab.stop("s1");
      await end(held);
      const ghosts = await lab.until("the ghosts are gone", async () => {
        const again = lab.client("c1", "alice", { proxy: S2.proxy, transfers: 10, together: 10, hold: true });
        await lab.until(
          "all have been answered",
          async () => endsOf(again).length > 0 || await lab.connected("s2") === 10,
          5,
        ).catch(() => 0);
        const all = await lab.connected("s2");
        await end(again);
        return all === 10;
      }, 60);
      await lab.startServer("s1");
      await lab.restartServer("s2");
      assert.ok(ghosts > 10_000 && ghosts < 45_000, `gone after ${seconds(ghosts)}`);
      return `20 of 30 refused after ${
        seconds(refused)
      }, 10 let in (${one} by the one that is killed); its ghosts gone after ${seconds(ghosts)}`;
    },
  },
  {
    name: "one of two machines is killed (SIGKILL) under load",
    before: "4 of 1,299 failed",
    short: true,
    async run(lab): Promise<string> {
      await settled(lab);
      await lab.balanced();
      const client = lab.client("c1", "alice", {
        proxy: `${PROXY}:1080`,
        seconds: 5,
        together: 6,
        up: 50_000,
        down: 50_000,
        timeout: 8_000,
      });
      await lab.until("transfers go", () => Promise.resolve(endsOf(client).length > 20));
      await lab.stop("s2");
      await lab.allOf(client);
      const ends = endsOf(client);
      await lab.startServer("s2");
      const failed = ends.filter(({ end }) => end !== "whole");
      // Its own sessions, which are lost.
      assert.ok(failed.length <= 12, JSON.stringify(countsOf(ends)));
      assert.ok(failed.every(({ end }) => !/wrong|behind/.test(end)));
      return `${failed.length} of ${ends.length} failed, no byte wrong`;
    },
  },
  {
    name: "the master of Redis is killed, sentinels promote the replica, and the old master returns as a replica",
    before: "all refused, READONLY; no recovery without a restart",
    short: true,
    async run(lab): Promise<string> {
      await settled(lab);
      let promoted = 0;
      const ends = await during(lab, async () => {
        await lab.stop("redis1");
        promoted = await lab.until("the replica is the master", () => isMaster(lab, "r2"));
        await lab.until("s1 is well", async () => (await lab.health("s1")).startsWith("ok"), 15);
        // The old master comes back, and the sentinels make it a replica.
        await lab.startRedis("redis1", []);
        await lab.until("the old master is a replica", async () => !await isMaster(lab, "r1"));
      });
      const back = await untilLogin(lab, S1, 5);
      assert.deepEqual(Object.keys(countsOf(ends.s2)), ["whole"]);
      return `promoted after ${seconds(promoted)}, logins work ${seconds(back)} after that; ${summary(ends)}`;
    },
  },
  {
    name: "the master of Redis is frozen until the sentinels have promoted the replica, and still acts as the master",
    before: "not tried",
    async run(lab): Promise<string> {
      await settled(lab);
      const ends = await during(lab, async () => {
        Deno.kill(lab.daemon("redis1").pid, "SIGSTOP");
        await lab.until("the replica is the master", () => isMaster(lab, "r2"));
        await lab.until("s1 is well", async () => (await lab.health("s1")).startsWith("ok"), 15);
        const { token, answers } = await lab.play(["s1"]);
        Deno.kill(lab.daemon("redis1").pid, "SIGCONT");
        assert.deepEqual([answers, (await lab.play(["s2", "s1"], token)).answers], [["AP-REP"], REFUSED]);
      });
      await untilLogin(lab, S1, 5);
      assert.deepEqual(Object.keys(countsOf(ends.s2)), ["whole"]);
      return `a replay right after it is refused by both; ${summary(ends)}`;
    },
  },
];

/** Waits until the first Redis is the master, the second its replica, and both servers are healthy: a fault may have changed that. */
async function settled(lab: Lab): Promise<void> {
  await lab.until("the first is the master, with a replica", async () => {
    if (await isMaster(lab, "r1")) return (await redisCli(lab, "INFO", "replication")).includes("state=online");
    await lab.host("lb").run("redis-cli", ["-p", "26379", "SENTINEL", "FAILOVER", "lab"]);
    return false;
  }, 60);
  for (const server of [S1, S2]) await untilLogin(lab, server, 15);
  await lab.until("both are well", () => bothWell(lab), 10);
}

async function bothWell(lab: Lab): Promise<boolean> {
  const said = await Promise.all(["s1", "s2"].map((name) => lab.health(name)));
  return said.every((one) => one.startsWith("ok"));
}

async function isMaster(lab: Lab, host: "r1" | "r2"): Promise<boolean> {
  return (await redisCli(lab, "-h", lab.host(host).address, "ROLE")).startsWith("master");
}

// deno-lint-ignore require-await -- the others return promises too
async function signalStore(lab: Lab, signal: Deno.Signal): Promise<void> {
  for (const name of ["redis1", "redis2"]) Deno.kill(lab.daemon(name).pid, signal);
}

async function redisCli(lab: Lab, ...args: readonly string[]): Promise<string> {
  const { stdout, stderr, code } = await lab.host("r1").run("redis-cli", args);
  if (code !== 0) return `failed: ${stderr}`;
  return stdout;
}

async function cutStore(lab: Lab): Promise<void> {
  for (const host of ["r1", "r2"]) await lab.host(host).cut();
}

async function healStore(lab: Lab): Promise<void> {
  for (const host of ["r1", "r2"]) await lab.host(host).heal();
}

/** The faults of the store. */
export const STORE: FaultGroup = { name: "store", lab: { onLoss: ["refuse", "allow"] }, faults };
