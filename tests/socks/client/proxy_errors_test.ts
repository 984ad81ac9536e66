/** What is wrong with the proxy is told apart from what is wrong with the target, in words that say what to do. */
import assert from "node:assert/strict";
import { associate, bind, bridge, connect, dialThrough, noAuthentication, resolve, serve } from "../../../mod.ts";
import { errorLine, exitCodeFor } from "../../../cli/command/command.ts";
import {
  replyCodeFor,
  SocksAuthError,
  SocksConnectionError,
  SocksProtocolError,
  SocksProxyError,
  SocksReplyError,
  SocksTimeoutError,
  SocksTlsError,
} from "../../../socks/errors.ts";
import type { Connection, Dialer } from "../../../socks/stream/connection.ts";
import { startRealmFolder } from "../../support/realm_folder.ts";
import { freePort } from "../../support/process.ts";
import { GRANTED, NO_METHOD, scriptProxy } from "../../support/scripted_proxy.ts";

const LOCALHOST = "127.0.0.1";
const auth = [noAuthentication()];
const target = { hostname: "target.example", port: 80 };

/** What a call over this dialer fails with. */
async function failure(dial: Dialer | undefined, proxy: string, more: Record<string, unknown> = {}): Promise<Error> {
  return await connect({ ...target, proxy, auth, dial, ...more }).then(() => assert.fail("connected"), (e) => e);
}

Deno.test("client calls: a proxy that cannot be reached is no target that refuses", async () => {
  const port = freePort();
  const proxy = `${LOCALHOST}:${port}`;
  const calls = [
    connect({ ...target, proxy, auth }),
    associate({ proxy, auth }),
    bind({ proxy, auth }),
    resolve({ proxy, auth, hostname: "x" }),
    dialThrough({ proxy, auth })(target, {}),
  ];
  for (const [i, end] of (await Promise.allSettled(calls)).entries()) {
    assert.ok(end.status === "rejected" && end.reason instanceof SocksProxyError, `${i}`);
    const { code, message, cause } = end.reason;
    assert.deepEqual([code, (cause as SocksReplyError).code], ["PROXY_UNREACHABLE", "CONNECTION_REFUSED"]);
    assert.match(message, new RegExp(`^Cannot reach proxy ${proxy}: cannot connect to ${proxy}: .*refused`));
    assert.equal(replyCodeFor(end.reason), 1);
    assert.equal(exitCodeFor(end.reason), 4);
  }
  await using local = bridge({ proxy, auth, port: 0 });
  using client = await Deno.connect(local.addr);
  await client.write(Uint8Array.of(5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, 0, 80));
  const answer = new Uint8Array(100);
  assert.equal(await client.read(answer), 2);
  assert.equal(await client.read(answer), 10);
  assert.deepEqual([...answer.subarray(0, 2)], [5, 1]);
  await using server = serve({ port: 0, allowUnauthenticated: true, rules: ["allow localhost"] });
  const refused = connect({ proxy: server.addr, auth, hostname: LOCALHOST, port });
  await assert.rejects(refused, {
    name: "SocksReplyError",
    code: "CONNECTION_REFUSED",
    message: /: the host refused the connection, /,
  });
});

Deno.test("client calls: errors of a dialer name the proxy, except its own and the caller's", async () => {
  const fails = (error: unknown) => failure(() => Promise.reject(error), "b.example");
  for (const cause of [new SocksReplyError("HOST_UNREACHABLE", "nowhere"), new Error("nowhere"), "nowhere"]) {
    const error = await fails(cause);
    assert.ok(error instanceof SocksProxyError);
    assert.deepEqual([error.message, error.cause], ["Cannot reach proxy b.example:1080: nowhere", cause]);
    assert.equal(exitCodeFor(error), 4);
  }
  for (
    const error of [
      new SocksAuthError("BAD_CREDENTIALS", "x"),
      new SocksProtocolError("BAD_MESSAGE", "x"),
      new SocksTimeoutError("HANDSHAKE_TIMEOUT", "x"),
      new SocksTlsError("TLS_HANDSHAKE", "x"),
      new SocksProxyError("PROXY_UNREACHABLE", "x"),
      new TypeError("x"),
      new RangeError("x"),
    ]
  ) assert.equal(await fails(error), error);
  const thrown = await failure(() => {
    throw new Error("at once");
  }, "b.example");
  assert.ok(thrown instanceof SocksProxyError);
  const reason = new SocksReplyError("NOT_ALLOWED", "given up");
  const stop = new AbortController();
  const dial: Dialer = (_, { signal }) => {
    stop.abort(reason);
    return Promise.reject(signal!.reason);
  };
  assert.equal(await failure(dial, "b.example", { signal: stop.signal }), reason);
});

