/** Requests of HTTP in absolute form: what goes to the target, and what comes back. */
import assert from "node:assert/strict";
import { clientOf, forwardingServer, type OriginSide } from "../../../support/http_forwarding.ts";

const CHUNKS = [1, 7, Infinity];
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
const get = (url: string, fields = "Host: x\r\n") => `GET ${url} HTTP/1.1\r\n${fields}\r\n`;

/** An origin that notes heads and gives each the same answer. */
function noting(answer = OK) {
  const heads: string[] = [];
  const origin = async (side: OriginSide) => {
    for (;;) {
      const head = await side.head();
      if (head === "") return;
      heads.push(head);
      await side.send(answer);
    }
  };
  return { heads, origin };
}

Deno.test("HTTP: forwards in origin form, with the Host of the target and without fields of the connection", async () => {
  for (const chunk of CHUNKS) {
    const { heads, origin } = noting();
    const { ask, targets } = forwardingServer(origin, { chunk });
    const fields =
      "Host: other\r\nProxy-Authorization: Basic c2VjcmV0\r\nproxy-connection: keep-alive\r\nTE: trailers\r\n" +
      "Keep-Alive: 5\r\nConnection: X-Mine , close\r\nX-Mine: 1\r\nUpgrade: h2c\r\nCookie: a=\u00e9\r\nVia: 1.0 fred\r\nX-Yours:  2\t\r\n";
    const answer = await ask(get("HTTP://WWW.Example.COM:8080/a%20b?c=d", fields), chunk !== 1);
    assert.equal(
      heads[0],
      "GET /a%20b?c=d HTTP/1.1\r\nHost: www.example.com:8080\r\nCookie: a=\u00c3\u00a9\r\nVia: 1.0 fred\r\nX-Yours: 2\r\n" +
        "Via: 1.1 gssocks\r\n\r\n",
    );
    assert.equal(answer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\nVia: 1.1 gssocks\r\n\r\nhi");
    assert.deepEqual(targets, ["www.example.com:8080"]);
  }
});

Deno.test("HTTP: reads every spelling of a target in absolute form", async () => {
  const { heads, origin } = noting();
  const { ask, targets } = forwardingServer(origin);
  const cases = [
    ["GET http://a.example", "a.example:80", "GET / HTTP/1.1\r\nHost: a.example\r\n"],
    ["GET http://a.example?q", "a.example:80", "GET /?q HTTP/1.1\r\n"],
    ["GET http://a.example:/x", "a.example:80", "GET /x HTTP/1.1\r\nHost: a.example\r\n"],
    ["OPTIONS http://a.example", "a.example:80", "OPTIONS * HTTP/1.1\r\n"],
    ["OPTIONS http://a.example/", "a.example:80", "OPTIONS / HTTP/1.1\r\n"],
    ["GET http://[2001:db8::1]:81/", "2001:db8::1:81", "GET / HTTP/1.1\r\nHost: [2001:db8::1]:81\r\n"],
    [
      "GET http://b\u00fccher.example/",
      "xn--bcher-kva.example:80",
      "GET / HTTP/1.1\r\nHost: xn--bcher-kva.example\r\n",
    ],
    ["BREW http://a.example/pot", "a.example:80", "BREW /pot HTTP/1.1\r\n"],
  ] as const;
  for (const [line, target, head] of cases) {
    assert.match(await ask(`${line} HTTP/1.1\r\nHost: x\r\n\r\n`), /^HTTP\/1\.1 200 /, line);
    assert.equal(targets.at(-1), target, line);
    assert.ok(heads.at(-1)!.startsWith(head), heads.at(-1));
  }
});

Deno.test("HTTP: serves several requests on one connection, to one and to several targets", async () => {
  for (const chunk of CHUNKS) {
    const { heads, origin } = noting();
    const { ask, targets, events } = forwardingServer(origin, { chunk });
    const urls = ["http://a/1", "http://a/2", "http://b/3", "http://b:81/4", "http://a/5"];
    const answer = await ask(urls.map((url) => get(url)).join(""));
    assert.equal(answer, `${OK.replace("\r\n\r\nhi", "\r\nVia: 1.1 gssocks\r\n\r\nhi")}`.repeat(5));
    assert.deepEqual(heads.map((head) => head.split(" ")[1]), ["/1", "/2", "/3", "/4", "/5"]);
    assert.deepEqual(targets, ["a:80", "b:80", "b:81", "a:80"]);
    const of = (type: string) => events.filter((event) => event.type === type);
    assert.deepEqual([of("connected").length, of("closed").length, of("refused").length], [4, 4, 0]);
    const sent = heads.reduce((sum, head) => sum + head.length, 0);
    const closed = of("closed") as unknown as { sent: number; received: number }[];
    assert.equal(closed.reduce((sum, event) => sum + event.sent, 0), sent, "each byte is counted once");
    assert.equal(closed.reduce((sum, event) => sum + event.received, 0), 5 * OK.length);
  }
});

Deno.test("HTTP: judges each target of a connection by itself", async () => {
  const { origin } = noting();
  const { ask, events } = forwardingServer(origin);
  const answer = await ask(get("http://a/1") + get("http://denied.example/2") + get("http://a/3"));
  assert.match(
    answer,
    /^HTTP\/1\.1 200 .*hiHTTP\/1\.1 403 Forbidden\r\nProxy-Status: gssocks; error=http_request_denied;/s,
  );
  assert.match(answer, /a rule says no\n$/);
  const refused = events.find(({ type }) => type === "refused");
  assert.ok(refused?.type === "refused" && refused.target?.hostname === "denied.example");
});

Deno.test("HTTP: forwards bodies with a length and in chunks, and their trailers", async () => {
  for (const chunk of CHUNKS) {
    const bodies: string[] = [];
    const { ask } = forwardingServer(async (side) => {
      for (let i = 0; i < 3; i++) {
        const head = await side.head();
        const end = head.includes("chunked") ? "\r\n\r\n" : "-end";
        bodies.push(
          head.split("\r\n").filter((line) => /^(content|transfer)/i.test(line)).join() + await side.until(end),
        );
        await side.send(OK);
      }
    }, { chunk });
    const post = (fields: string, body: string) => `POST http://a/ HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\n${body}`;
    const answer = await ask(
      post("Content-Length: 9", "some\n-end") +
        post(
          "transfer-encoding: Chunked",
          '4;ext="1"\r\nwiki\r\nA \t;x\r\n0123456789\r\n000\r\nX-Sum: 1\r\nHost: b\r\n\r\n',
        ) +
        post("Content-Length: 4", "-end"),
    );
    assert.equal(answer.match(/HTTP\/1\.1 200/g)?.length, 3, answer);
    assert.equal(bodies[0], "Content-Length: 9some\n-end");
    assert.equal(bodies[2], "Content-Length: 4-end");
    const [size, ...rest] = bodies[1]!.replace("Transfer-Encoding: chunked", "").split("\r\n");
    assert.match(size!, /^[1-9a-f]+$/);
    assert.equal(decodeChunks(bodies[1]!.replace("Transfer-Encoding: chunked", "")), "wiki0123456789");
    assert.deepEqual(rest.slice(-4), ["0", "X-Sum: 1", "", ""]);
  }
});

/** Content of a chunked body. */
function decodeChunks(text: string): string {
  let content = "";
  for (let at = 0;;) {
    const end = text.indexOf("\r\n", at);
    const size = parseInt(text.slice(at, end), 16);
    if (size === 0) return content;
    content += text.slice(end + 2, end + 2 + size);
    at = end + 2 + size + 2;
  }
}

Deno.test("HTTP: returns responses of every framing, each with its end", async () => {
  const via = "Via: 1.1 gssocks\r\n";
  const cases: [response: string, returned: string, ends?: boolean][] = [
    ["HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", `HTTP/1.1 204 No Content\r\n${via}\r\n`],
    [
      "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
      `HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n${via}\r\n`,
    ],
    ["HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", `HTTP/1.1 200 \r\nContent-Length: 0\r\n${via}\r\n`],
    [
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\nContent-Length: 9\r\n\r\n",
      `HTTP/1.1 200 OK\r\nTrailer: X\r\nTransfer-Encoding: chunked\r\n${via}\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n`,
    ],
    ["HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n${via}\r\nhi`],
    [
      "HTTP/1.1 200 OK\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nContent-Length: 2\r\n\r\nhi",
      `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n${via}\r\nhi`,
    ],
    ["HTTP/1.1 200 OK\r\n\r\nto the end", `HTTP/1.1 200 OK\r\nConnection: close\r\n${via}\r\nto the end`, true],
    [
      "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
      `HTTP/1.1 103 Early Hints\r\nLink: x\r\n${via}\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n${via}\r\n`,
    ],
  ];
  for (const [response, returned, ends = false] of cases) {
    const { ask, targets } = forwardingServer(async (side) => {
      await side.head();
      await side.send(response);
      if (ends) return;
      await side.head();
      await side.send(OK);
    });
    const answer = await ask(get("http://a/") + get("http://a/2"));
    assert.ok(answer.startsWith(returned), JSON.stringify([response, answer]));
    if (ends) assert.equal(answer, returned);
    else assert.match(answer.slice(returned.length), /^HTTP\/1\.1 200 OK\r\n/);
    if (!ends) assert.equal(targets.length, /^HTTP\/1\.0|Connection: close/.test(response) ? 2 : 1, response);
  }
});

Deno.test("HTTP: a response to HEAD has no body, whatever its length says", async () => {
  const { origin } = noting("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
  const { ask } = forwardingServer(origin);
  const answer = await ask("HEAD http://a/ HTTP/1.1\r\nHost: a\r\n\r\n".repeat(2));
  assert.equal(answer, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nVia: 1.1 gssocks\r\n\r\n".repeat(2));
});

Deno.test("HTTP: a client of version 1.0 gets no chunks, no interim response, and an end", async () => {
  const heads: string[] = [];
  const { ask } = forwardingServer(async (side) => {
    heads.push(await side.head());
    await side.send(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    );
    await side.head();
  });
  const answer = await ask("GET http://a/ HTTP/1.0\r\nExpect: 100-continue\r\n\r\n", false);
  assert.equal(answer, "HTTP/1.1 200 OK\r\nConnection: close\r\nVia: 1.1 gssocks\r\n\r\nabc");
  assert.equal(heads[0], "GET / HTTP/1.1\r\nHost: a\r\nVia: 1.1 gssocks\r\n\r\n");
});

Deno.test("HTTP: hands on 100 (Continue), or the final response without the body", async () => {
  const { server } = forwardingServer(async (side) => {
    const head = await side.head();
    assert.match(head, /\r\nExpect: 100-continue\r\n/);
    if (head.startsWith("PUT /no")) return await side.send("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
    await side.send("HTTP/1.1 100 Continue\r\n\r\n");
    await side.until("body");
    await side.send(OK);
  });
  const put = (path: string) =>
    `PUT http://a${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n`;
  const client = clientOf(server);
  await client.side.send(put("/yes"));
  assert.match(await client.side.head(), /^HTTP\/1\.1 100 Continue\r\n/);
  await client.side.send("body");
  assert.match(await client.side.until("hi"), /^HTTP\/1\.1 200 /);
  await client.side.send(put("/no"));
  assert.match(await client.side.head(), /^HTTP\/1\.1 413 .*Connection: close\r\n/s);
  assert.equal(await client.side.head(), "");
  client.near.close();
  await client.served;
});

Deno.test("HTTP: becomes a tunnel where client and target agree on an upgrade", async () => {
  for (const chunk of CHUNKS) {
    let head = "";
    const { server } = forwardingServer(async (side) => {
      head = await side.head();
      await side.send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nfirst frame",
      );
      assert.equal(await side.until("frame"), "early frame");
      await side.send("\0raw\r\n\r\n");
      await side.end();
      await side.until("never");
    }, { chunk });
    const client = clientOf(server);
    await client.side.send(
      get("http://a/chat", "Host: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n") + "early frame",
    );
    assert.match(await client.side.head(), /^HTTP\/1\.1 101 .*Connection: upgrade\r\nUpgrade: websocket\r\n/s);
    assert.match(head, /\r\nConnection: upgrade\r\nUpgrade: websocket\r\n/);
    assert.equal(await client.side.until("never"), "first frame\0raw\r\n\r\n");
    await client.near.closeWrite();
    await client.served;
  }
});

Deno.test("HTTP: sends a safe request again if the target closed a connection that it had kept", async () => {
  let connections = 0;
  const { ask } = forwardingServer(async (side) => {
    connections++;
    await side.head();
    await side.send(OK);
    if (connections > 1) await side.head();
    // The first connection ends at the head of the second request.
    else await side.until(" ");
  });
  const twice = await ask(get("http://a/1") + get("http://a/2"));
  assert.equal(twice.match(/200 OK/g)?.length, 2);
  assert.equal(connections, 2);
  connections = 0;
  const unsafe = "DELETE http://a/ HTTP/1.1\r\nHost: a\r\n\r\n";
  assert.match(await ask(get("http://a/1") + unsafe), /200 OK.*HTTP\/1\.1 502 Bad Gateway.*without a response/s);
  assert.equal(connections, 1);
});
