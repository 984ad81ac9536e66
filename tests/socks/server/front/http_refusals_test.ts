/** Messages of HTTP that others could read in another way: each is refused, and nothing of it, or behind it, goes on (RFC 9112). */
import assert from "node:assert/strict";
import { latin1Bytes, MAX_FIELDS, MAX_HEAD } from "../../../../socks/server/front/http_head.ts";
import { requestDecoder } from "../../../../socks/server/front/http_request.ts";
import { forwardingServer, type OriginSide } from "../../../support/http_forwarding.ts";

const CHUNKS = [1, Infinity];
const SMUGGLED = "GET http://evil/ HTTP/1.1\r\nHost: evil\r\n\r\n";
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

/** A request with other fields than it should have. */
const post = (fields: string, version = "1.1") => `POST http://a/ HTTP/${version}\r\n${fields}\r\n\r\n`;
const host = "Host: a\r\n";

/** Heads that are refused before anything goes to a target. */
const HEADS: readonly (readonly [rule: string, head: string, status: number])[] = [
  ["RFC 9112 6.3: both ways to say the length", post(`${host}Content-Length: 4\r\nTransfer-Encoding: chunked`), 400],
  ["RFC 9112 6.3: both, in the other order", post(`${host}Transfer-Encoding: chunked\r\nContent-Length: 4`), 400],
  ["RFC 9112 6.3: both, with a coding that is none", post(`${host}Transfer-Encoding: x\r\nContent-Length: 4`), 400],
  ["RFC 9112 6.3: two lengths", post(`${host}Content-Length: 4\r\nContent-Length: 5`), 400],
  ["RFC 9112 6.3: two equal lengths", post(`${host}Content-Length: 4\r\ncontent-length: 4`), 400],
  ["RFC 9112 6.3: a list of lengths", post(`${host}Content-Length: 4, 4`), 400],
  ...["+4", "-4", "4 4", "0x4", "4.0", "", "4\u00a0", "9999999999999999", "1e1"].map((length) =>
    [`RFC 9110 8.6: length "${length}"`, post(`${host}Content-Length: ${length}`), 400] as const
  ),
  ["RFC 9112 6.3: chunked is not last", post(`${host}Transfer-Encoding: chunked, gzip`), 400],
  ["RFC 9112 6.1: chunked twice", post(`${host}Transfer-Encoding: chunked, chunked`), 400],
  [
    "RFC 9112 6.1: chunked twice, in two fields",
    post(`${host}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked`),
    400,
  ],
  ["RFC 9112 6.1: identity", post(`${host}Transfer-Encoding: identity`), 400],
  ["RFC 9112 6.1: a coding like chunked", post(`${host}Transfer-Encoding: xchunked`), 400],
  ["RFC 9112 6.1: chunked in quotation marks", post(`${host}Transfer-Encoding: "chunked"`), 400],
  ["RFC 9112 6.1: chunked with a parameter", post(`${host}Transfer-Encoding: chunked;q=1`), 400],
  ["RFC 9112 6.1: an empty coding", post(`${host}Transfer-Encoding: `), 400],
  ["RFC 9112 6.1: a vertical tab before chunked", post(`${host}Transfer-Encoding: \x0bchunked`), 400],
  ["RFC 9112 6.1: another coding", post(`${host}Transfer-Encoding: gzip, chunked`), 501],
  ["RFC 9112 6.1: chunks in HTTP/1.0", post(`${host}Transfer-Encoding: chunked`, "1.0"), 400],
  ["RFC 9112 5.1: white space before the colon", post(`${host}Content-Length : 4`), 400],
  ["RFC 9112 5.1: a tab before the colon", post(`${host}Transfer-Encoding\t: chunked`), 400],
  ["RFC 9112 5.2: a continued line", post(`${host}X: a\r\n Content-Length: 4`), 400],
  ["RFC 9112 5.2: a continued line, by a tab", post(`${host}X: a\r\n\tb`), 400],
  ["RFC 9112 2.2: white space before the first field", post(` ${host}X: a`), 400],
  ["RFC 9112 2.2: a line feed alone", post(`${host}X: a\nContent-Length: 4`), 400],
  ["RFC 9112 2.2: a carriage return alone", post(`${host}X: a\rContent-Length: 4`), 400],
  ["RFC 9112 2.2: two carriage returns", post(`${host}X: a\r`), 400],
  ["RFC 9112 2.2: a line feed alone behind the request line", `GET http://a/ HTTP/1.1\n${host}\r\n`, 400],
  ["RFC 9112 2.2: line feeds alone at the end", `GET http://a/ HTTP/1.1\r\nHost: a\n\n`, 400],
  ["RFC 9110 5.5: a zero byte", post(`${host}X: a\0b`), 400],
  ["RFC 9110 5.6.2: a name that is no token", post(`${host}X(: a`), 400],
  ["RFC 9110 5.6.2: no name", post(`${host}: a`), 400],
  ["RFC 9112 5: no colon", post(`${host}Content-Length 4`), 400],
  ["RFC 9112 3.2: no Host", post("X: a"), 400],
  ["RFC 9112 3.2: two Hosts", post("Host: a\r\nHost: a"), 400],
  ["RFC 9112 3.2: a Host that is none", post("Host: a/b"), 400],
  ["RFC 9112 3.2: a list of Hosts", post("Host: a, b"), 400],
  ["RFC 9110 4.2.4: a user name", `GET http://a@b/ HTTP/1.1\r\n${host}\r\n`, 400],
  ["RFC 9112 3.2: a fragment", `GET http://a/#b HTTP/1.1\r\n${host}\r\n`, 400],
  ["RFC 9112 3: two blanks", `GET  http://a/ HTTP/1.1\r\n${host}\r\n`, 400],
  ["RFC 9112 3: a blank in the target", `GET http://a/b c HTTP/1.1\r\n${host}\r\n`, 400],
  ["RFC 9112 3: a tab in the target", `GET http://a/b\tc HTTP/1.1\r\n${host}\r\n`, 400],
  ["RFC 9112 3: a control character in the target", `GET http://a/b\x01c HTTP/1.1\r\n${host}\r\n`, 400],
  ["RFC 9112 3: a blank behind the version", `GET http://a/ HTTP/1.1 \r\n${host}\r\n`, 400],
  ["RFC 9112 2.3: no version", `GET http://a/\r\n${host}\r\n`, 400],
  ["RFC 9112 2.3: a version of more digits", `GET http://a/ HTTP/1.10\r\n${host}\r\n`, 400],
  ["RFC 9112 2.3: a version in small letters", `GET http://a/ http/1.1\r\n${host}\r\n`, 400],
  ["RFC 9112 2.3: another version", `GET http://a/ HTTP/2.0\r\n${host}\r\n`, 505],
  ["RFC 9112 3.2.1: origin form", `GET /x HTTP/1.1\r\n${host}\r\n`, 400],
  ["RFC 9112 3.2.4: asterisk form", `OPTIONS * HTTP/1.1\r\n${host}\r\n`, 400],
  ["RFC 9112 3.2.2: no host", `GET http:///x HTTP/1.1\r\n${host}\r\n`, 400],
  ["RFC 9112 3.2.2: port 0", `GET http://a:0/ HTTP/1.1\r\n${host}\r\n`, 400],
  ["another scheme", `GET ftp://a/ HTTP/1.1\r\n${host}\r\n`, 501],
  ["https: needs CONNECT", `GET https://a/ HTTP/1.1\r\n${host}\r\n`, 501],
  ["RFC 9110 10.1.1: another expectation", post(`${host}Expect: 200-ok`), 417],
  ["RFC 9110 7.6.2: may go no further", `TRACE http://a/ HTTP/1.1\r\n${host}Max-Forwards: 0\r\n\r\n`, 501],
  ["RFC 9110 7.6.2: the same in more digits", `TRACE http://a/ HTTP/1.1\r\n${host}Max-Forwards: 00\r\n\r\n`, 501],
  ["too many fields", post(host + Array.from({ length: MAX_FIELDS }, () => "X: y").join("\r\n")), 431],
  ["a head that is too long", post(`${host}X: ${"y".repeat(MAX_HEAD)}`), 431],
  ["a line that is too long", `GET http://a/${"y".repeat(9_000)} HTTP/1.1\r\n${host}\r\n`, 414],
];

