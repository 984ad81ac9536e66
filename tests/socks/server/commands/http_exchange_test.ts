/** Several requests of one HTTP client: nothing of them is lost between two targets, or where a target ends or speaks too early. */
import assert from "node:assert/strict";
import { type Bytes, EMPTY, utf8 } from "../../../../base/bytes.ts";
import { HttpExchange } from "../../../../socks/server/commands/http_exchange.ts";
import { HttpReader } from "../../../../socks/server/front/http_reader.ts";
import { type ProxyRequest, requestDecoder } from "../../../../socks/server/front/http_request.ts";
import { clientOf, forwardingServer } from "../../../support/http_forwarding.ts";
import { pipe } from "../../../support/pipe.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
const get = (url: string) => `GET ${url} HTTP/1.1\r\nHost: x\r\n\r\n`;

Deno.test("HTTP: loses no request that comes while the answer to an earlier one is awaited", async () => {
  const { promise: answers, resolve: answer } = Promise.withResolvers<void>();
  const { server, targets } = forwardingServer(async (side, target) => {
    while (await side.head() !== "") {
      if (target === "a:80") await answers;
      await side.send(OK);
    }
  });
  const { side, near, served } = clientOf(server);
  await side.send(get("http://a/1"));
  await side.send(get("http://b/2"));
  // All of that is in memory: one turn, and the server has read it.
  await new Promise((resolve) => setTimeout(resolve));
  answer();
  for (let i = 0; i < 2; i++) assert.match(await side.until("hi"), /^HTTP\/1\.1 200 /);
  await side.send(get("http://c/3"));
  assert.match(await side.until("hi"), /^HTTP\/1\.1 200 /);
  assert.deepEqual(targets, ["a:80", "b:80", "c:80"]);
  near.close();
  await served;
});

Deno.test("HTTP: loses no request behind one that was sent again", async () => {
  let connections = 0;
  const { server } = forwardingServer(async (side) => {
    const first = ++connections === 1;
    for (let i = 0; await side.head() !== ""; i++) {
      if (first && i === 1) return;
      await side.send(OK);
    }
  });
  const { side, near, served } = clientOf(server);
  for (let i = 0; i < 4; i++) {
    await side.send(get(`http://a/${i}`));
    assert.match(await side.until("hi"), /^HTTP\/1\.1 200 /);
  }
  assert.equal(connections, 2);
  near.close();
  await served;
});

function requestOf(url: string, method = "GET"): ProxyRequest {
  return requestDecoder()(utf8(get(url).replace("GET", method)))!.value;
}

/** An exchange whose next request a test gives. */
function exchangeOf() {
  const [client] = pipe();
  const [target] = pipe();
  const next = Promise.withResolvers<ProxyRequest | undefined>();
  const written: string[] = [];
  const exchange = new HttpExchange({
    first: requestOf("http://a/1").forwarded!,
    reader: new HttpReader(client),
    client,
    target,
    write: (bytes) => Promise.resolve(void written.push(new TextDecoder().decode(bytes))),
    nextHead: () => next.promise,
    mayContinue: true,
  });
  return { exchange, next, written };
}

Deno.test("HTTP: a request is not lost if the target speaks or ends just before it is sent", async () => {
  const seen = new Set<string>();
  for (const ends of [false, true]) {
    for (let turns = 0; turns < 20; turns++) {
      const { exchange, next } = exchangeOf();
      await exchange.client.read();
      const reading = exchange.client.read();
      await exchange.client.write(utf8(OK));
      next.resolve(requestOf("http://a/2", "POST"));
      for (let i = 0; i < turns; i++) await Promise.resolve();
      const unasked = ends ? exchange.client.closeWrite() : exchange.client.write(utf8("HTTP/1.1 500 x\r\n"));
      await unasked.catch(() => {});
      const sent = await reading !== null;
      // It was not taken from the client, or it goes over a new connection.
      const kept = exchange.complete && exchange.continues;
      seen.add(sent ? "sent" : exchange.again?.path ?? `kept ${kept}`);
    }
  }
  assert.deepEqual([...seen].sort(), ["/2", "kept true", "sent"]);
});

Deno.test("HTTP: keeps the begin of a response's head, whose memory is used again", async () => {
  const { exchange, written } = exchangeOf();
  await exchange.client.read();
  const memory: Bytes = utf8(OK.slice(0, 20));
  await exchange.client.write(memory);
  memory.fill(0);
  await exchange.client.write(EMPTY);
  await exchange.client.write(utf8(OK.slice(20)));
  assert.match(written.join(""), /^HTTP\/1\.1 200 OK\r\n.*hi$/s);
});

Deno.test("HTTP: a part of the next request that came early has the time of a head, not that of a pause", async () => {
  const { server, events } = forwardingServer(async (side) => {
    await side.head();
    await side.send(OK);
    await side.head();
  }, { timeouts: { handshake: 20 } });
  const { side, near, served } = clientOf(server);
  await side.send(get("http://a/1") + "GET http://a/2");
  assert.match(await side.until("never"), /^HTTP\/1\.1 200 .*hiHTTP\/1\.1 408 Request Timeout\r\n/s);
  assert.ok(events.some((event) => event.type === "refused" && /no request within 20 ms/.test(event.error.message)));
  near.close();
  await served;
});
