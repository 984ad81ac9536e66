/** Requests that a server hands on to another proxy. */
import assert from "node:assert/strict";
import { noAuthentication } from "../../../../socks/auth/none.ts";
import { bindUpstream } from "../../../../socks/server/targets/upstream.ts";
import { GRANTED, NO_METHOD, scriptProxy } from "../../../support/scripted_proxy.ts";

Deno.test("bindUpstream(): close() ends the wait at the other proxy", async () => {
  const { near, far, closed, done } = scriptProxy([NO_METHOD, GRANTED]);
  const bind = bindUpstream({
    proxy: { hostname: "proxy.example", port: 1080 },
    auth: [noAuthentication()],
    dial: () => Promise.resolve(near),
  });
  const identity = { method: "none", name: "", attributes: {} } as const;
  const { signal } = new AbortController();
  const request = { hostname: "192.0.2.9", port: 0, command: "bind", identity, protection: "none", signal } as const;
  const waiting = await bind(request, undefined);
  await done;
  assert.deepEqual(waiting.bound, { hostname: "192.0.2.1", port: 7 });
  assert.equal(closed(), 0);
  waiting.close();
  assert.equal(closed(), 1);
  await assert.rejects(far.read(), { message: "Pipe is closed" });
});
