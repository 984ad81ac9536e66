/** Connections over Deno's sockets: what no other transport does. */
import assert from "node:assert/strict";
import { tcpPair } from "../../support/transports.ts";

Deno.test("DenoConnection: an end behind the peer's closes the socket, and reading stays at the end", async () => {
  const [here, there] = await tcpPair();
  await there.write(Uint8Array.of(1, 2));
  await there.closeWrite();
  assert.deepEqual(await here.read(), Uint8Array.of(1, 2));
  assert.equal(await here.read(), null);
  await here.write(Uint8Array.of(3));
  await here.closeWrite();
  assert.equal(await here.read(), null);
  assert.deepEqual(await there.read(), Uint8Array.of(3), "what was written before");
  assert.equal(await there.read(), null);
  await assert.rejects(here.write(Uint8Array.of(4)), { code: "CLOSED" });
  here.close();
  await assert.rejects(here.read(), { code: "CLOSED" });
  there.close();
});

Deno.test("DenoConnection: an end before the peer's leaves reading open", async () => {
  const [here, there] = await tcpPair();
  await here.closeWrite();
  assert.equal(await there.read(), null);
  await there.write(Uint8Array.of(1));
  assert.deepEqual(await here.read(), Uint8Array.of(1));
  here.close();
  there.close();
});
