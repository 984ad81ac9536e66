/** Forwarded HTTP requests against those who would misuse the forwarder: floods, loops, limits, and answers that come too early. */
import assert from "node:assert/strict";
import { noAuthentication } from "../../../../socks/auth/none.ts";
import { SocksServer } from "../../../../socks/server/server.ts";
import { clientOf, forwardingServer } from "../../../support/http_forwarding.ts";
import { pipe } from "../../../support/pipe.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
const get = (url: string) => `GET ${url} HTTP/1.1\r\nHost: x\r\n\r\n`;

Deno.test("HTTP: a target that sends interim responses without end is cut", async () => {
  const { ask, events } = forwardingServer(async (side) => {
    await side.head();
    for (let i = 0; i < 1_000; i++) await side.send("HTTP/1.1 102 Processing\r\n\r\n");
    await side.send(OK);
  });
  const answer = await ask(get("http://a/"));
  assert.equal(answer.match(/HTTP\/1\.1 102 /g)?.length, 100);
  assert.doesNotMatch(answer, / 200 /);
  const closed = events.find(({ type }) => type === "closed");
  assert.match(closed?.type === "closed" ? `${closed.error}` : "", /too many interim responses/);
});

Deno.test("HTTP: a request to the proxy itself goes no further than there", async () => {
  let opened = 0;
  const served: Promise<void>[] = [];
  const server: SocksServer = new SocksServer({
    auth: [noAuthentication()],
    protocols: ["http"],
    tellReasons: true,
    open: () => {
      opened++;
      const [ours, theirs] = pipe();
      served.push(server.serve(theirs));
      return Promise.resolve({ connection: ours, bound: { hostname: "192.0.2.1", port: 99 } });
    },
  });
  const { side, near, served: first } = clientOf(server);
  await side.send(get("http://proxy/"));
  assert.match(await side.head(), /^HTTP\/1\.1 400 Bad Request\r\n.*Via: 1\.1 gssocks\r\n/s);
  assert.match(await side.until("PORT\n"), /this is a proxy, and its target is neither/);
  near.close();
  await Promise.all([first, ...served]);
  assert.equal(opened, 1);
});

Deno.test("HTTP: requests of one connection are one session of their source, which ends with it", async () => {
  const { server, ask } = forwardingServer(async (side) => {
    while (await side.head() !== "") await side.send(OK);
  }, { limits: { sessionsPerSource: 1 } });
  const { side, near, served } = clientOf(server);
  for (const url of ["http://a/", "http://b/", "http://a/"]) {
    await side.send(get(url));
    assert.match(await side.until("hi"), /^HTTP\/1\.1 200 /);
  }
  assert.doesNotMatch(await ask(get("http://c/")).catch(() => ""), / 200 /, "the source has a session");
  near.close();
  await served;
  assert.match(await ask(get("http://c/")), /^HTTP\/1\.1 200 /);
});

Deno.test("HTTP: an answer that comes before the body has ended ends the connection behind it", async () => {
  const uploaded: string[] = [];
  const { server, targets } = forwardingServer(async (side) => {
    uploaded.push(await side.head() + await side.until("some"));
    await side.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig");
  });
  for (const framing of ["Content-Length: 1000000", "Transfer-Encoding: chunked"]) {
    const { side, near, served } = clientOf(server);
    await side.send(
      `POST http://a/ HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n${framing.includes("chunk") ? "4\r\nsome\r\n" : "some"}`,
    );
    assert.match(await side.until("big"), /^HTTP\/1\.1 413 .*\r\nConnection: close\r\n/s, framing);
    // What follows is the rest of the body, whatever it looks like.
    await side.send(get("http://evil/")).catch(() => {});
    assert.equal(await side.until("never"), "");
    near.close();
    await served;
  }
  assert.deepEqual(targets, ["a:80", "a:80"]);
  assert.doesNotMatch(uploaded.join(""), /evil/);
});

Deno.test("HTTP: an upload in many pieces keeps nothing of those that have gone", async () => {
  const { server } = forwardingServer(async (side) => {
    await side.head();
    await side.until("end");
    await side.send(OK);
  });
  const { side, near, served } = clientOf(server);
  const original = Promise.race;
  let races = 0;
  Promise.race = ((given: readonly unknown[]) => {
    races++;
    return original.call(Promise, given);
  }) as typeof Promise.race;
  try {
    await side.send("POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 2003\r\n\r\n");
    for (let i = 0; i < 1_000; i++) await side.send("ab");
    await side.send("end");
    assert.match(await side.until("hi"), /^HTTP\/1\.1 200 /);
  } finally {
    Promise.race = original;
  }
  // A race against a promise that lasts leaves a reaction with it each time.
  assert.ok(races < 100, `${races} races`);
  near.close();
  await served;
});
