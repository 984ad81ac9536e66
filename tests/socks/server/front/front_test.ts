/** SOCKS version 4 and HTTP's CONNECT on the port of SOCKS version 5. */
import assert from "node:assert/strict";
import { concat, utf8 } from "../../../../base/bytes.ts";
import { noAuthentication } from "../../../../socks/auth/none.ts";
import { passwordServer } from "../../../../socks/auth/password.ts";
import type { TargetRequest } from "../../../../socks/server/targets/target.ts";
import { SocksReplyError } from "../../../../socks/errors.ts";
import { SocksServer } from "../../../../socks/server/server.ts";
import type { ServerEvent } from "../../../../socks/server/events.ts";
import type { SocksServerOptions } from "../../../../socks/server/options.ts";
import { decodeSocks4Request } from "../../../../socks/wire/socks4.ts";
import { pipe, readAll } from "../../../support/pipe.ts";
import { hex, unhex } from "../../../support/vectors.ts";

function makeServer(options: Partial<SocksServerOptions> = {}) {
  const events: ServerEvent[] = [];
  const requests: TargetRequest[] = [];
  const server = new SocksServer({
    auth: [noAuthentication()],
    protocols: ["socks4", "http"],
    open: (request) => {
      requests.push(request);
      if (request.hostname === "denied.example") return Promise.reject(new SocksReplyError("NOT_ALLOWED", "no"));
      const [ours, theirs] = pipe();
      void theirs.write(utf8("target speaks")).then(() => theirs.closeWrite());
      return Promise.resolve({ connection: ours, bound: { hostname: "192.0.2.1", port: 99 } });
    },
    onEvent: (event) => void events.push(event),
    ...options,
  });
  const refusals = () =>
    events.flatMap((event) => event.type === "refused" ? [(event.error as { code?: string }).code] : []);
  return { server, events, requests, refusals };
}