Deno.test("HTTP: refuses heads that others could read differently, and what follows them", async () => {
  for (const chunk of CHUNKS) {
    const { ask, targets } = forwardingServer(async (side) => await side.send(OK), { chunk });
    for (const [rule, head, status] of HEADS) {
      const answer = await ask(head + SMUGGLED);
      assert.match(
        answer,
        new RegExp(`^HTTP/1\\.1 ${status} [^\r]*\r\nProxy-Status: gssocks; error=http_request_error; `),
        rule,
      );
      assert.match(answer, /\r\nConnection: close\r\n\r\nCannot serve HTTP request: .*\n$/, rule);
      assert.equal(answer.match(/HTTP\/1\.1 /g)?.length, 1, rule);
    }
    assert.deepEqual(targets, []);
  }
});

Deno.test("HTTP: a no-break space around a coding is no blank", () => {
  for (const coding of ["\u00a0chunked", "chunked\u00a0"]) {
    const head = latin1Bytes(post(`${host}Transfer-Encoding: ${coding}`));
    assert.throws(() => requestDecoder()(head), /does not end with one chunked/);
  }
});

Deno.test("HTTP: refuses the second request of a connection by the same rules", async () => {
  for (const target of ["http://a/", "http://b/"]) {
    const { ask, targets, events } = forwardingServer(async (side) => {
      while (await side.head() !== "") await side.send(OK);
    });
    const answer = await ask(
      `GET http://a/ HTTP/1.1\r\n${host}\r\nGET ${target} HTTP/1.1\r\n${host}Content-Length: 1\r\nContent-Length: 2\r\n\r\n${SMUGGLED}`,
    );
    assert.match(
      answer,
      /^HTTP\/1\.1 200 OK.*hiHTTP\/1\.1 400 Bad Request\r\n.*more than one Content-Length field\n$/s,
    );
    assert.deepEqual(targets, ["a:80"]);
    assert.deepEqual(events.map(({ type }) => type), ["accepted", "authenticated", "connected", "closed", "refused"]);
  }
});

