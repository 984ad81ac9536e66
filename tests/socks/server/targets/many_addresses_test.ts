/** A name that stands for many addresses, as whoever has a zone of the DNS may write it: what is tried, when, and how many at once. */
import assert from "node:assert/strict";
import { abortable, startDeadline } from "../../../../base/deadline.ts";
import { monotonicNow } from "../../../../base/runtime.ts";
import type { OpenedTarget, TargetRequest } from "../../../../socks/server/targets/target.ts";
import { SocksReplyError } from "../../../../socks/errors.ts";
import { type Attempt, firstToConnect } from "../../../../socks/server/targets/happy_eyeballs.ts";
import { openDirectly } from "../../../../socks/server/targets/direct.ts";
import { parseRuleText } from "../../../../socks/rules/parse_rule.ts";
import { RuleSet } from "../../../../socks/rules/rule_set.ts";
import type { Dialer } from "../../../../socks/stream/connection.ts";
import { dialTcp } from "../../../../socks/shell/tcp.ts";
import { pipe } from "../../../support/pipe.ts";

const forever = () => new AbortController().signal;
const PACE = { delay: 5, patience: 60 };

/** Attempts of which those named stand, and the others are silent; how many there were at one time, and which. */
function attempts(count: number, good: number, { deaf = false } = {}) {
  const [near] = pipe();
  const opened: OpenedTarget = { connection: near, bound: { hostname: "192.0.2.1", port: 1 } };
  const seen = { begun: [] as number[], atOnce: 0, most: 0, reasons: [] as unknown[] };
  const made = Array.from({ length: count }, (_, i): Attempt => async (signal) => {
    seen.begun.push(i);
    seen.most = Math.max(seen.most, ++seen.atOnce);
    if (i === good) return opened;
    const over = Promise.withResolvers<never>();
    signal.addEventListener("abort", () => {
      seen.atOnce--;
      seen.reasons.push(signal.reason);
      if (!deaf) over.reject(signal.reason);
    }, { once: true });
    return await over.promise;
  });
  return { made, seen, opened };
}

