/** Ports of a bridge that lead to one target, for programs that know no proxy. */
import assert from "node:assert/strict";
import { bridge, noAuthentication, serve, type ServerEvent } from "../../mod.ts";
import { forwardOf } from "../../proxy/forwards.ts";
import { listenTcp } from "../../socks/mod.ts";
import { freePort, run } from "../support/process.ts";
import { peer, peerTest } from "../support/peers.ts";
import { startPostgres } from "../support/postgres.ts";
import { startRedis } from "../support/redis.ts";
import { gssocks } from "../support/run_cli.ts";
import { echoServer } from "../support/servers.ts";

const LOCALHOST = "127.0.0.1";
const auth = [noAuthentication()];

/** A proxy that allows this machine. */
function proxyServer(options: { readonly rules?: string[] } = {}) {
  return serve({ port: 0, allowUnauthenticated: true, rules: ["allow localhost"], ...options });
}

/** Sends bytes and returns all that comes back. */
async function echoed(conn: Deno.Conn, text = "hello"): Promise<string> {
  await conn.write(new TextEncoder().encode(text));
  await conn.closeWrite();
  return await new Response(conn.readable).text();
}

Deno.test("bridge: leads a port to its target through the proxy, in both families", async () => {
  await using echo = echoServer();
  await using server = proxyServer();
  const folder = Deno.makeTempDirSync();
  const places: string[] = [];
  const events: ServerEvent[] = [];
  {
    await using local = bridge({
      proxy: `localhost:${server.addr.port}`,
      auth,
      port: 0,
      forwards: [
        { listen: { hostname: "localhost", port: 0 }, target: { hostname: LOCALHOST, port: echo.port } },
        `0=localhost:${echo.port}`,
        `unix:${folder}/s=localhost:${echo.port}`,
        { listen: listenTcp({ hostname: LOCALHOST, port: 0 }), target: { hostname: LOCALHOST, port: echo.port } },
      ],
      onListen: ({ hostname, port }, target) => target && places.push(port === 0 ? hostname : String(port)),
      onEvent: (event) => void events.push(event),
    });
    assert.ok(local.addr.port > 0);
    const [both, ...others] = places;
    for (const hostname of [LOCALHOST, "::1"]) {
      assert.equal(await echoed(await Deno.connect({ hostname, port: Number(both) })), "hello", hostname);
    }
    for (const place of others) {
      const conn = place.startsWith("/")
        ? await Deno.connect({ transport: "unix", path: place })
        : await Deno.connect({ hostname: LOCALHOST, port: Number(place) });
      assert.equal(await echoed(conn), "hello", place);
    }
  }
  assert.equal(events.filter(({ type }) => type === "connected").length, 5);
  assert.equal(events.filter(({ type }) => type === "closed").length, 5);
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("bridge: ends a forwarded connection whose target is denied, and says why in the log", async () => {
  await using server = proxyServer({ rules: [] });
  const ports: number[] = [];
  const refused = Promise.withResolvers<ServerEvent>();
  await using _ = bridge({
    proxy: `localhost:${server.addr.port}`,
    auth,
    port: 0,
    forwards: ["0=localhost:9"],
    onListen: ({ port }, target) => target && ports.push(port),
    onEvent: (event) => event.type === "refused" && refused.resolve(event),
  });
  assert.equal(await echoed(await Deno.connect({ hostname: LOCALHOST, port: ports[0]! })), "");
  const event = await refused.promise;
  assert.ok(event.type === "refused" && event.target?.port === 9);
  assert.match(event.error.message, /rules do not allow/);
});

Deno.test("bridge: refuses forwards that are none, or listen elsewhere", async () => {
  for (
    const [text, problem] of [
      ["db:5432", /there is no LOCAL/],
      ["=db:5432", /there is no LOCAL/],
      ["5432=db", /HOST:PORT/],
      ["5432=db:0", /no target has port 0/],
      ["99999=db:1", /LOCAL is PORT/],
      ["unix:=db:1", /names no path/],
      ["localhost=db:1", /LOCAL is PORT/],
    ] as const
  ) {
    assert.throws(() => bridge({ proxy: "p", auth, port: 0, forwards: [text] }), (error: Error) => {
      return error instanceof TypeError && problem.test(error.message) && error.message.includes(JSON.stringify(text));
    }, text);
    const result = await gssocks(["bridge", "--proxy", "p", "-l", "127.0.0.1:0", "--forward", text]);
    assert.equal(result.code, 2, result.err);
  }
  for (const text of ["0.0.0.0:0=db:1", "192.0.2.1:0=db:1", "[::]:0=db:1"]) {
    assert.throws(() => bridge({ proxy: "p", auth, port: 0, forwards: [text] }), /only loopback addresses/);
  }
  // A listener that is given is no way around it.
  const listen = listenTcp({ hostname: "0.0.0.0", port: 0 });
  const forwards = [{ listen, target: { hostname: "db", port: 1 } }];
  assert.throws(() => bridge({ proxy: "p", auth, port: 0, forwards }), /only loopback addresses/);
  assert.equal(await listen.accept(), undefined, "it is closed");
  assert.throws(() => bridge({ proxy: "p", auth, forwards: "5=d:1" as never }), /must be a list/);
  assert.equal(forwardOf("[::1]:5=[2001:db8::1]:6").target.hostname, "2001:db8::1");
  assert.equal(forwardOf("unix:/run/a=b=db:6").target.port, 6);
});

Deno.test("bridge: closes all listeners where one forward cannot listen", async () => {
  using taken = Deno.listen({ hostname: LOCALHOST, port: 0 });
  const free = freePort();
  const forwards = [`${LOCALHOST}:${free}=db:1`, `${LOCALHOST}:${taken.addr.port}=db:1`];
  assert.throws(() => bridge({ proxy: "p", auth, port: 0, forwards }), Deno.errors.AddrInUse);
  Deno.listen({ hostname: LOCALHOST, port: free }).close();
  // A listener that is given is closed also where nothing was opened yet.
  const listen = listenTcp({ hostname: LOCALHOST, port: 0 });
  const bad = [{ listen, target: { hostname: "db", port: 1 } }, "none"];
  assert.throws(() => bridge({ proxy: "p", auth, port: 0, forwards: bad }), TypeError);
  assert.equal(await listen.accept(), undefined);
});

Deno.test("bridge: lets the real redis-cli use a forward", async () => {
  await using redis = await startRedis();
  await using server = proxyServer();
  const ports: number[] = [];
  await using _ = bridge({
    proxy: `localhost:${server.addr.port}`,
    auth,
    port: 0,
    forwards: [`127.0.0.1:0=127.0.0.1:${redis.port}`],
    onListen: ({ port }, target) => target && ports.push(port),
  });
  const { stdout } = await run("redis-cli", ["-h", LOCALHOST, "-p", String(ports[0]), "PING"]);
  assert.equal(stdout.trim(), "PONG");
});

peerTest(
  "bridge: lets the real psql use forwards, TCP and a socket in the file system",
  ["psql", "postgres", "initdb"],
  async () => {
    await using postgres = await startPostgres();
    await using server = proxyServer();
    const folder = Deno.makeTempDirSync();
    const ports: number[] = [];
    {
      const target = `127.0.0.1:${postgres.port}`;
      await using _ = bridge({
        proxy: `localhost:${server.addr.port}`,
        auth,
        port: 0,
        // The name that PostgreSQL's programs look for in a folder.
        forwards: [`127.0.0.1:0=${target}`, `unix:${folder}/.s.PGSQL.5432=${target}`],
        onListen: ({ port }, target) => target && ports.push(port),
      });
      // More than one row of a large answer: both sides wait for each other in between.
      const query = "select sum(length(x)) from (select repeat('x', 1000) as x from generate_series(1, 3000)) as rows";
      const copy = "copy (select repeat('x', 1000) from generate_series(1, 3000)) to stdout";
      for (const [host, port] of [[LOCALHOST, ports[0]], [folder, 5432]] as const) {
        const psql = async (sql: string) =>
          await run(peer("psql"), ["-h", host, "-p", String(port), "-U", "alice", "-d", "postgres", "-Atc", sql]);
        assert.deepEqual(await psql(query), { code: 0, stdout: "3000000\n", stderr: "" }, host);
        assert.equal((await psql(copy)).stdout.length, 3000 * 1001);
      }
    }
    Deno.removeSync(folder, { recursive: true });
  },
);
