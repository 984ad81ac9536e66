/** A session ends in every phase, over every transport and in every way, at once, and leaves nothing. */
import assert from "node:assert/strict";
import { pause } from "../../../base/deadline.ts";
import { noAuthentication } from "../../../socks/auth/none.ts";
import { AssociateCommand } from "../../../socks/server/commands/associate.ts";
import { SocksTimeoutError } from "../../../socks/errors.ts";
import { openDirectly } from "../../../socks/server/targets/direct.ts";
import { parseRule } from "../../../socks/rules/parse_rule.ts";
import { dialTcp } from "../../../socks/shell/tcp.ts";
import { RuleSet } from "../../../socks/rules/rule_set.ts";
import type { ServerEvent } from "../../../socks/server/events.ts";
import type { Connection } from "../../../socks/stream/connection.ts";
import { listenTls } from "../../../socks/shell/tls.ts";
import { makeUnlessAborted } from "../../../socks/stream/make_unless_aborted.ts";
import { certificateFor } from "../../support/certificate.ts";
import { countedController } from "../../support/counted_signal.ts";
import {
  sessionEnds,
  type SessionTransport,
  sessionTransports,
  WatchedServer,
} from "../../support/session_transports.ts";
import { pipe, readExactly, readOut } from "../../support/pipe.ts";
import { until, within } from "../../support/waiting.ts";
import { closable, stuckOperation, watchedTarget } from "../../support/controlled_resources.ts";
import { type Phase, phases } from "../../support/session_phases.ts";
import { makeServer } from "../../support/memory_server.ts";
import { peerTest } from "../../support/peers.ts";
import { unhex } from "../../support/vectors.ts";

const REASON = new Error("told to stop");

/** Ways of ending, and whether the reason is the right one. */
const ENDINGS: Record<string, (error: unknown, code: string | undefined) => boolean> = {
  "dispose": (error) => error instanceof Error && error.message === "Server is shutting down",
  "shutdown": (error) => error instanceof Error && error.message === "Server is shutting down",
  "signal": (error) => error === REASON,
  "its own time": (error, code) => error instanceof SocksTimeoutError && error.code === code,
};

/** Longest time that an end may take: a second for a client that does not take its refusal, and what a busy machine adds. */
const PROMPT = 4_000;

/** Brings a session into a phase, ends it there, and looks at what is left. */
async function endIn(phase: Phase, how: string, way: SessionTransport): Promise<void> {
  const events: ServerEvent[] = [];
  const stop = countedController();
  const server = new WatchedServer({
    auth: [noAuthentication()],
    open: () => Promise.reject(new Error("nobody asks for this")),
    signal: stop.signal,
    onEvent: (event) => void events.push(event),
    ...phase.options,
    ...(how === "its own time" ? phase.own : {}),
  });
  const client = await way.open(server);
  try {
    await within(PROMPT, "getting there", phase.enter({ client, events }));
    if (how === "dispose") await within(PROMPT, "dispose", server[Symbol.asyncDispose]());
    if (how === "shutdown") await within(PROMPT, "shutdown", server.shutdown({ deadline: 5 }));
    if (how === "signal") stop.abort(REASON);
    await within(PROMPT, "the session", Promise.all(server.served));
    assert.equal(server.served.length, 1);
    assert.equal(server.sessions, 0);
    phase.late?.();
    await within(PROMPT, "what is closed", until(() => phase.held.every(({ closed }) => closed)));
    await within(PROMPT, "what else there is", until(() => phase.check?.() ?? true));
    const [end, ...more] = sessionEnds(events);
    assert.deepEqual(more, [], "it is told once");
    assert.equal(end, events.at(-1));
    const told = phase.code === undefined || ENDINGS[how]!(end!.error, phase.code);
    assert.ok(told, `reason: ${Deno.inspect(end!.error)}`);
    await within(PROMPT, "the client", readOut(client));
    await server[Symbol.asyncDispose]();
    if (how !== "signal") assert.equal(stop.listeners(), 0);
  } finally {
    client.close();
    await within(PROMPT, "cleaning up", server[Symbol.asyncDispose]());
  }
}

