/**
 * Measures what sessions leave on the heap: runs rounds of TCP and UDP sessions in memory, and prints the bytes held
 * after each round, one line per round; run with `--v8-flags=--expose-gc`.
 *
 * @module
 */
// deno-lint-ignore-file no-console
import { noAuthentication } from "../../socks/auth/none.ts";
import { AssociateCommand } from "../../socks/server/commands/associate.ts";
import { parseRule } from "../../socks/rules/parse_rule.ts";
import { RuleSet } from "../../socks/rules/rule_set.ts";
import { SocksServer } from "../../socks/server/server.ts";
import type { BindDatagrams, BindDatagramsOptions } from "../../socks/stream/datagram_socket.ts";
import { datagramsDirectly } from "../../socks/server/datagrams/direct.ts";
import { encodeDatagram } from "../../socks/wire/datagram.ts";
import { Monitor } from "../../cli/monitor/monitor.ts";
import { telemetry } from "../../proxy/telemetry.ts";
import { echoTarget } from "./memory_server.ts";
import { pipe } from "./pipe.ts";

const SESSIONS = 1_000;
const { gc } = globalThis as unknown as { gc(): void };
const ends = new Map<number, BindDatagramsOptions>();
let ports = 0;
const bind: BindDatagrams = (options) => {
  const port = 1 + ++ports % 60_000;
  ends.set(port, options);
  return Promise.resolve({
    local: { hostname: "127.0.0.1", port },
    send: (bytes, to) =>
      Promise.resolve(ends.get(to.port)?.onDatagram(new Uint8Array(bytes), { hostname: "127.0.0.1", port })),
    close: () => void ends.delete(port),
  });
};
const rules = new RuleSet([parseRule("allow", "localhost")]);
const monitor = new Monitor();
const measure = telemetry();
const server = new SocksServer({
  auth: [noAuthentication()],
  open: echoTarget,
  associate: new AssociateCommand({
    bind,
    open: datagramsDirectly({ rules: () => rules, resolve: () => Promise.resolve(["127.0.0.1"]), bind }),
  }),
  protocols: ["socks4", "http"],
  limits: { sessionsPerSource: 1e6 },
  timeouts: { idle: 60_000 },
  onEvent(event): void {
    monitor.onEvent(event);
    measure(event);
  },
});

async function session(index: number): Promise<void> {
  const [client, far] = pipe();
  const addressed = Object.assign(Object.create(far), {
    local: { hostname: "127.0.0.1", port: 1080 },
    remote: { hostname: "127.0.0.1", port: 7 },
  });
  const served = server.serve(addressed);
  const udp = index % 2 === 1;
  await client.write(Uint8Array.of(5, 1, 0, 5, udp ? 3 : 1, 0, 1, 127, 0, 0, 1, 0, udp ? 0 : 80));
  for (let got = 0; got < 12;) got += (await client.read())?.length ?? 12;
  if (udp) {
    const relay = ports % 60_000 + 1;
    const datagram = encodeDatagram({ hostname: `host${index % 7}.example`, port: 9 }, new Uint8Array(100));
    ends.get(relay)?.onDatagram(datagram, { hostname: "127.0.0.1", port: 7 });
  } else {
    await client.write(new Uint8Array(1_000));
    await client.read();
  }
  if (index % 3 === 0) client.close();
  else await client.closeWrite();
  await served;
  client.close();
}

for (let round = 0; round < 6; round++) {
  for (let at = 0; at < SESSIONS; at += 100) {
    await Promise.all(Array.from({ length: 100 }, (_, i) => session(at + i)));
  }
  gc();
  console.log(Deno.memoryUsage().heapUsed + Deno.memoryUsage().external);
}
console.log(`sessions ${server.sessions} sockets ${ends.size}`);
await server[Symbol.asyncDispose]();
