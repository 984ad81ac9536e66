/** A session ends in every phase, over every transport and in every way, at once, and leaves nothing. */
import assert from "node:assert/strict";
import { noAuthentication } from "../socks/auth/method.ts";
import { SocksTimeoutError } from "../socks/errors.ts";
import type { ServerEvent } from "../socks/server.ts";
import { dialTcp, listenTls } from "../socks/stream/deno.ts";
import { localCertificate } from "./support/certificate.ts";
import { countedSignal, ends, readOut, until, WatchedServer, type Way, ways, within } from "./support/end_lab.ts";
import { type Phase, phases } from "./support/end_phases.ts";
import { peerTest } from "./support/peers.ts";

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
async function endIn(phase: Phase, how: string, way: Way): Promise<void> {
  const events: ServerEvent[] = [];
  const stop = countedSignal();
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
    if (how === "signal") stop.controller.abort(REASON);
    await within(PROMPT, "the session", Promise.all(server.served));
    assert.equal(server.served.length, 1);
    assert.equal(server.sessions, 0);
    phase.late?.();
    await within(PROMPT, "what is closed", until(() => phase.held.every(({ closed }) => closed)));
    await within(PROMPT, "what else there is", until(() => phase.check?.() ?? true));
    const [end, ...more] = ends(events);
    assert.deepEqual(more, [], "it is told once");
    assert.equal(end, events.at(-1));
    const told = phase.code === undefined || ENDINGS[how]!(end!.error, phase.code);
    assert.ok(told, `reason: ${Deno.inspect(end!.error)}`);
    if (!phase.unseen) await within(PROMPT, "the client", readOut(client));
    await server[Symbol.asyncDispose]();
    if (how !== "signal") assert.equal(stop.listeners(), 0);
  } finally {
    client.close();
    await within(PROMPT, "cleaning up", server[Symbol.asyncDispose]());
  }
}

const openssl = [["TCP", []], ["WebSocket", []], ["streams", []], ["TLS", ["openssl"]]] as const;
for (const [name, needed] of openssl) {
  peerTest(`a session over ${name} ends in every phase and in every way, and leaves nothing`, [...needed], async () => {
    await using stack = new AsyncDisposableStack();
    const tls = name === "TLS" ? await localCertificate() : undefined;
    const way = ways(stack, tls)[name]!;
    const failed: string[] = [];
    for (const how of Object.keys(ENDINGS)) {
      await Promise.all(
        Object.entries(phases()).filter(([, { only = name }]) => only === name).map(async ([title, phase]) => {
          try {
            await endIn(phase, how, way);
          } catch (error) {
            failed.push(`${title}, ${how}: ${error}`);
          }
        }),
      );
    }
    assert.deepEqual(failed, []);
  });
}

peerTest("a client of TLS that never shakes hands is ended like others", ["openssl"], async () => {
  const tls = await localCertificate();
  const way: Way = {
    async open(server) {
      const listener = listenTls({ hostname: "127.0.0.1", port: 0, ...tls });
      void server.listen(listener);
      return await dialTcp(listener.addr, {});
    },
  };
  for (const octets of [0, 3]) {
    await Promise.all(
      Object.keys(ENDINGS).map((how) =>
        endIn(
          {
            options: {},
            own: { handshakeTimeout: 60 },
            code: "HANDSHAKE_TIMEOUT",
            held: [],
            // Deno lets a socket of TLS go only when its handshake is over, or its peer is gone.
            unseen: true,
            // Nothing, or the beginning of a record.
            enter: async ({ client, events }) => {
              await until(() => events.length === 1);
              await client.write(Uint8Array.of(0x16, 3, 1).subarray(0, octets));
            },
          },
          how,
          way,
        )
      ),
    );
  }
});
