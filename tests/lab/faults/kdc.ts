/**
 * Faults of KDCs that are gone, frozen or wrong, with MIT's programs at the same time for comparison.
 *
 * @module
 */
import assert from "node:assert/strict";
import { peer } from "../../support/peers.ts";
import type { RunResult } from "../../support/process.ts";
import { fakeClock, NO_FAKE_CLOCK } from "../clock.ts";
import { type Fault, type FaultGroup, seconds } from "../fault.ts";
import { end } from "../network.ts";
import { PROXY } from "../realm.ts";
import { endsOf, type Lab } from "../setup.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;
const SERVICES = [`rcmd/${PROXY}`, "rcmd/s1.lab.test"];

/** Result of a command, with its duration. */
interface Timed extends RunResult {
  readonly took: number;
}

/** Runs a command of this package on the second user's machine. */
async function ours(lab: Lab, args: readonly string[], { conf = "krb5.conf", stdin = "" } = {}): Promise<Timed> {
  const env = { KRB5_CONFIG: lab.file(conf), KRB5CCNAME: `FILE:${lab.file("cc_ours")}` };
  const program = ["run", "-q", "-A", "--no-check", "-c", `${ROOT}deno.json`, `${ROOT}cli/mod.ts`, ...args];
  return await timed(lab.host("c2").run(Deno.execPath(), program, { env, stdin, timeout: 90_000 }));
}

/** Runs one of MIT's programs there. */
async function mit(
  lab: Lab,
  command: string,
  args: readonly string[],
  { conf = "krb5.conf", stdin = "" } = {},
): Promise<Timed> {
  const env = { KRB5_CONFIG: lab.file(conf), KRB5CCNAME: `FILE:${lab.file("cc_mit")}` };
  return await timed(lab.host("c2").run(peer(command), args, { env, stdin, timeout: 90_000 }));
}

async function timed(running: Promise<RunResult>): Promise<Timed> {
  const begun = performance.now();
  const result = await running;
  return { ...result, took: performance.now() - begun };
}

/** Runs kinit and gets two service tickets, with this package and with MIT's programs. */
async function both(
  lab: Lab,
  beside: boolean,
): Promise<{ readonly ours: readonly Timed[]; readonly mit: readonly Timed[] }> {
  const stdin = "bobpw\n";
  const mine = [await ours(lab, ["kinit", "bob"], { stdin })];
  for (const service of SERVICES) mine.push(await ours(lab, ["kvno", service]));
  if (!beside) return { ours: mine, mit: [] };
  const theirs = [await mit(lab, "kinit", ["bob"], { stdin })];
  for (const service of SERVICES) theirs.push(await mit(lab, "kvno", [service]));
  return { ours: mine, mit: theirs };
}

function durations(results: readonly Timed[]): string {
  return results.length === 0 ? "not tried" : results.map(({ took }) => seconds(took)).join(", ");
}

/** A fault of the first of two KDCs: no ticket takes much longer than without the fault. */
function firstKdcFault(
  name: string,
  before: string,
  most: number,
  how: { begin(lab: Lab): Promise<unknown>; end(lab: Lab): Promise<unknown> },
  short = false,
): Fault {
  return {
    name,
    before,
    short,
    async run(lab, quick): Promise<string> {
      const well = await both(lab, false);
      await how.begin(lab);
      let ill;
      try {
        ill = await both(lab, !quick);
      } finally {
        await how.end(lab);
      }
      for (const [i, { code, stderr, took }] of ill.ours.entries()) {
        assert.equal(code, 0, stderr);
        const more = took - well.ours[i]!.took;
        // The machine has other work too; the goal is half of this.
        assert.ok(more < 2 * most, `${name}: ${seconds(more)} more than without the fault`);
      }
      return `kinit and two tickets ${durations(ill.ours)} (well: ${durations(well.ours)}); MIT ${durations(ill.mit)}`;
    },
  };
}