Deno.test("firstToConnect(): gives up the oldest attempt for the next", async () => {
  for (const deaf of [false, true]) {
    const { made, seen, opened } = attempts(10, 8, { deaf });
    const begun = monotonicNow();
    assert.equal(await firstToConnect(made, forever(), { ...PACE, atOnce: 3 }), opened);
    assert.equal(seen.most, 3, "those that are silent, or those and the one that stands");
    assert.deepEqual(seen.begun, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    const [reason] = seen.reasons;
    assert.ok(reason instanceof SocksReplyError && reason.code === "HOST_UNREACHABLE", String(reason));
    assert.match(reason.message, /No answer within 60 ms, and other addresses waited/);
    // The ninth waits for three rounds of silence, and no address for all of them.
    assert.ok(monotonicNow() - begun >= 100, "patience was had with those that are silent");
  }
});

Deno.test("firstToConnect(): counts an attempt until it has ended", async () => {
  let [atOnce, most] = [0, 0];
  const slow: Attempt = (signal) => {
    most = Math.max(most, ++atOnce);
    const over = Promise.withResolvers<never>();
    signal.addEventListener("abort", () => {
      setTimeout(() => {
        atOnce--;
        over.reject(signal.reason);
      }, 5);
    }, { once: true });
    return over.promise;
  };
  const { made: [stands], opened } = attempts(1, 0);
  const others = Array.from({ length: 5 }, () => slow);
  assert.equal(await firstToConnect([...others, stands!], forever(), { delay: 1, patience: 10, atOnce: 2 }), opened);
  assert.equal(most, 2);
  while (atOnce > 0) await new Promise((resolve) => setTimeout(resolve, 1));
});

Deno.test("firstToConnect(): leaves the last attempts to the caller", async () => {
  const begun: number[] = [];
  const fails = (i: number): Attempt => () => {
    begun.push(i);
    return Promise.reject(new Error(`${i}`));
  };
  await assert.rejects(
    firstToConnect(Array.from({ length: 20 }, (_, i) => fails(i)), forever(), { atOnce: 2, delay: 1e6, patience: 1e6 }),
    { message: "19" },
  );
  assert.equal(begun.length, 20);
  const stop = new AbortController();
  const { made, seen } = attempts(3, -1);
  const trying = firstToConnect(made, stop.signal, { atOnce: 3, delay: 1, patience: 1 });
  using over = startDeadline({ milliseconds: 50, reason: () => new Error("still trying") });
  await assert.rejects(abortable(trying, over.signal), { message: "still trying" });
  assert.deepEqual([seen.atOnce, seen.begun.length], [3, 3]);
  stop.abort(new Error("enough"));
  await assert.rejects(trying, { message: "enough" });
  assert.equal(seen.atOnce, 0);
});

Deno.test("firstToConnect(): prefers a failure to a missing route", async () => {
  const noWay: Attempt = () => Promise.reject(new SocksReplyError("NETWORK_UNREACHABLE", "no IPv6 here"));
  const refused: Attempt = () => Promise.reject(new SocksReplyError("CONNECTION_REFUSED", "refused"));
  await assert.rejects(firstToConnect([refused, noWay], forever()), { message: "refused" });
  await assert.rejects(firstToConnect([noWay, refused], forever()), { message: "refused" });
  await assert.rejects(firstToConnect([noWay, noWay], forever()), { message: "no IPv6 here" });
});

function request(hostname: string, port: number, signal: AbortSignal): TargetRequest {
  const identity = { method: "none", name: "", attributes: {} } as const;
  return { hostname, port, identity, command: "connect", protection: "none", signal };
}
const ANYWHERE = ["allow 127.0.0.0/8", "allow ::1", "allow *"];
const rules = () => new RuleSet(ANYWHERE.map(parseRuleText));

Deno.test("openDirectly(): tries sixteen addresses, families alternating", async () => {
  const dialled: string[] = [];
  const dial: Dialer = ({ hostname }) => {
    dialled.push(hostname);
    return Promise.reject(new SocksReplyError("CONNECTION_REFUSED", hostname));
  };
  const found = [
    ...Array.from({ length: 100 }, (_, i) => `45.79.0.${i}`),
    ...Array.from({ length: 5 }, (_, i) => `2606:4700::${i + 1}`),
  ];
  const open = openDirectly({ rules: rules(), resolve: () => Promise.resolve(found), dial });
  await assert.rejects(open(request("many.example", 80, forever())), { message: "45.79.0.10" });
  const wanted = [0, 1, 2, 3, 4].flatMap((i) => [`45.79.0.${i}`, `2606:4700::${i + 1}`]);
  assert.deepEqual(dialled, [...wanted, ...[5, 6, 7, 8, 9, 10].map((i) => `45.79.0.${i}`)]);
});

/** Sockets of this machine's that wait for an answer to their SYN from a port (proc(5), state 02). */
function synSent(port: number): number {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return Deno.readTextFileSync("/proc/net/tcp").split("\n").slice(1).filter((line) => {
    const [, , remote, state] = line.trim().split(/\s+/);
    return remote?.endsWith(wanted) && state === "02";
  }).length;
}

/** A port at every address of 127.0.0.0/8 that drops whatever comes: its queue is full. */
async function deafPort(): Promise<Disposable & { readonly port: number }> {
  const listener = Deno.listen({ hostname: "0.0.0.0", port: 0, tcpBacklog: 1 });
  const { port } = listener.addr as Deno.NetAddr;
  const held: Deno.Conn[] = [];
  for (let full = false; !full;) {
    using deadline = startDeadline({ milliseconds: 300, reason: () => new Error("no answer") });
    const connecting = Deno.connect({ hostname: "127.0.0.1", port, signal: deadline.signal });
    await connecting.then((conn) => held.push(conn), () => full = true);
    assert.ok(held.length < 100, "the queue has no end");
  }
  return {
    port,
    [Symbol.dispose](): void {
      for (const conn of held) conn.close();
      listener.close();
    },
  };
}

Deno.test({
  name: "connect(): opens four sockets at a time to two hundred dead addresses, none after the end",
  ignore: Deno.build.os !== "linux",
  async fn() {
    using deaf = await deafPort();
    const found = Array.from({ length: 200 }, (_, i) => `127.0.1.${i + 1}`);
    const dialled: string[] = [];
    let underWay = 0;
    let together = 0;
    const dial: Dialer = async (target, options) => {
      dialled.push(target.hostname);
      together = Math.max(together, ++underWay);
      try {
        return await dialTcp(target, options);
      } finally {
        underWay--;
      }
    };
    const open = openDirectly({ rules: rules(), resolve: () => Promise.resolve(found), dial });
    using deadline = startDeadline({ milliseconds: 3_200, reason: () => new Error("request has ended") });
    let most = 0;
    let watching = true;
    const watch = async () => {
      while (watching) {
        most = Math.max(most, synSent(deaf.port));
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    };
    const watched = watch();
    await assert.rejects(open(request("many.example", deaf.port, deadline.signal)), { message: "request has ended" });
    watching = false;
    await watched;
    assert.equal(together, 4);
    // The system takes a moment to close what was given up, so that for this moment there are the next ones beside them.
    assert.ok(most >= 3 && most <= 8, `${most} at one time`);
    // Four in the first second; each of them makes room after two, which a busy machine may notice late.
    assert.ok(dialled.length >= 5 && dialled.length <= 9, dialled.join());
    for (let turns = 0; turns < 100 && synSent(deaf.port) > 0; turns++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.equal(synSent(deaf.port), 0);
  },
});

Deno.test({
  name: "connect(): reaches a good address behind three dead ones in under two seconds",
  ignore: Deno.build.os !== "linux",
  async fn() {
    using deaf = await deafPort();
    const listener = Deno.listen({ hostname: "::1", port: deaf.port });
    const cases: [string[], number][] = [
      // Four families' turns: the other one's first address is the second that is tried.
      [["127.0.1.1", "127.0.1.2", "127.0.1.3", "127.0.1.4", "127.0.1.5", "::1"], 1_000],
      [["127.0.1.1", "::1"], 1_000],
    ];
    try {
      for (const [found, limit] of cases) {
        const open = openDirectly({ rules: rules(), resolve: () => Promise.resolve(found), dial: dialTcp });
        const begun = monotonicNow();
        const accepted = listener.accept();
        const { connection, address } = await open(request("host.example", deaf.port, forever()));
        assert.ok(monotonicNow() - begun < limit, `${monotonicNow() - begun} ms`);
        assert.equal(address?.hostname, "::1");
        connection.close();
        (await accepted).close();
      }
    } finally {
      listener.close();
    }
    // One family: the fourth begins when three have been silent for a delay each.
    const dialled: string[] = [];
    const [near] = pipe();
    const dial: Dialer = ({ hostname }, { signal }) => {
      dialled.push(hostname);
      return hostname === "127.0.1.4" ? Promise.resolve(near) : dialTcp({ hostname, port: deaf.port }, { signal });
    };
    const four = ["127.0.1.1", "127.0.1.2", "127.0.1.3", "127.0.1.4"];
    const begun = monotonicNow();
    await openDirectly({ rules: rules(), resolve: () => Promise.resolve(four), dial })(
      request("host.example", deaf.port, forever()),
    );
    assert.ok(monotonicNow() - begun < 1_500, `${monotonicNow() - begun} ms`);
    assert.deepEqual(dialled, four);
  },
});
