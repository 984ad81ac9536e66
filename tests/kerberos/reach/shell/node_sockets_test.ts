/** The stream sockets on `node:net`, which Deno has too: they do what Deno's own do. */
import assert from "node:assert/strict";
import { denoSockets } from "../../../../kerberos/reach/shell/deno_sockets.ts";
import { nodeSockets } from "../../../../kerberos/reach/shell/node_sockets.ts";
import type { StreamSockets } from "../../../../kerberos/reach/shell/stream_sockets.ts";

const { signal } = new AbortController();

for (
  const [platform, sockets] of Object.entries(
    { "node:net": nodeSockets, Deno: denoSockets } satisfies Record<string, StreamSockets>,
  )
) {
  Deno.test(`${platform}: bytes go both ways, an end is one direction's, and a short read leaves the rest`, async () => {
    const listener = await sockets.listen({ hostname: "127.0.0.1", port: 0 });
    const opening = sockets.connect({ hostname: "127.0.0.1", port: listener.addr.port, signal });
    using far = await listener.accept();
    using near = await opening;
    assert.equal(await near.write(new Uint8Array([1, 2, 3])), 3);
    await near.closeWrite();
    const into = new Uint8Array(2);
    assert.deepEqual([await far.read(into), [...into]], [2, [1, 2]]);
    assert.deepEqual([await far.read(into), into[0]], [1, 3]);
    assert.equal(await far.read(into), null);
    await far.write(new Uint8Array([9]));
    assert.deepEqual([await near.read(into), into[0]], [1, 9]);
    far[Symbol.dispose]();
    assert.equal(await near.read(into), null);
    listener.close();
  });

  Deno.test(`${platform}: closing ends what waits, and a listener's accept()`, async () => {
    const listener = await sockets.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    const opening = sockets.connect({ hostname: "127.0.0.1", port, signal });
    const far = await listener.accept();
    const near = await opening;
    const waiting = assert.rejects(near.read(new Uint8Array(1)));
    near[Symbol.dispose]();
    await waiting;
    far[Symbol.dispose]();
    const accepting = assert.rejects(listener.accept());
    listener.close();
    await accepting;
    await assert.rejects(listener.accept());
    await assert.rejects(sockets.connect({ hostname: "127.0.0.1", port, signal }), { code: "ECONNREFUSED" });
    await assert.rejects(sockets.connectUnix("/nowhere/at/all"), { code: "ENOENT" });
  });

  Deno.test(`${platform}: an attempt ends with its signal`, async () => {
    const reason = new Error("no more");
    const attempt = { hostname: "127.0.0.1", port: 1, signal: AbortSignal.abort(reason) };
    await assert.rejects(sockets.connect(attempt), reason);
  });
}