const faults: readonly Fault[] = [
  firstKdcFault("the first KDC's process is gone", "10.2 s, 5.1, 5.1", 100, {
    begin: (lab) => lab.stop("k1"),
    end: (lab) => Promise.resolve(lab.startKdc("k1")),
  }, true),
  firstKdcFault("the first KDC's host is gone (packets dropped)", "20.2 s, 10.2, 10.2", 1_500, {
    begin: (lab) => lab.host("k1").cut(),
    end: (lab) => lab.host("k1").heal(),
  }, true),
  firstKdcFault("the first KDC is frozen: it accepts and never answers", "20.2 s, 10.1, 10.1", 1_500, {
    begin: (lab) => Promise.resolve(Deno.kill(lab.daemon("k1").pid, "SIGSTOP")),
    end: (lab) => Promise.resolve(Deno.kill(lab.daemon("k1").pid, "SIGCONT")),
  }, true),
  {
    name: "both KDCs are gone",
    before: "20 s for each attempt",
    async run(lab): Promise<string> {
      for (const name of ["k1", "k2"]) await lab.host(name).cut();
      const mine = await ours(lab, ["kinit", "bob"], { stdin: "bobpw\n" });
      const theirs = await mit(lab, "kinit", ["bob"], { stdin: "bobpw\n" });
      for (const name of ["k1", "k2"]) await lab.host(name).heal();
      assert.equal(mine.code, 4, mine.stderr);
      assert.match(mine.stderr, /Cannot reach a KDC of LAB\.TEST/);
      return `reported after ${seconds(mine.took)} (MIT ${seconds(theirs.took)})`;
    },
  },
  {
    name: "the first KDC has the old password; krb5.conf names the primary KDC",
    before: "wrong password; MIT logs in",
    short: true,
    async run(lab): Promise<string> {
      await lab.realm.kadmin("cpw -pw bobnew bob");
      await Deno.writeTextFile(
        lab.file("primary.conf"),
        lab.realm.krb5Conf(["10.77.0.32", "10.77.0.31"], "    primary_kdc = 10.77.0.31\n"),
      );
      const how = { conf: "primary.conf", stdin: "bobnew\n" };
      const [mine, theirs] = [await ours(lab, ["kinit", "bob"], how), await mit(lab, "kinit", ["bob"], how)];
      const wrong = await ours(lab, ["kinit", "bob"], { conf: "primary.conf", stdin: "neither\n" });
      await lab.realm.kadmin("cpw -pw bobpw bob");
      assert.deepEqual([mine.code, theirs.code, wrong.code], [0, 0, 3], mine.stderr);
      return `login after ${seconds(mine.took)} (MIT ${seconds(theirs.took)}); a wrong password is still refused`;
    },
  },
  {
    name: "a KDC's name cannot be resolved: no such name, then no name server",
    before: "the process ended (Uncaught RangeError)",
    short: true,
    async run(lab, quick): Promise<string> {
      const results: string[] = [];
      const ask = async (how: string) => {
        for (const [protocol, prefix] of [["tcp", ""], ["udp", "udp/"]]) {
          await Deno.writeTextFile(lab.file("name.conf"), lab.realm.krb5Conf([`${prefix}nosuch.lab.test`]));
          const alone = await ours(lab, ["kinit", "bob"], { conf: "name.conf", stdin: "bobpw\n" });
          assert.equal(alone.code, 4, alone.stderr);
          await Deno.writeTextFile(
            lab.file("name.conf"),
            lab.realm.krb5Conf([`${prefix}nosuch.lab.test`, "10.77.0.31"]),
          );
          const second = await ours(lab, ["kinit", "bob"], { conf: "name.conf", stdin: "bobpw\n" });
          assert.equal(second.code, 0, second.stderr);
          results.push(
            `${how}, ${protocol}: reported after ${seconds(alone.took)}, the next one accepted after ${
              seconds(second.took)
            }`,
          );
        }
      };
      const server = lab.startNames();
      await ask("no such name");
      await end(server, "SIGTERM");
      if (!quick) await ask("no name server");
      return results.join("; ");
    },
  },
  {
    name: "the clock of a program that holds a password is an hour ahead, right, an hour behind, right",
    before: "refused KRB_AP_ERR_SKEW as long as the TGT lives, once the clock was right",
    async run(lab): Promise<string> {
      const clock = await fakeClock(lab);
      if (clock === undefined) return NO_FAKE_CLOCK;
      await clock.set(3_600);
      const client = lab.client(
        "c1",
        "nobody",
        { proxy: "s1.lab.test:1080", secret: ["alice", "alicepw"], seconds: 3_600, pause: 200 },
        clock.env,
      );
      const said: string[] = [];
      for (const [beside, words] of [[3_600, "ahead"], [0, "right"], [-3_600, "behind"], [0, "right"]] as const) {
        await clock.set(beside);
        const before = endsOf(client).length;
        const more = () => endsOf(client).slice(before);
        const took = await lab.until(
          `two are let in one after another, ${words}`,
          () => Promise.resolve(more().slice(-2).map(({ end }) => end).join() === "whole,whole"),
        );
        said.push(
          `${words}: ${more().filter(({ end }) => end !== "whole").length} refused, well after ${seconds(took)}`,
        );
      }
      await end(client);
      return said.join("; ");
    },
  },
  {
    name: "the KDCs' clocks are an hour ahead, then right",
    before: "ticket not yet valid at the proxy",
    async run(lab): Promise<string> {
      const clock = await fakeClock(lab);
      if (clock === undefined) return NO_FAKE_CLOCK;
      await clock.set(3_600);
      const restart = async (env: Record<string, string>) => {
        for (const name of ["k1", "k2"]) {
          await lab.stop(name);
          lab.startKdc(name, env);
        }
      };
      await restart(clock.env);
      const client = lab.client("c1", "nobody", {
        proxy: "s1.lab.test:1080",
        secret: ["alice", "alicepw"],
        seconds: 3_600,
        pause: 300,
      });
      await client.waitFor(/"end":"(?!whole)[^"]*/);
      const [refused] = endsOf(client);
      await restart({});
      const took = await lab.until("it is let in", () => Promise.resolve(/"end":"whole"/.test(client.output)), 80);
      await end(client);
      assert.match(refused!.end, /TKT_NYV.*the KDC's was \d+ (s|min|h) ahead/);
      return `refused, with both clocks in the message; accepted ${
        seconds(took)
      } after they are right, without help (a KDC is asked again at most once a minute)`;
    },
  },
];

/** The faults of KDCs. */
export const KDC: FaultGroup = { name: "kdc", lab: {}, faults };