Deno.test("HTTP: refuses chunks that others could read differently", async () => {
  const end = "0\r\n\r\n";
  const bodies: readonly string[] = [
    `4\nwiki\r\n${end}`,
    `4\r\nwiki\n${end}`,
    `4\r\nwikix\r\n${end}`,
    `4\r\nwik\r\n${end}`,
    `4\r\nwiki${end}`,
    `0x4\r\nwiki\r\n${end}`,
    `+4\r\nwiki\r\n${end}`,
    `-4\r\nwiki\r\n${end}`,
    ` 4\r\nwiki\r\n${end}`,
    `4 \r\nwiki\r\n${end}`,
    `4;a\rb\r\nwiki\r\n${end}`,
    `4;a\nb\r\nwiki\r\n${end}`,
    `4;a\0b\r\nwiki\r\n${end}`,
    `\r\n4\r\nwiki\r\n${end}`,
    `fffffffffffffffff\r\nwiki\r\n${end}`,
    `1234567890123\r\nwiki\r\n${end}`,
    `g\r\nwiki\r\n${end}`,
    `4\r\nwiki\r\n0\r\nX y\r\n\r\n`,
    `4\r\nwiki\r\n0\r\n X: y\r\n\r\n`,
    `4\r\nwiki\r\n0\r\nX: y\n\r\n`,
    `4;${"a".repeat(5_000)}\r\nwiki\r\n${end}`,
    `${`1;${"a".repeat(4_000)}\r\nw\r\n`.repeat(20)}${end}`,
    `0\r\n${"X: y\r\n".repeat(MAX_FIELDS + 1)}\r\n`,
  ];
  for (const chunk of CHUNKS) {
    for (const body of bodies) {
      const seen: string[] = [];
      const { ask, targets } = forwardingServer(async (side) => {
        seen.push(await side.head());
        seen.push(await side.until("never"));
      }, { chunk });
      const answer = await ask(post(`${host}Transfer-Encoding: chunked`) + body + SMUGGLED);
      assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/, JSON.stringify(body.slice(0, 30)));
      assert.doesNotMatch(seen.join(""), /evil|0\r\n\r\n$/, "the target does not get an end that there was not");
      assert.deepEqual(targets, ["a:80"]);
    }
  }
});

Deno.test("HTTP: a body that the client does not end is no request", async () => {
  for (const body of ["Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"]) {
    const seen: string[] = [];
    const { ask } = forwardingServer(async (side) => void seen.push(await side.until("never")));
    assert.match(
      await ask(`POST http://a/ HTTP/1.1\r\n${host}${body}`),
      /^HTTP\/1\.1 400 .*in the middle of its body\n$/s,
    );
    assert.doesNotMatch(seen.join(""), /0\r\n\r\n$/);
  }
});

