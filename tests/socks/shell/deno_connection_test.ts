/** Connections over Deno's sockets: what no other transport does. */
import assert from "node:assert/strict";
import { pause } from "../../../base/deadline.ts";
import { DenoConnection } from "../../../socks/shell/deno_connection.ts";
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

/** A socket whose calls a test answers; as Deno's, it fails what is pending when it is closed. */
function scriptedSocket() {
  const reads: PromiseWithResolvers<number | null>[] = [];
  const write = Promise.withResolvers<number>();
  const address = { transport: "unix", path: "/socket" } as const;
  const conn = {
    localAddr: address,
    remoteAddr: address,
    read(): Promise<number | null> {
      reads.push(Promise.withResolvers());
      return reads.at(-1)!.promise;
    },
    write: () => write.promise,
    closeWrite: () => Promise.resolve(),
    [Symbol.dispose](): void {
      for (const call of reads) call.reject(new Error("Bad resource"));
    },
  };
  return { reads, write, connection: new DenoConnection(conn as unknown as Deno.Conn) };
}

Deno.test("DenoConnection: an end behind the peer's fails no read that is under way", async () => {
  const { reads, connection } = scriptedSocket();
  const [first, second] = [connection.read(), connection.read()];
  reads[0]!.resolve(null);
  assert.equal(await first, null);
  await connection.closeWrite();
  assert.equal(await second, null);
  connection.close();
});

Deno.test("DenoConnection: an end that comes while the last bytes of a cut are written is no end", async () => {
  const { reads, write, connection } = scriptedSocket();
  const reading = connection.read();
  connection.abort(Uint8Array.of(1));
  reads[0]!.resolve(null);
  await assert.rejects(reading, { code: "CLOSED" });
  await assert.rejects(connection.read(), { code: "CLOSED" });
  write.resolve(1);
  await pause(0);
});
