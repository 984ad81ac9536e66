/**
 * A client of the soak test: opens many sessions; after a line of input it sends on all of them and checks the echoes,
 * until its standard input ends or it is killed.
 *
 * deno run soak_client.ts PROXY_PORT TCP_PORT UDP_PORT CONNECTIONS ASSOCIATIONS
 *
 * @module
 */
// deno-lint-ignore-file no-console
import { associate, connect, type SocksConnection, type SocksDatagrams, systemTickets } from "../../mod.ts";

const [proxyPort, tcpPort, udpPort, connections, associations] = Deno.args.map(Number) as [
  number,
  number,
  number,
  number,
  number,
];
const through = { proxy: { hostname: "localhost", port: proxyPort }, credentials: systemTickets() };
const target = { hostname: "127.0.0.1", port: tcpPort };
let running = true;

async function talk(connection: SocksConnection, seed: number): Promise<void> {
  const buffer = new Uint8Array(20_000);
  for (let round = 0; running; round++) {
    const data = new Uint8Array(1 + (seed * 977 + round * 331) % 20_000).fill(seed + round);
    await connection.write(data);
    for (let got = 0; got < data.length;) {
      const count = await connection.read(buffer);
      if (count === null) throw new Error("target ended");
      if (buffer.subarray(0, count).some((byte) => byte !== ((seed + round) & 0xff))) throw new Error("wrong bytes");
      got += count;
    }
  }
}

/** Repeats a request without an answer: datagrams may be lost. */
async function ask(datagrams: SocksDatagrams, seed: number): Promise<void> {
  let answer = Promise.withResolvers<void>();
  const reading = (async () => {
    for await (const [data] of datagrams) {
      // Late answers come too; each is whole and belongs to this association.
      const at = data.findIndex((byte) => byte !== data[0]);
      if (at >= 0) {
        throw new Error(
          `wrong datagram: ${data.length} bytes, ${data[0]} until ${at}, then ${data.slice(at, at + 32)}`,
        );
      }
      answer.resolve();
    }
  })();
  for (let round = 0; running; round++) {
    answer = Promise.withResolvers<void>();
    const data = new Uint8Array(1 + (seed * 61 + round * 31) % 1_200).fill(seed + round);
    await datagrams.send(data, { hostname: "127.0.0.1", port: udpPort });
    const timer = setTimeout(answer.resolve, 1_000);
    await answer.promise;
    clearTimeout(timer);
  }
  datagrams.close();
  await reading;
}

const start: (() => Promise<void>)[] = [];
/** Concurrent handshakes. */
const HANDSHAKES = 16;
let next = 0;
await Promise.all(Array.from({ length: HANDSHAKES }, async () => {
  while (next < connections + associations) {
    const seed = next++;
    if (seed < connections) {
      const connection = await connect({ ...through, ...target });
      start.push(() => talk(connection, seed).finally(() => connection.close()));
    } else {
      const datagrams = await associate(through);
      start.push(() => ask(datagrams, seed).finally(() => datagrams.close()));
    }
  }
}));
console.log("ready");
const input = Deno.stdin.readable.getReader();
await input.read();
const talking = start.map((begin) => begin());
while (!(await input.read()).done);
running = false;
const failed = (await Promise.allSettled(talking)).filter(({ status }) => status === "rejected");
console.log(
  failed.length === 0 ? "all well" : `failed: ${failed.length}: ${(failed[0] as PromiseRejectedResult).reason}`,
);