/** Responses that are refused. */
const RESPONSES: readonly string[] = [
  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nhi",
  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi",
  "HTTP/1.1 200 OK\r\nContent-Length: 2,2\r\n\r\nhi",
  "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nhi",
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
  "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nhi",
  "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nhi",
  "HTTP/1.1 200 OK\nContent-Length: 2\n\nhi",
  "HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 2\r\n\r\nhi",
  "HTTP/2 200\r\n\r\n",
  "HTTP/1.1 2000 OK\r\n\r\n",
  "HTTP/1.1 600 OK\r\n\r\n",
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
  "\r\nHTTP/1.1 200 OK\r\n\r\n",
  "SSH-2.0-OpenSSH_9.2\r\n",
  `HTTP/1.1 200 OK\r\nX: ${"y".repeat(MAX_HEAD)}\r\n\r\n`,
];

Deno.test("HTTP: refuses responses that others could read differently", async () => {
  for (const chunk of CHUNKS) {
    for (const response of RESPONSES) {
      const { ask, events } = forwardingServer(async (side) => {
        await side.head();
        await side.send(response);
        await side.until("never");
      }, { chunk });
      const answer = await ask(`GET http://a/ HTTP/1.1\r\n${host}\r\n${SMUGGLED}`);
      assert.match(
        answer,
        /^HTTP\/1\.1 502 Bad Gateway\r\nProxy-Status: gssocks; error=http_protocol_error; /,
        response,
      );
      assert.match(answer, /Cannot forward HTTP response of the target: .*\n$/);
      const closed = events.find(({ type }) => type === "closed");
      assert.ok(closed?.type === "closed" && closed.error !== undefined);
    }
  }
});

Deno.test("HTTP: refuses a change to a protocol that the client did not name", async () => {
  const asking = `GET http://a/ HTTP/1.1\r\n${host}Connection: upgrade\r\nUpgrade: websocket\r\n\r\n`;
  for (const upgrade of ["", "Upgrade: \r\n", "Upgrade: h2c\r\n", "Upgrade: websocket, h2c\r\n"]) {
    const { ask } = forwardingServer(async (side) => {
      await side.head();
      await side.send(`HTTP/1.1 101 Switching Protocols\r\n${upgrade}\r\nframe`);
      await side.until("never");
    });
    assert.match(await ask(asking), /^HTTP\/1\.1 502 .*which nobody asked for\n$/s, upgrade);
  }
});

Deno.test("HTTP: a password in a target is told neither to the client nor in events", async () => {
  for (const line of ["GET http://alice:secret@a/", "CONNECT alice:secret@a:1", "GET http://a:secret@b:99999/"]) {
    const { ask, events } = forwardingServer(async () => {});
    assert.match(await ask(`${line} HTTP/1.1\r\n${host}\r\n`), /^HTTP\/1\.1 400 .*user information/s, line);
    const errors = events.flatMap((event) => "error" in event ? [event.error] : []);
    assert.equal(errors.length, 1);
    assert.doesNotMatch(Deno.inspect(errors, { depth: 9 }), /secret|alice/);
  }
});

Deno.test("HTTP: a response that is cut is cut for the client too", async () => {
  const cut = async (response: string, end: (side: OriginSide) => Promise<void> | void) => {
    const { ask } = forwardingServer(async (side) => {
      await side.head();
      await side.send(response);
      await end(side);
      await side.until("never");
    });
    return await ask(`GET http://a/ HTTP/1.1\r\n${host}\r\n${SMUGGLED}`);
  };
  const ending = (side: OriginSide) => side.end();
  assert.match(await cut("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi", ending), /\r\n\r\nhi$/);
  const chunks = await cut("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhi", ending);
  assert.match(chunks, /\r\n\r\n2\r\nhi\r\n$/);
  for (const end of [ending, (side: OriginSide) => side.cut()]) {
    assert.match(await cut("HTTP/1.1 200 OK\r\nConte", end), /^HTTP\/1\.1 502 /);
    assert.match(await cut("", end), /^HTTP\/1\.1 502 /);
    assert.match(
      await cut("HTTP/1.1 100 Continue\r\n\r\n", end),
      /^HTTP\/1\.1 100 Continue\r\nVia: 1\.1 gssocks\r\n\r\n$/,
    );
  }
});

Deno.test("HTTP: what a target sends unasked answers no request", async () => {
  const forged = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
  let connections = 0;
  const { ask } = forwardingServer(async (side) => {
    connections++;
    await side.head();
    await side.send(connections === 1 ? OK + forged : OK);
    await side.until("never");
  });
  const get = `GET http://a/ HTTP/1.1\r\n${host}\r\n`;
  const answer = await ask(get + get);
  assert.doesNotMatch(answer, /evil/);
  assert.equal(answer.match(/200 OK/g)?.length, 2);
  assert.equal(connections, 2);
});
