/** Forwarded HTTP requests in a server: the rules judge the name and what it leads to, and each request is told in events. */
import assert from "node:assert/strict";
import { serve, type ServerEvent } from "../../mod.ts";
import { origin } from "../support/servers.ts";

/** Sends a request in absolute form to a proxy; returns the status line. */
async function statusOf(port: number, url: string): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const request = `GET ${url} HTTP/1.1\r\nHost: ${new URL(url).host}\r\nConnection: close\r\n\r\n`;
  await connection.write(new TextEncoder().encode(request));
  return (await new Response(connection.readable).text()).split("\r\n", 1)[0]!;
}

Deno.test("serve(): rules judge forwarded requests by name and by the address that it leads to", async () => {
  await using site = origin("the page");
  const { port } = site.addr;
  const cases: [rules: string[], host: string, status: number, why: RegExp][] = [
    [["allow *"], "127.0.0.1", 403, /loopback address, which no rule allows/],
    [["allow *"], "localhost", 403, /loopback address, which no rule allows/],
    // A name that leads to an address inside.
    [["allow *"], "rebound.example", 403, /loopback address, which no rule allows/],
    [["deny .example", "allow localhost"], "x.example", 403, /rule "deny \.example"/],
    [["deny *:1-65535", "allow localhost"], "127.0.0.1", 403, /rule "deny/],
    [["allow localhost"], "127.0.0.1", 200, /^allow localhost$/],
    [["allow rebound.example:1", "allow localhost"], "rebound.example", 200, /^allow localhost$/],
  ];
  for (const [rules, host, status, why] of cases) {
    const events: ServerEvent[] = [];
    await using server = serve({
      ...{ port: 0, allowUnauthenticated: true, protocols: ["http"], rules },
      resolve: () => Promise.resolve(["127.0.0.1"]),
      onEvent: (event) => void events.push(event),
    });
    assert.match(await statusOf(server.addr.port, `http://${host}:${port}/`), new RegExp(`^HTTP/1\\.1 ${status} `));
    await server.shutdown();
    const decided = events.find(({ type }) => type === "refused" || type === "connected");
    const told = decided?.type === "refused"
      ? decided.error.message
      : decided?.type === "connected"
      ? decided.rule?.text ?? ""
      : "nothing";
    assert.match(told, why, `${rules} ${host}`);
  }
});