/** Ways to a server, and what they need. */
const WAYS = [["TCP", []], ["WebSocket", []], ["streams", []], ["TLS", ["openssl"]], ["stuck", []]] as const;
for (const [name, needed] of WAYS) {
  peerTest(`session: ends in every phase and way and leaves nothing, over ${name}`, [...needed], async () => {
    await using stack = new AsyncDisposableStack();
    const tls = name === "TLS" ? await certificateFor() : undefined;
    const way = sessionTransports(stack, tls)[name]!;
    const failed: string[] = [];
    for (const how of Object.keys(ENDINGS)) {
      await Promise.all(
        Object.entries(phases()).filter(([, { only = name, not }]) => only === name && not !== name).map(
          async ([title, phase]) => {
            try {
              await endIn(phase, how, way);
            } catch (error) {
              failed.push(`${title}, ${how}: ${error}`);
            }
          },
        ),
      );
    }
    assert.deepEqual(failed, []);
  });
}

peerTest("session: ends a TLS client that never shakes hands", ["openssl"], async () => {
  const tls = await certificateFor();
  const way: SessionTransport = {
    async open(server) {
      const listener = listenTls({ hostname: "127.0.0.1", port: 0, ...tls });
      void server.listen(listener);
      return await dialTcp(listener.addr, {});
    },
  };
  for (const bytes of [0, 3]) {
    await Promise.all(
      Object.keys(ENDINGS).map((how) =>
        endIn(
          {
            options: {},
            own: { timeouts: { handshake: 60 } },
            code: "HANDSHAKE_TIMEOUT",
            held: [],
            // Nothing, or the beginning of a record.
            enter: async ({ client, events }) => {
              await until(() => events.length === 1);
              await client.write(Uint8Array.of(0x16, 3, 1).subarray(0, bytes));
            },
          },
          how,
          way,
        )
      ),
    );
  }
});

const CONNECT = unhex("0501000304746573740050");

Deno.test("replySuccess(): takes an end after the reply as the end of the session", async () => {
  const stop = new AbortController();
  const { server, events } = makeServer({
    signal: stop.signal,
    onEvent(event): void {
      events.push(event);
      if (event.type === "connected") stop.abort(REASON);
    },
  });
  const [client, far] = pipe();
  const served = server.serve(far);
  await client.write(unhex("050100"));
  await readExactly(client, 2);
  await client.write(CONNECT);
  await within(PROMPT, "the session", served);
  assert.deepEqual(events.map(({ type }) => type), ["accepted", "authenticated", "connected", "closed"]);
  const last = events.at(-1)!;
  assert.ok(last.type === "closed" && last.error === REASON);
});

Deno.test("replySuccess(): reports no success after the end", async () => {
  const [client, far] = pipe();
  const taken = Promise.withResolvers<void>();
  let writes = 0;
  const slow: Connection = { ...far, write: (bytes) => ++writes === 1 ? far.write(bytes) : taken.promise };
  const { server, events } = makeServer({ timeouts: { connect: 20 } });
  const served = server.serve(slow);
  await client.write(unhex("050100"));
  await readExactly(client, 2);
  await client.write(CONNECT);
  await within(PROMPT, "the session", served);
  taken.resolve();
  for (let turns = 0; turns < 20; turns++) await Promise.resolve();
  assert.deepEqual(events.map(({ type }) => type), ["accepted", "authenticated", "refused"]);
});

