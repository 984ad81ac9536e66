/** Which KDC is asked, how long it is waited for, and what is tried next; over real sockets where it matters. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { encode } from "../../../asn1/codec.ts";
import type { KdcExchange } from "../../../kerberos/exchange/kdc_exchange.ts";
import { KdcClient, type KdcClientOptions } from "../../../kerberos/reach/kdc_client.ts";
import type { KdcTransport } from "../../../kerberos/reach/transport.ts";
import { KerberosTickets } from "../../../kerberos/credentials/tickets/tickets.ts";
import { passwordKey } from "../../../kerberos/exchange/client_key.ts";
import { systemTransport } from "../../../kerberos/reach/shell/transport.ts";
import { DEFAULT_CONFIG, type KerberosConfig } from "../../../kerberos/config/krb5_conf.ts";
import { KerberosError } from "../../../kerberos/errors.ts";
import { handleKdcMessage, inProcessTransport, startTestKdc } from "../../../kerberos/kdc/mod.ts";
import { KrbError } from "../../../kerberos/messages/error.ts";
import { parsePrincipal } from "../../../kerberos/principal.ts";
import { memoryRealm } from "../../support/gss_pair.ts";
import { freePort } from "../../support/process.ts";
import { TcpServer } from "../../support/servers.ts";

function withKdcs(config: KerberosConfig, ...kdc: string[]): KerberosConfig {
  return {
    ...config,
    realms: new Map([["GSSOCKS.TEST", { kdc, primaryKdc: [] }]]),
  };
}

function login(config: KerberosConfig, options: { transport?: KdcTransport; timeout?: number } = {}): KerberosTickets {
  const kdc = new KdcClient({ config, transport: options.transport ?? systemTransport, timeout: options.timeout });
  return new KerberosTickets({
    config,
    kdc,
    initial: { client: parsePrincipal("alice@GSSOCKS.TEST"), key: passwordKey("pw") },
  });
}

Deno.test("KdcClient: asks the next KDC when one refuses, hangs up or is silent", async () => {
  await using kdc = await startTestKdc({ principals: { alice: "pw" } });
  await using hangsUp = new TcpServer(() => Promise.resolve());
  await using silent = new TcpServer(async (connection) => {
    while (await connection.read(new Uint8Array(1000)) !== null);
  });
  const kdcs = [`tcp/127.0.0.1:${freePort()}`, `tcp/127.0.0.1:${hangsUp.port}`, `tcp/127.0.0.1:${silent.port}`];
  await login(withKdcs(kdc.config, ...kdcs, `127.0.0.1:${kdc.port}`), { timeout: 200 }).initialTicket();
  const error = await login(withKdcs(kdc.config, ...kdcs), { timeout: 100 }).initialTicket().then(
    () => undefined,
    (e) => e,
  );
  assert.ok(error instanceof KerberosError && error.code === "KDC_UNREACHABLE");
  assert.ok(error.cause instanceof AggregateError && error.cause.errors.length === 3);
  assert.match(error.message, /did not answer within 100 ms/);
});

Deno.test("KdcClient: uses TCP for a reply too big for UDP, and UDP without TCP", async () => {
  await using kdc = await startTestKdc({ principals: { alice: "pw" } });
  const seen: string[] = [];
  const transport: KdcTransport = {
    send(address, message, options) {
      seen.push(address.protocol);
      return systemTransport.send(address, message, options);
    },
  };
  const config = { ...kdc.config, udpPreferenceLimit: 1465 };
  await login(config, { transport }).initialTicket();
  assert.deepEqual(seen.splice(0), ["udp", "udp"]);
  kdc.faults.maxUdpReply = 300;
  await login(config, { transport }).initialTicket();
  assert.deepEqual(seen.splice(0), ["udp", "tcp", "udp", "tcp"]);
  kdc.faults.maxUdpReply = 4096;
  const deaf: KdcTransport = {
    send: (address, message, options) =>
      address.protocol === "tcp"
        ? Promise.reject(new Error("no TCP"))
        : systemTransport.send(address, message, options),
  };
  await login(kdc.config, { transport: deaf }).initialTicket();
});

Deno.test("KdcClient: asks elsewhere when a reply is lost or a KDC is not available", async () => {
  await using kdc = await startTestKdc({ principals: { alice: "pw" } });
  const twice = withKdcs(kdc.config, `tcp/127.0.0.1:${kdc.port}`, `tcp/127.0.0.1:${kdc.port}`);
  kdc.faults.dropReplies = 1;
  await login(twice, { timeout: 500 }).initialTicket();
  assert.equal(kdc.faults.dropReplies, 0);
  kdc.faults.answerWithError = 29;
  await assert.rejects(login(twice).initialTicket(), { code: "KDC_UNREACHABLE" });
});

Deno.test("KdcClient: ends with the signal's reason, and leaves nothing open", async () => {
  await using silent = new TcpServer(async (connection) => {
    while (await connection.read(new Uint8Array(1000)) !== null);
  });
  for (const protocol of ["tcp", "udp"]) {
    const config = withKdcs(DEFAULT_CONFIG, `${protocol}/127.0.0.1:${silent.port}`);
    const stop = new AbortController();
    const waiting = login(config, { timeout: 60_000 }).initialTicket({ signal: stop.signal });
    stop.abort(new Error("enough"));
    await assert.rejects(waiting, { message: "enough" });
  }
});

Deno.test("systemTransport: refuses a reply that announces an absurd length", async () => {
  await using liar = new TcpServer(async (connection) => {
    await connection.write(new Uint8Array([0x7f, 0xff, 0xff, 0xff]));
  });
  const config = withKdcs(DEFAULT_CONFIG, `tcp/127.0.0.1:${liar.port}`);
  await assert.rejects(login(config).initialTicket(), /announces a reply of 2147483647 bytes/);
});

Deno.test("systemTransport: takes a datagram only from the address asked", async () => {
  await using kdc = await startTestKdc({ principals: { alice: "pw" } });
  // A front before the KDC lets the answer of a stranger pass first, from another port.
  const front = await datagrams();
  const stranger = await datagrams();
  try {
    front.socket.on("message", async (message: Uint8Array, from: { port: number }) => {
      const reply = await handleKdcMessage(kdc.realm, new Uint8Array(message), { transport: "udp" });
      const forged = refusal(6);
      stranger.socket.send(forged, from.port, "127.0.0.1", () => front.socket.send(reply!, from.port, "127.0.0.1"));
    });
    const config = { ...withKdcs(kdc.config, `udp/127.0.0.1:${front.port}`), udpPreferenceLimit: 1465 };
    const got = await login(config).initialTicket();
    assert.equal(got.credential.client.components[0], "alice");
  } finally {
    await Promise.all([front.close(), stranger.close()]);
  }
});

/** A KRB-ERROR that no KDC has sent. */
function refusal(code: number, realm = "GSSOCKS.TEST"): Uint8Array<ArrayBuffer> {
  return encode(KrbError, {
    pvno: 5,
    msgType: 30,
    stime: Math.floor(Date.now() / 1000) * 1000,
    susec: 0,
    errorCode: code,
    realm,
    sname: { nameType: 2, nameString: ["krbtgt", realm] },
  });
}

