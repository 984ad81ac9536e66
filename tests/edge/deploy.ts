// deno-lint-ignore-file no-console
/**
 * A proxy as Deno Deploy runs it: behind HTTP, with connections outwards, no listening socket but HTTP's, no datagrams, no files. What Deploy
 * does not have is taken away here; the permissions take away the rest. SIGINT ends it in less than five seconds.
 *
 * @module
 */
import { connectionFromWebSocket, Keytab, serve, WEB_SOCKET_PROTOCOL } from "../../proxy/edge.ts";
import { dialTcp } from "../../socks/mod.ts";

const missing = () => {
  throw new Deno.errors.NotSupported("not on Deploy");
};
Object.assign(Deno, { listen: missing, listenTls: missing, listenDatagram: missing });
for (const name of ["read", "write", "run", "sys", "ffi", "env"] as const) {
  if ((await Deno.permissions.query({ name })).state === "granted") throw new Error(`${name} must not be granted`);
}
const keytab = Keytab.decode(Uint8Array.from(JSON.parse(Deno.args[0]!)));
const proxy = serve({
  keytab,
  rules: ["allow localhost"],
  dial: dialTcp,
  resolve: async (name) => await Deno.resolveDns(name, "A"),
  onEvent: ({ type }) => console.log(type),
});
const front = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen: ({ port }) => console.log(`port ${port}`) },
  (request) => {
    if (request.headers.get("upgrade") !== "websocket") return new Response("a proxy");
    const { socket, response } = Deno.upgradeWebSocket(request, { protocol: WEB_SOCKET_PROTOCOL });
    void proxy.serveConnection(connectionFromWebSocket(socket));
    return response;
  },
);
Deno.addSignalListener("SIGINT", async () => {
  await proxy.shutdown({ deadline: 2_000 });
  await front.shutdown();
  console.log("ended");
  Deno.exit(0);
});