Deno.test("client calls: in a chain, the error names the proxy that cannot be reached", async () => {
  const a = (dial: Dialer) => dialThrough({ proxy: "a.example", auth, dial });
  const { near } = scriptProxy([NO_METHOD, "05050001000000000000"]);
  const fromA = await failure(a(() => Promise.resolve(near)), "b.example");
  assert.equal(
    fromA.message,
    "Cannot reach proxy b.example:1080: proxy a.example:1080 cannot reach b.example:1080: " +
      "the host refused the connection, no program listens there (CONNECTION_REFUSED)",
  );
  const noA = await failure(a(() => Promise.reject(new SocksReplyError("HOST_UNREACHABLE", "no"))), "b.example");
  assert.equal(noA.message, "Cannot reach proxy a.example:1080: no");
});

Deno.test("client calls: a refusal has a reason, a hint and its code once", async () => {
  const words: [number, RegExp][] = [
    [1, /^Proxy p:1080 cannot reach target\.example:80: it failed, and does not say why; .*log \(GENERAL_FAILURE\)$/],
    [2, /: its rules do not allow it; ask its administrator \(NOT_ALLOWED\)$/],
    [4, /: the host is not found, or does not answer \(HOST_UNREACHABLE\)$/],
    [7, /: it does not do that for its clients \(COMMAND_NOT_SUPPORTED\)$/],
    [99, /does not say why.* \(GENERAL_FAILURE, reply 99\)$/],
  ];
  for (const [reply, text] of words) {
    const { near } = scriptProxy([NO_METHOD, `05${reply.toString(16).padStart(2, "0")}0001000000000000`]);
    assert.match((await failure(() => Promise.resolve(near), "p")).message, text);
  }
});

Deno.test("client calls: a refusal names no unspecified address", async () => {
  await using server = serve({ port: 0, allowUnauthenticated: true });
  const through = { proxy: server.addr, auth };
  await assert.rejects(bind(through), { message: /cannot listen for any peer: it does not do that/ });
  await assert.rejects(associate(through), { message: /cannot relay datagrams for any peer: it does not do that/ });
  const { near, far } = scriptProxy([NO_METHOD]);
  const gone = associate({ proxy: "p", auth, dial: () => Promise.resolve(near) });
  await far.read().then(() => far.closeWrite()).catch(() => {});
  await assert.rejects(gone, { code: "UNEXPECTED_END", message: /^Cannot use proxy p:1080: / });
  const expected = { hostname: LOCALHOST, port: 20 };
  await assert.rejects(bind({ ...through, expected }), { message: /cannot listen for 127\.0\.0\.1:20: / });
});