async function datagrams() {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return {
    socket,
    port: socket.address().port,
    close: () => new Promise<void>((resolve) => socket.close(() => resolve())),
  };
}

/** A transport that never answers, and counts. */
function deaf(): KdcTransport & { asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    send(address, _message, { signal }) {
      asked.push(`${address.protocol}/${address.hostname}`);
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    },
  };
}

async function* once(realm: string): KdcExchange<Uint8Array<ArrayBuffer>> {
  return yield { realm, message: new Uint8Array(3000) };
}

Deno.test("KdcClient: tries a bounded number of the hosts that the DNS names, and reports a few", async () => {
  const transport = deaf();
  const records = Array.from({ length: 200 }, (_, i) => ({ priority: 0, weight: 0, port: 88, target: `h${i}.evil.` }));
  const client = new KdcClient({
    config: DEFAULT_CONFIG,
    timeout: 1,
    resolveSrv: () => Promise.resolve(records),
    transport,
  });
  const error = await client.run(once("EVIL.TEST")).then(() => undefined, (e) => e);
  assert.equal(error.code, "KDC_UNREACHABLE");
  // Ten over TCP, then ten over UDP; those are known over TCP already.
  assert.equal(transport.asked.length, 20);
  assert.ok(error.message.length < 600, `${error.message.length}`);
  assert.match(error.message, /and 15 more$/);
  assert.equal(error.cause.errors.length, 20);
});

Deno.test("KdcClient: shows no control characters of a KDC, and little of long texts", async () => {
  const transport: KdcTransport = {
    send: () => Promise.reject(new Error("\x1b]0;owned\x07\u202e" + "x".repeat(10_000))),
  };
  const config = withKdcs(DEFAULT_CONFIG, "tcp/127.0.0.1:1");
  const error = await new KdcClient({ config, transport }).run(once("GSSOCKS.TEST")).then(() => undefined, (e) => e);
  assert.doesNotMatch(error.message, /[\p{Cc}\p{Cf}]/u);
  assert.ok(error.message.length < 400);
  const name = "\x1b[2J\u202eREALM";
  const known = { ...config, realms: new Map([[name, config.realms.get("GSSOCKS.TEST")!]]) };
  const there = await new KdcClient({ config: known, transport }).run(once(name)).then(() => undefined, (e) => e);
  assert.match(there.message, /^Cannot reach/);
  assert.doesNotMatch(there.message, /[\p{Cc}\p{Cf}]/u);
  const odd = await new KdcClient({ config, transport }).run(once("\x1b[2J\u202eREALM")).then(
    () => undefined,
    (e) => e,
  );
  assert.doesNotMatch(odd.message, /[\p{Cc}\p{Cf}]/u);
});