async function exchange(server: SocksServer, sent: Uint8Array, chunk = Infinity): Promise<Uint8Array> {
  const [client, far] = pipe({ chunk });
  const served = server.serve(far);
  await client.write(sent);
  await client.closeWrite();
  const answer = await readAll(client).catch(() => far.sent());
  await served;
  return answer;
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const target = hex(utf8("target speaks"));

Deno.test("SOCKS 4: serves version 4 and 4A in pieces of any size", async () => {
  for (const chunk of [1, 2, Infinity]) {
    const { server, requests } = makeServer();
    const plain = unhex("04010050 08080808".replaceAll(" ", "") + hex(utf8("me")) + "00");
    assert.equal(hex(await exchange(server, plain, chunk)), "005a0063c0000201" + target);
    const named = concat(unhex("040101bb00000001"), utf8("me\0www.example.com\0"));
    assert.equal(hex(await exchange(server, named, chunk)), "005a0063c0000201" + target);
    const denied = concat(unhex("040101bb00000001"), utf8("\0denied.example\0"));
    assert.equal(hex(await exchange(server, denied, chunk)), "005b000000000000");
    const bind = unhex("0402005008080808" + "00");
    assert.equal(hex(await exchange(server, bind, chunk)), "005b000000000000");
    assert.deepEqual(requests.map(({ hostname, port }) => [hostname, port]), [
      ["8.8.8.8", 80],
      ["www.example.com", 443],
      ["denied.example", 443],
    ]);
  }
});

Deno.test("SOCKS 4A: takes an address in the name as an address", async () => {
  const { server, requests } = makeServer();
  await exchange(server, concat(unhex("0401005000000001"), utf8("\x00127.0.0.1\x00")));
  assert.equal(requests[0]!.hostname, "127.0.0.1");
  for (const name of ["", "a b", "a/b", "a\n"]) {
    const answer = await exchange(server, concat(unhex("0401005000000001"), utf8(`\0${name}\0`)));
    assert.equal(hex(answer), "005b000000000000", name);
  }
  assert.equal(requests.length, 1);
  for (const long of [utf8("u".repeat(256)), concat(utf8("u\0"), utf8("h".repeat(256)))]) {
    assert.throws(() => decodeSocks4Request(concat(unhex("0401005000000001"), long)), { code: "TOO_LARGE" });
  }
  const whole = concat(unhex("0401005000000001"), utf8("u\0host\0"));
  for (let i = 0; i < whole.length; i++) assert.equal(decodeSocks4Request(whole.subarray(0, i)), undefined);
  assert.equal(decodeSocks4Request(concat(whole, utf8("more")))!.length, whole.length);
});

Deno.test("HTTP: serves CONNECT in pieces of any size, ignoring headers", async () => {
  for (const chunk of [1, 7, Infinity]) {
    const { server, requests } = makeServer();
    const ask = (line: string) =>
      exchange(server, utf8(`${line}\r\nHost: x\r\nUser-Agent: y\r\n\r\n`), chunk).then(text);
    assert.equal(
      await ask("CONNECT www.example.com:443 HTTP/1.1"),
      "HTTP/1.1 200 Connection established\r\n\r\ntarget speaks",
    );
    assert.match(await ask("CONNECT [2001:db8::1]:443 HTTP/1.0"), /^HTTP\/1\.1 200 /);
    assert.match(await ask("CONNECT denied.example:443 HTTP/1.1"), /^HTTP\/1\.1 403 /);
    for (
      const [line, status] of [
        ["CONNECT www.example.com HTTP/1.1", 400],
        ["CONNECT a b HTTP/1.1", 400],
        ["CONNECT a..b:1 HTTP/1.1", 400],
        ["CONNECT a:0 HTTP/1.1", 400],
        ["CONNECT a:65536 HTTP/1.1", 400],
        ["CONNECT u@a:1 HTTP/1.1", 400],
        ["CONNECT [fe80::1%25eth0]:1 HTTP/1.1", 400],
        ["CONNECT a:1", 400],
        ["CONNECT", 400],
        ["Connection: close", 400],
        ["GET /", 400],
        ["connect a:1 HTTP/1.1", 400],
        ["BREW / HTTP/1.1", 400],
        ["PRI * HTTP/2.0", 505],
        ["CONNECT a:1 HTTP/2.0", 505],
      ] as const
    ) assert.match(await ask(line), new RegExp(`^HTTP/1\\.1 ${status} `), line);
    assert.deepEqual(requests.map(({ hostname }) => hostname), ["www.example.com", "2001:db8::1", "denied.example"]);
  }
});

Deno.test("HTTP: ignores empty lines before a request", async () => {
  for (const chunk of [1, 7, Infinity]) {
    const { server, requests } = makeServer();
    const ask = (bytes: string) => exchange(server, utf8(bytes), chunk).then(text);
    for (const lines of ["\r\n", "\n", "\r\n\r\n\n"]) {
      assert.match(await ask(`${lines}CONNECT www.example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n`), /^HTTP\/1\.1 200 /);
      assert.match(await ask(`${lines}CONNECT a HTTP/1.1\r\n\r\n`), /^HTTP\/1\.1 400 /);
      assert.match(await ask(lines), /^HTTP\/1\.1 400 /);
    }
    assert.match(await ask(`\rCONNECT a:1 HTTP/1.1\r\n\r\n`), /^HTTP\/1\.1 400 /);
    assert.match(await ask("\r\n".repeat(5_000)), /^HTTP\/1\.1 414 /);
    assert.equal(requests.length, 3);
    const off = makeServer({ protocols: [] });
    assert.equal(await exchange(off.server, utf8("\r\nCONNECT a:1 HTTP/1.1\r\n\r\n"), chunk).then(text), "");
  }
});

Deno.test("HTTP: limits the head, and scans it in linear time", async () => {
  const head = (length: number) => {
    const start = "CONNECT a:1 HTTP/1.1\r\nProxy-Authorization: Negotiate ";
    return utf8(`${start}${"A".repeat(length - start.length - 4)}\r\n\r\n`);
  };
  for (const chunk of [1, 1_400, Infinity]) {
    const { server, refusals } = makeServer();
    for (const length of [9_000, 40_000, 65_536]) {
      assert.match(text(await exchange(server, head(length), chunk)), /^HTTP\/1\.1 200 /, `${length} by ${chunk}`);
    }
    for (
      const long of [
        head(65_537),
        head(chunk === 1 ? 70_000 : 200_000),
        utf8(`CONNECT a:1 HTTP/1.1\r\n${"x: y\r\n".repeat(12_000)}`),
      ]
    ) {
      assert.match(text(await exchange(server, long, chunk)), /^HTTP\/1\.1 431 /, `${long.length} by ${chunk}`);
    }
    for (const line of [`CONNECT ${"a".repeat(9_000)}:1 HTTP/1.1\r\n\r\n`, `CONNECT ${"a".repeat(9_000)}`]) {
      assert.match(text(await exchange(server, utf8(line), chunk)), /^HTTP\/1\.1 414 /, `by ${chunk}`);
    }
    assert.deepEqual(new Set(refusals()), new Set(["TOO_LARGE"]));
  }
});

Deno.test("readRequest(): refuses unauthenticated protocols without method none", async () => {
  const strict = makeServer({ auth: [passwordServer(() => true)] });
  assert.equal(hex(await exchange(strict.server, unhex("040100500808080800"))), "005b000000000000");
  assert.match(text(await exchange(strict.server, utf8("CONNECT a:1 HTTP/1.1\r\n\r\n"))), /^HTTP\/1\.1 403 /);
  assert.deepEqual([strict.requests, strict.refusals()], [[], ["NO_ACCEPTABLE_METHOD", "NO_ACCEPTABLE_METHOD"]]);
  const off = makeServer({ protocols: [] });
  assert.equal(hex(await exchange(off.server, unhex("040100500808080800"))), "005b000000000000");
  assert.match(text(await exchange(off.server, utf8("CONNECT a:1 HTTP/1.1\r\n\r\n"))), /^HTTP\/1\.1 501 /);
  assert.deepEqual([off.requests, off.refusals()], [[], ["BAD_VERSION", "BAD_VERSION"]]);
  // SOCKS version 5 goes on working beside them.
  const { server } = makeServer();
  assert.equal(
    hex(await exchange(server, unhex("0501000501000304746573740050"), 1)),
    "050005000001c00002010063" + target,
  );
});
