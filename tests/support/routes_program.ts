/**
 * Runs in a network namespace without IPv4 except for loopback, with routes that forbid, drop and lead nowhere, and
 * with a NAT64 translator's addresses on this machine. Prints one line of JSON.
 *
 * @module
 */
// deno-lint-ignore-file no-console
import { associate, connect, noAuthentication, serve, type ServerEvent } from "../../mod.ts";
import { dialTcp } from "../../socks/shell/tcp.ts";
import { formatEndpoint } from "../../socks/wire/address.ts";
import { echoServer, udpServer } from "./servers.ts";

const PREFIX = "2a0b:64::/96";
/** 45.79.0.30 under the prefix. */
const TRANSLATED = "2a0b:64::2d4f:1e";

const refused: Record<string, string> = {};
for (const hostname of Deno.args) {
  const error = await dialTcp({ hostname, port: 81 }, {}).then(() => "connected", (error) => error.code);
  refused[hostname] = error;
}

await using echo = echoServer();
const listener = Deno.listen({ hostname: TRANSLATED, port: 0 });
const { port } = listener.addr;
void (async () => {
  for await (const conn of listener) await conn.readable.pipeTo(conn.writable).catch(() => {});
})();
await using udp = await udpServer(undefined, TRANSLATED);
const events: ServerEvent[] = [];
await using server = serve({
  port: 0,
  allowUnauthenticated: true,
  commands: ["connect", "udp"],
  egress: { nat64: [PREFIX] },
  rules: ["deny 10.0.0.0/8", "allow 45.79.0.0/24", "allow localhost"],
  onEvent: (event) => void events.push(event),
});
const through = { proxy: { hostname: "127.0.0.1", port: server.addr.port }, auth: [noAuthentication()] };
const echoed = async (hostname: string, port: number) => {
  await using connection = await connect({ ...through, hostname, port });
  await connection.write(Uint8Array.of(7));
  return await connection.read(new Uint8Array(9));
};
const literal = await echoed("45.79.0.30", port);
const direct = await echoed(TRANSLATED, port);
const local = await echoed("127.0.0.1", echo.port);
const denied = await echoed("2a0b:64::a42:1", port).catch((error) => error.code);
let answer: string;
{
  await using datagrams = await associate(through);
  await datagrams.send(Uint8Array.of(1), { hostname: "45.79.0.30", port: udp.port });
  const [, from] = await datagrams.receive({ signal: AbortSignal.timeout(5_000) });
  answer = formatEndpoint(from).replace(String(udp.port), "PORT");
}
const connected = events.filter((event) => event.type === "connected");
const addresses = connected.map((event) => "address" in event ? event.address?.hostname : undefined);
console.log(JSON.stringify({ refused, literal, direct, local, denied, answer, addresses }));
listener.close();
Deno.exit(0);