Deno.test("KdcClient: ends an exchange that takes too long in all", async () => {
  const config = withKdcs(DEFAULT_CONFIG, ...Array.from({ length: 50 }, () => "tcp/127.0.0.1:1"));
  const transport = deaf();
  const slow = new KdcClient({ config, transport, timeout: 30, totalTimeout: 100 });
  await assert.rejects(slow.run(once("GSSOCKS.TEST")), /longer than 100 ms in all/);
  assert.ok(transport.asked.length < 10, `${transport.asked.length}`);
  // Every answer is quick, but they never end.
  const chatty = new KdcClient({
    config,
    transport: { send: () => new Promise((resolve) => setTimeout(resolve, 0, new Uint8Array(3))) },
    totalTimeout: 100,
  });
  let ended = false;
  const endless = async function* (): KdcExchange<never> {
    try {
      for (;;) yield { realm: "GSSOCKS.TEST", message: new Uint8Array(3) };
    } finally {
      ended = true;
    }
  };
  await assert.rejects(chatty.run(endless()), { code: "KDC_UNREACHABLE" });
  assert.ok(ended, "what the exchange holds is given up");
  // A resolver that ignores its signal is not waited for either.
  const stuck = new KdcClient({
    config: DEFAULT_CONFIG,
    transport,
    resolveSrv: () => new Promise(() => {}),
    totalTimeout: 50,
  });
  await assert.rejects(stuck.run(once("SLOW.TEST")), { code: "KDC_UNREACHABLE" });
});

const KDC = "GSSOCKS.TEST";

const hosts = (...kdc: string[]) => withKdcs({ ...DEFAULT_CONFIG, dnsLookupKdc: false }, ...kdc);

/** A transport whose hosts answer as a KDC does, answer with bytes, fail, or stay silent, as a test wants. */
type Act = "answers" | "silent" | Error | Uint8Array<ArrayBuffer>;

async function acted(acts: Record<string, Act | (() => Act)>) {
  const realm = await memoryRealm();
  const honest = inProcessTransport(realm);
  const asked: string[] = [];
  const transport: KdcTransport = {
    async send(address, message, options) {
      const name = `${address.protocol}/${address.hostname}`;
      asked.push(name);
      const found = acts[name] ?? acts[address.hostname] ?? new Error("unexpected");
      const act = typeof found === "function" ? found() : found;
      if (act instanceof Error) throw act;
      if (act instanceof Uint8Array) return act;
      if (act === "answers") return await honest.send({ ...address, hostname: KDC }, message, options);
      return await new Promise((_, reject) =>
        options.signal.addEventListener("abort", () => reject(options.signal.reason))
      );
    },
  };
  const make = (config: KerberosConfig, more: Partial<KdcClientOptions> = {}, password = "alicepw") =>
    new KerberosTickets({
      config,
      kdc: new KdcClient({ config, transport, attemptDelay: 5, ...more }),
      initial: { client: parsePrincipal(`alice@${KDC}`), key: passwordKey(password) },
    });
  return { asked, make, realm, transport };
}

Deno.test("KdcClient: a dead KDC costs time once; the one that answered goes first until it fails", async () => {
  let [gone, allGone] = [false, false];
  const { asked, make } = await acted({
    a: () => allGone ? new Error("gone") : "silent",
    b: () => gone ? new Error("gone") : "answers",
    "tcp/c": () => allGone ? new Error("gone") : "answers",
  });
  const config = hosts("a", "b", "c");
  await make(config).initialTicket();
  // One delay for the two messages of this exchange.
  assert.deepEqual(asked.splice(0), ["tcp/a", "tcp/b", "tcp/b"]);
  await make(config).initialTicket();
  assert.deepEqual(asked.splice(0), ["tcp/b", "tcp/b"]);
  gone = true;
  await make(config).initialTicket();
  assert.deepEqual(asked.splice(0), ["tcp/b", "tcp/a", "tcp/c", "tcp/c"]);
  allGone = true;
  await assert.rejects(make(config).initialTicket(), { code: "KDC_UNREACHABLE" });
  assert.equal(asked[0], "tcp/c");
  asked.length = 0;
  [gone, allGone] = [false, false];
  await make(config).initialTicket();
  assert.equal(asked[0], "tcp/a");
});

