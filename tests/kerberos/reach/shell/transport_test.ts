/** Messages to KDCs over this machine's sockets. */
import assert from "node:assert/strict";
import { systemTransport } from "../../../../kerberos/reach/shell/transport.ts";
import { udpServer } from "../../../support/servers.ts";

const MESSAGE = new Uint8Array([1, 2, 3]);

Deno.test("systemTransport: both families answer, and errors of the sockets are reported", async () => {
  for (const hostname of ["127.0.0.1", "::1"] as const) {
    await using server = await udpServer((data) => data, hostname);
    const address = { protocol: "udp", hostname, port: server.port } as const;
    const { signal } = new AbortController();
    assert.deepEqual(await systemTransport.send(address, MESSAGE, { signal }), MESSAGE);
    await assert.rejects(systemTransport.send(address, new Uint8Array(70_000), { signal }), /EMSGSIZE/);
  }
});