Deno.test("client calls: name the protocol of a server that is no SOCKS5 proxy", async () => {
  const answers: [string, RegExp][] = [
    ["HTTP/1.1 400 Bad Request\r\n\r\n", /it speaks HTTP: 400 Bad Request \(is this the port of an HTTP proxy\?\)$/],
    [
      "HTTP/1.1 302 Found\r\nLocation: http://portal/\r\n",
      /it speaks HTTP: 302 Found \(is this a portal that wants a login/,
    ],
    ["HTTP/1.0 511 Network Authentication Required\n", /511 Network Authentication Required \(is this a portal/],
    ["HTTP/1.1 403 \x1b[2J\u009b\r\n", /403 \\u001b\[2J/],
    ["HTTP/", /it speaks HTTP \(is this the port of an HTTP proxy\?\)$/],
    ["\x15\x03\x03\x00\x02\x02\x46", /it answers in TLS: .*dialTls/],
    ["\x16\x03\x01\x00\x02\x02\x46", /it answers in TLS/],
    ["\x15\x04", /its answer begins with 15 04 \(hex\)$/],
    ["SSH-2.0-OpenSSH_9.2\r\n", /it speaks SSH: "SSH-2\.0-OpenSSH_9\.2"/],
    ["\x00\x5b\x00\x00\x00\x00\x00\x00", /it speaks SOCKS4/],
    ["\x04\x5b\x00\x00\x00\x00\x00\x00", /it speaks SOCKS4/],
    ["220 mail.example ESMTP\r\n", /it speaks no SOCKS5: it says "220 mail\.example ESMTP"$/],
    ["Hello", /it speaks no SOCKS5: it says "Hello"$/],
    ["x".repeat(1_000), /it says "x{80}\.\.\."$/],
  ];
  for (const [answer, text] of answers) {
    for (const size of [1, 3, answer.length]) {
      const bytes = Uint8Array.from(answer, (character) => character.charCodeAt(0));
      let at = 0;
      const near: Connection = {
        ...scriptProxy([]).near,
        read: () => Promise.resolve(at < bytes.length ? bytes.slice(at, at += size) : null),
      };
      const error = await failure(() => Promise.resolve(near), "p");
      assert.ok(error instanceof SocksProtocolError && error.code === "BAD_VERSION");
      assert.match(error.message, /^Cannot use proxy p:1080: /);
      assert.match(error.message, text, `${size}`);
      assert.equal(exitCodeFor(error), 4);
    }
  }
});

Deno.test("client calls: do not wait for a first line that never ends or fails", async () => {
  for (const rest of [() => new Promise<never>(() => {}), () => Promise.reject(new Error("reset"))]) {
    let reads = 0;
    const near: Connection = {
      ...scriptProxy([]).near,
      read: () => reads++ === 0 ? Promise.resolve(Uint8Array.of(0x48, 0x54)) : rest(),
    };
    const error = await failure(() => Promise.resolve(near), "p", { timeout: 100 });
    // The time of the call is over before that of the line.
    if (error instanceof SocksTimeoutError) assert.match(error.message, /took longer than 100 ms/);
    else assert.match(error.message, /it speaks HTTP/);
  }
});

Deno.test("client calls: read no more of a first line than they report", async () => {
  for (const [chunk, most] of [["x".repeat(100), 4], ["HTTP/1.1 302 Found\n", 1]] as const) {
    let reads = 0;
    const read = () => Promise.resolve(new TextEncoder().encode(reads++ > 99 ? "" : chunk));
    const error = await failure(() => Promise.resolve({ ...scriptProxy([]).near, read }), "p");
    assert.ok(error instanceof SocksProtocolError);
    assert.ok(reads <= most, `${reads}`);
  }
});

Deno.test("client calls: in a chain, name the hop that speaks another protocol", async () => {
  const a = (dial: Dialer) => dialThrough({ proxy: "a.example", auth, dial });
  const { near } = scriptProxy([NO_METHOD, GRANTED + "485454502f312e31203330322046"]);
  const error = await failure(a(() => Promise.resolve(near)), "b.example");
  assert.match(error.message, /^Cannot use proxy b\.example:1080: it speaks HTTP: 302 F/);
});

Deno.test("client calls: name a proxy that breaks the protocol later", async () => {
  const { near } = scriptProxy([NO_METHOD, "0400"]);
  const error = await failure(() => Promise.resolve(near), "p");
  assert.ok(error instanceof SocksProtocolError && error.code === "BAD_VERSION");
  assert.equal(
    error.message,
    "Cannot reach target.example:80 through p:1080: Cannot read message: its version is 4, not 5",
  );
});

Deno.test("client calls: a timeout says how far the connection came", async () => {
  const timeout = 50;
  const words: [Dialer, RegExp][] = [
    [() => new Promise(() => {}), /^Proxy p:1080 took longer than 50 ms: there is no connection to it yet$/],
    [
      () => Promise.resolve(scriptProxy([]).near),
      /took longer than 50 ms: it accepted the connection but sent nothing \(does it want SOCKS inside TLS\?\)$/,
    ],
    [() => Promise.resolve(scriptProxy([NO_METHOD]).near), /^Proxy p:1080 took longer than 50 ms$/],
  ];
  for (const [dial, text] of words) {
    const error = await failure(dial, "p", { timeout });
    assert.ok(error instanceof SocksTimeoutError && error.code === "HANDSHAKE_TIMEOUT");
    assert.match(error.message, text);
    assert.equal(exitCodeFor(error), 4);
  }
});

Deno.test("client calls: a protection too weak names the option, in the library and the command line", async () => {
  await using realm = await startRealmFolder();
  await using server = serve({ port: 0, keytab: realm.keytab, protection: ["integrity"], rules: ["allow localhost"] });
  const options = { proxy: `localhost:${server.addr.port}`, credentials: realm.tickets };
  const error = await connect({ ...target, ...options }).then(() => assert.fail("connected"), (error) => error);
  assert.match(
    error.message,
    /grants protection "integrity"; at least "confidentiality" is required \(minimumProtection\)$/,
  );
  assert.match(errorLine(error), /is required \(--minimum-protection\)$/);
});

Deno.test("client calls: a lost connection to the proxy has one class of errors", async () => {
  const lost = Object.assign(new Error("Connection reset by peer"), { code: "ECONNRESET" });
  for (const calls of [0, 1]) {
    const { near } = scriptProxy([NO_METHOD]);
    let reads = 0;
    const read = () => reads++ < calls ? near.read() : Promise.reject(lost);
    const error = await failure(() => Promise.resolve({ ...near, read }), "p");
    assert.ok(error instanceof SocksConnectionError && error.code === "LOST" && error.cause === lost);
    assert.equal(error.message, "Cannot reach target.example:80 through p:1080: Connection reset by peer");
  }
  const { near } = scriptProxy([]);
  const ended = await failure(() => Promise.resolve({ ...near, read: () => Promise.resolve(null) }), "p");
  assert.ok(ended instanceof SocksProtocolError && ended.code === "UNEXPECTED_END");
});
