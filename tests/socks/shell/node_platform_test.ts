/** The sockets of Node's modules, which Deno has too: what `tests/alike` does not ask, of listeners above all. */
import assert from "node:assert/strict";
import { nodePlatform } from "../../../socks/shell/node_platform.ts";
import { SocksReplyError } from "../../../socks/errors.ts";
import type { Connection } from "../../../socks/stream/connection.ts";

const HERE = { hostname: "127.0.0.1", port: 0 };
const { dial, listen, listenUnix, dialUnix } = nodePlatform;

Deno.test("node:net: a listener has its port at once, and tells what keeps it from listening", () => {
  const listener = listen(HERE);
  assert.ok(listener.addr.port > 0);
  assert.throws(() => listen(listener.addr), {
    message:
      `Cannot listen on 127.0.0.1:${listener.addr.port}: something listens there already; end it, or choose another port`,
    code: "EADDRINUSE",
  });
  listener.close();
  assert.throws(
    () => listen({ hostname: "proxy.example.com", port: 0 }),
    /: a name is not looked up here; write an address$/,
  );
  assert.throws(() => listen({ ...HERE, reusePort: true }), /: reusePort is not possible in this runtime$/);
});

Deno.test("node:net: localhost is both of its addresses on one port", async () => {
  const listener = listen({ hostname: "localhost", port: 0 });
  for (const hostname of ["127.0.0.1", "::1"]) {
    const [near, far] = await Promise.all([dial({ ...listener.addr, hostname }, {}), listener.accept()]);
    assert.equal(far!.local!.hostname, hostname);
    assert.deepEqual(far!.remote, near.local);
    near.close();
    far!.close();
  }
  listener.close();
  assert.equal(await listener.accept(), undefined);
});

Deno.test("node:net: clients are accepted in their order, before or after they are asked for", async () => {
  const listener = listen(HERE);
  const ports: (number | undefined)[] = [];
  const far: (number | undefined)[] = [];
  const asked = listener.accept();
  for (let i = 0; i < 3; i++) {
    const near = await dial(listener.addr, {});
    ports.push(near.local!.port);
    const accepted = await (i === 0 ? asked : listener.accept());
    far.push(accepted!.remote!.port);
    near.close();
    accepted!.close();
  }
  assert.deepEqual(far, ports);
  listener.close();
});

Deno.test("node:net: closing ends the call that waits, and clients that nobody has taken", async () => {
  const listener = listen(HERE);
  const near = await dial(listener.addr, {});
  const taken = await listener.accept();
  const waiting = listener.accept();
  const untaken = await dial(listener.addr, {});
  const last = await waiting;
  const late = await dial(listener.addr, {});
  await near.write(new Uint8Array(1));
  await taken!.read();
  const pending = [late.read().then(() => "end", () => "end")];
  listener.close();
  listener.close();
  assert.deepEqual([await listener.accept(), ...await Promise.all(pending)], [undefined, "end"]);
  for (const one of [near, taken, untaken, last, late]) one?.close();
  const again = listen(listener.addr);
  const nobody = again.accept();
  again.close();
  assert.equal(await nobody, undefined);
});

Deno.test("node:net: clients that nobody takes are bounded; the others are taken later", async () => {
  const listener = listen(HERE);
  const near: Connection[] = [];
  for (let i = 0; i < 511; i++) near.push(await dial(listener.addr, {}));
  const tooMany = await dial(listener.addr, {});
  assert.equal(await tooMany.read().then(() => "ended", () => "ended"), "ended");
  for (const { local } of near) {
    const far = await listener.accept();
    assert.deepEqual(far!.remote, local);
    far!.close();
  }
  const next = listener.accept();
  near.push(await dial(listener.addr, {}));
  assert.deepEqual((await next)!.remote, near.at(-1)!.local);
  (await next)!.close();
  for (const one of [...near, tooMany]) one.close();
  listener.close();
});

Deno.test("node:net: a socket in the file system is used, taken only once, and removed", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/socket`;
    const listener = listenUnix(path);
    const [near, far] = await Promise.all([dialUnix(path)(HERE, {}), listener.accept()]);
    await near.write(new Uint8Array([7]));
    assert.deepEqual(await far!.read(), new Uint8Array([7]));
    near.close();
    far!.close();
    listener.close();
    await assert.rejects(dialUnix(path)(HERE, {}), (error) => error instanceof SocksReplyError);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("node:net: a dial that fails or is given up says why, and leaves no socket", async () => {
  await assert.rejects(dial({ hostname: "127.0.0.1", port: 1 }, {}), {
    code: "CONNECTION_REFUSED",
    message: /^Cannot connect to 127\.0\.0\.1:1: /,
  });
  const reason = new Error("no more");
  await assert.rejects(dial({ hostname: "192.0.2.1", port: 1 }, { signal: AbortSignal.abort(reason) }), reason);
  const connection = await nodePlatform.dialFrom(["127.0.0.1"])(listenOnce(), {});
  assert.equal(connection.local!.hostname, "127.0.0.1");
  connection.close();
});

/** Where something listens until its first client. */
function listenOnce(): { readonly hostname: string; readonly port: number } {
  const listener = listen(HERE);
  void listener.accept().then((connection) => {
    connection?.close();
    listener.close();
  });
  return listener.addr;
}