Deno.test("KdcClient: passes over garbage, half messages, other realms' errors and excuses", async () => {
  const whole = refusal(25);
  const others: Act[] = [
    new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"),
    whole.slice(0, whole.length / 2),
    new Uint8Array(0),
    refusal(6, "OTHER.TEST"),
    refusal(29),
    new Error("KDC announces a reply of 2147483647 bytes"),
  ];
  const names = others.map((_, i) => `h${i}`);
  const acts = Object.fromEntries(others.map((act, i) => [`h${i}`, act]));
  const { asked, make } = await acted({ ...acts, good: "answers" });
  await make(hosts(...names, "good")).initialTicket();
  assert.deepEqual(asked.slice(0, names.length), names.map((name) => `tcp/${name}`));
  // Without a better answer, the error of another realm is the answer.
  const { make: alone } = await acted({ h: refusal(6, "OTHER.TEST") });
  await assert.rejects(alone(hosts("h")).initialTicket(), { code: "KDC_ERR_C_PRINCIPAL_UNKNOWN" });
  const { make: none } = await acted(acts);
  const error = await none(hosts("h0", "h1", "h4", "h5")).initialTicket().then(() => undefined, (e) => e);
  assert.equal(error.code, "KDC_UNREACHABLE");
  assert.match(
    error.message,
    /KDC tcp\/h0:88 sent no valid answer.*KDC tcp\/h1:88.*KDC tcp\/h4:88 is not available; KDC tcp\/h5:88: KDC an/,
  );
});

Deno.test("runWithSecret(): a secret is proved to one KDC, whatever it calls its realm", async () => {
  for (const code of [18, 23, 24, 25]) {
    const { asked, make } = await acted({ a: refusal(code, "GSSOCKS"), b: "answers" });
    await assert.rejects(make(hosts("a", "b")).initialTicket(), { errorCode: code });
    assert.deepEqual(asked, ["tcp/a"]);
  }
});

Deno.test("KdcClient: a KDC that is not waited for has not failed, and goes first next time", async () => {
  let silent = false;
  const { asked, make } = await acted({ a: "silent", b: () => silent ? "silent" : "answers" });
  await make(hosts("a", "b")).initialTicket();
  asked.length = 0;
  silent = true;
  const stop = new AbortController();
  const waiting = make(hosts("a", "b"), { attemptDelay: 60_000 }).initialTicket({ signal: stop.signal });
  while (asked.length === 0) await Promise.resolve();
  stop.abort(new Error("enough"));
  await assert.rejects(waiting, { message: "enough" });
  silent = false;
  await make(hosts("a", "b"), { attemptDelay: 60_000 }).initialTicket();
  assert.deepEqual(asked, ["tcp/b", "tcp/b", "tcp/b"]);
});

Deno.test("KdcClient: after a closed TCP port, UDP to the same host is the last resort", async () => {
  const { asked, make } = await acted({ a: new Error("refused"), "tcp/b": "silent", "udp/b": "answers" });
  await make(hosts("a", "b")).initialTicket();
  assert.deepEqual(asked.splice(0), ["tcp/a", "tcp/b", "udp/b", "udp/b"]);
});

Deno.test("KdcClient: fetches a reply too big for UDP over TCP from the same host", async () => {
  const { asked, make } = await acted({ "udp/a": refusal(52), "tcp/a": "answers", b: new Error("not asked") });
  const config = { ...hosts("a", "b"), udpPreferenceLimit: 1465 };
  await make(config).initialTicket();
  await make(config).initialTicket();
  assert.deepEqual(asked, ["udp/a", "tcp/a", "udp/a", "tcp/a", "udp/a", "tcp/a", "udp/a", "tcp/a"]);
  // "Too big" over TCP is an error like any other.
  const { make: odd } = await acted({ a: refusal(52) });
  await assert.rejects(odd(hosts("a")).initialTicket(), { errorCode: 52 });
});

Deno.test("KdcClient: many silent KDCs take a bounded time, a few at once, and are reported", async () => {
  let most = 0;
  let underWay = 0;
  const transport: KdcTransport = {
    send: (_address, _message, { signal }) => {
      most = Math.max(most, ++underWay);
      return new Promise((_, reject) => signal.addEventListener("abort", () => (underWay--, reject(signal.reason))));
    },
  };
  const config = hosts(...Array.from({ length: 40 }, (_, i) => `h${i}`));
  const client = new KdcClient({ config, transport, attemptDelay: 0, timeout: 20 });
  const error = await client.run(once(KDC)).then(() => undefined, (e) => e);
  assert.match(error.message, /KDC tcp\/h0:88 did not answer within 20 ms;.* and 75 more$/);
  assert.equal(error.cause.errors.length, 80);
  assert.ok(most <= 8, `${most}`);
  assert.equal(underWay, 0);
});
