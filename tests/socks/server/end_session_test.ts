/** One session of many is ended by its number. */
import assert from "node:assert/strict";
import { connect, noAuthentication, serve, type ServerEvent } from "../../../mod.ts";
import { echoServer } from "../../support/servers.ts";

Deno.test("endSession(): ends the session with that number, with the reason, and no other", async () => {
  await using echo = echoServer();
  const events: ServerEvent[] = [];
  const ended = Promise.withResolvers<ServerEvent>();
  await using server = serve({
    port: 0,
    allowUnauthenticated: true,
    rules: ["allow localhost"],
    onEvent(event): void {
      events.push(event);
      if (event.type === "closed") ended.resolve(event);
    },
  });
  const proxy = { hostname: "127.0.0.1", port: server.addr.port };
  const open = () => connect({ proxy, auth: [noAuthentication()], hostname: "127.0.0.1", port: echo.port });
  await using first = await open();
  await using _second = await open();
  assert.deepEqual(server.liveSessions().map(({ session }) => session), [1, 2]);
  assert.equal(server.endSession(3), false);
  assert.equal(server.endSession(2, new Error("Enough")), true);
  const closed = await ended.promise;
  assert.deepEqual([closed.session, "error" in closed && closed.error?.message], [2, "Enough"]);
  // The other one still relays.
  await first.write(Uint8Array.of(7));
  assert.equal(await first.read(new Uint8Array(1)), 1);
  assert.equal(server.endSession(1), true);
});