Deno.test("openDirectly(): ends with its signal although resolver and dialer ignore it", async () => {
  const rules = new RuleSet([parseRule("allow", "test"), parseRule("allow", "127.0.0.0/8")]);
  const [lookup, dial] = [stuckOperation<readonly string[]>(), stuckOperation<Connection>()];
  const request = (signal: AbortSignal) => ({
    ...{ hostname: "test", port: 80, command: "connect", protection: "none", signal } as const,
    identity: { method: "none", name: "", attributes: {} } as const,
  });
  const late = watchedTarget("silent");
  for (const [phase, addresses] of [[lookup, lookup.make], [dial, () => Promise.resolve(["127.0.0.1"])]] as const) {
    const stop = new AbortController();
    const open = openDirectly({ rules, resolve: addresses, dial: dial.make });
    const opening = open(request(stop.signal));
    await phase.started;
    stop.abort(REASON);
    await assert.rejects(within(PROMPT, "the attempt", opening), (error) => error === REASON);
    await assert.rejects(open(request(AbortSignal.abort(REASON))), (error) => error === REASON);
  }
  dial.resolve(late);
  await within(PROMPT, "the late connection", until(() => late.closed));
});

Deno.test("makeUnlessAborted(): takes what is made in time, and gives up the rest once", async () => {
  const controller = countedController();
  const { signal } = controller;
  const made = closable();
  const given: unknown[] = [];
  const giveUp = (late: unknown) => void given.push(late);
  assert.equal(await makeUnlessAborted(() => Promise.resolve(made), signal, giveUp), made);
  assert.equal(controller.listeners(), 0, "a server asks for very much with one signal");
  await assert.rejects(makeUnlessAborted(() => Promise.reject(REASON), signal, giveUp), (error) => error === REASON);
  assert.equal(controller.listeners(), 0);
  // It is made, and the end comes with it.
  const aborting = makeUnlessAborted(
    () => {
      controller.abort(REASON);
      return Promise.resolve(made);
    },
    signal,
    giveUp,
  );
  await assert.rejects(aborting, (error) => error === REASON);
  for (let turns = 0; turns < 5; turns++) await Promise.resolve();
  assert.deepEqual(given, [made]);
  const begin = () => assert.fail("it was begun behind the end");
  await assert.rejects(makeUnlessAborted(begin, signal, giveUp), (error) => error === REASON);
  // That something cannot be given up is nobody's error.
  const other = new AbortController();
  const [later, never] = [Promise.withResolvers<void>(), () => assert.fail("it cannot be closed")];
  const waiting = makeUnlessAborted(() => later.promise, other.signal, never);
  other.abort(REASON);
  await assert.rejects(waiting, (error) => error === REASON);
  later.resolve();
});

Deno.test("AssociateCommand: checks its time and its limit", () => {
  const unused = () => Promise.reject(new Error("unused"));
  for (const wrong of [{ idleTimeout: NaN }, { idleTimeout: -1 }, { maxAssociations: NaN }]) {
    assert.throws(() => new AssociateCommand({ open: unused, bind: unused, ...wrong }), TypeError);
  }
});

Deno.test("association: outlives the time limit of its setup, not its session", async () => {
  let signal: AbortSignal | undefined;
  const socket = { ...closable(), local: { hostname: "127.0.0.1", port: 9 }, send: () => Promise.resolve() };
  const associate = new AssociateCommand({
    open(request) {
      signal = request.signal;
      return Promise.resolve(socket);
    },
    bind: () => Promise.resolve(socket),
  });
  await using stack = new AsyncDisposableStack();
  const server = stack.use(
    new WatchedServer({
      auth: [noAuthentication()],
      open: () => Promise.reject(REASON),
      associate,
      timeouts: { connect: 30 },
    }),
  );
  await using client = await sessionTransports(stack, undefined).TCP!.open(server);
  await client.write(unhex("050100"));
  await readExactly(client, 2);
  await client.write(unhex("05030001000000000000"));
  await readExactly(client, 10);
  await pause(60);
  assert.deepEqual([server.sessions, signal!.aborted], [1, false]);
  await server[Symbol.asyncDispose]();
  assert.equal(signal!.aborted, true);
});
